"""Where a session stands, for every thread that looks at it or presses its buttons."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from swarm_stream.runtime.states import SessionSignal, SessionState, move

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Standing"]


class Standing:
    """The state of one session, its loop, and what was asked of it. Any thread.

    A button is pressed on the IO thread, say, while the run ends on its own loop.

    Attributes:
        state: The state.
        cancelled_by: Who cancelled the run, if anybody did.
        stopping: Whether it was asked to stop.

    """

    def __init__(self) -> None:
        self.state = SessionState.IDLE
        self.cancelled_by: str | None = None
        self.stopping = False
        self._cut_short = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self.state in {SessionState.CLOSED, SessionState.ERROR}

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on a loop. What was asked before is told by nobody else: look at it afterwards.

        Raises:
            SessionStateError: If it was begun before.

        """
        with self._lock:
            self.state = move(self.state, SessionSignal.START)
            self._loop = loop

    def cancel(self, by: str) -> bool:
        """Note who cancels the run, even before it begins; False if it is no news, or too late."""
        with self._lock:
            news = not self.done and self.cancelled_by is None
            if news:
                self.cancelled_by = by
            return news

    def stop(self) -> bool:
        """Note that the run is to stop, also before it begins; False as with ``cancel``."""
        with self._lock:
            news = not self.done and not self.stopping
            if news:
                self.stopping = True
            return news

    def tell(self, call: Callable[[], object]) -> bool:
        """Have the run's loop call something, if the run has begun; False if the loop is closed."""
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(call)
            except RuntimeError:
                return False
        return True

    def cut_short(self) -> bool:
        """Whether the caller is the one to end a run that cannot end by itself."""
        with self._lock:
            first = not self.done and not self._cut_short
            self._cut_short = True
            return first

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
