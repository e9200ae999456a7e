"""Where a session stands, for every thread that looks at it or presses its buttons."""

from __future__ import annotations

import threading

from swarm_stream.runtime.states import SessionSignal, SessionState, move

__all__ = ["Standing"]


class Standing:
    """The state of one session. Any thread.

    A button is pressed on the IO thread, say, while the run ends on its own loop.

    Attributes:
        state: The state.

    """

    def __init__(self) -> None:
        self.state = SessionState.IDLE
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self.state in {SessionState.CLOSED, SessionState.ERROR}

    def move(self, signal: SessionSignal) -> None:
        """Go to the next state.

        Raises:
            SessionStateError: If this cannot happen in this state.

        """
        with self._lock:
            self.state = move(self.state, signal)

    def move_while_running(self, signal: SessionSignal) -> None:
        """Go to the next state, or stay where the run has not begun, or is over: that is no error.

        Whoever pauses a run or lets it go cannot know that it ends at that moment.
        """
        with self._lock:
            if self.state in {SessionState.STREAMING, SessionState.PAUSED}:
                self.state = move(self.state, signal)
