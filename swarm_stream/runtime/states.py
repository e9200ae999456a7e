"""The states of a session, as a table."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import SessionStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSITIONS", "SessionSignal", "SessionState", "move"]


class SessionState(enum.Enum):
    """Where a session stands."""

    IDLE = "idle"
    """Made, not started."""
    STREAMING = "streaming"
    """The run goes on."""
    PAUSED = "paused"
    """The agents wait: ``session.paused_by`` tells for whom."""
    ERROR = "error"
    """The run failed; ``await session`` raises why."""
    CLOSED = "closed"
    """The run is over: completed or cancelled."""


class SessionSignal(enum.Enum):
    """What can happen to it."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FAIL = "fail"
    END = "end"


# A pair that is not here cannot happen; the diagram in notebooks/10_protocol.ipynb is drawn
# from this table.
TRANSITIONS: Final[Mapping[tuple[SessionState, SessionSignal], SessionState]] = {
    (SessionState.IDLE, SessionSignal.START): SessionState.STREAMING,
    (SessionState.IDLE, SessionSignal.FAIL): SessionState.ERROR,
    (SessionState.IDLE, SessionSignal.END): SessionState.CLOSED,
    (SessionState.STREAMING, SessionSignal.PAUSE): SessionState.PAUSED,
    (SessionState.STREAMING, SessionSignal.RESUME): SessionState.STREAMING,
    (SessionState.STREAMING, SessionSignal.FAIL): SessionState.ERROR,
    (SessionState.STREAMING, SessionSignal.END): SessionState.CLOSED,
    (SessionState.PAUSED, SessionSignal.PAUSE): SessionState.PAUSED,
    (SessionState.PAUSED, SessionSignal.RESUME): SessionState.STREAMING,
    (SessionState.PAUSED, SessionSignal.FAIL): SessionState.ERROR,
    (SessionState.PAUSED, SessionSignal.END): SessionState.CLOSED,
}


def move(state: SessionState, signal: SessionSignal) -> SessionState:
    """Give the next state.

    Raises:
        SessionStateError: If this cannot happen in this state.

    """
    try:
        return TRANSITIONS[state, signal]
    except KeyError:
        raise SessionStateError(
            f"a session that is {state.value} cannot {signal.value}; make a new one with ss.stream"
        ) from None
