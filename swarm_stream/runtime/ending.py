"""What a run's end says: outcome, reason and error; and telling of it."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from swarm_stream.errors import ProducerFencedError, Said, StreamCancelledError
from swarm_stream.events.fold import Segment
from swarm_stream.events.model import ErrorInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swarm_stream.events.fold import Transcript
    from swarm_stream.events.model import Outcome
    from swarm_stream.runtime.cancelling import Ran
    from swarm_stream.runtime.session import StreamingSession

__all__ = ["error_info", "judge", "said_so_far", "tell_of_end"]

_log = logging.getLogger("swarm_stream.runtime")


def judge(
    session: StreamingSession, ran: Ran, *, refusal: BaseException | None
) -> tuple[Outcome, str, BaseException | None]:
    """Give a run's outcome, the reason in words, and what awaiting it raises."""
    if ran.cancelled:
        by = session.cancelled_by or "the run itself"
        reason = f"cancelled by {by}{_left(session)}"
        if isinstance(refusal, ProducerFencedError):
            return "cancelled", reason, refusal
        said = said_so_far(session.transcript)
        error = StreamCancelledError(session.id, by=by, messages=said, leaked=session.leaked)
        return "cancelled", reason, error
    if ran.error is not None:
        return "failed", _left(session).removeprefix("; "), ran.error
    return "completed", "stopped by request" if session.stopping else "", None


def said_so_far(transcript: Transcript) -> list[Said]:
    """Give what the agents have said, one by one."""
    return [
        Said(lane.name, segment.text, segment.open or segment.partial)
        for segment in transcript.items
        if isinstance(segment, Segment)
        and segment.channel == "text"
        and segment.lane is not None
        and (lane := transcript.lanes.get(segment.lane)) is not None
    ]


def _left(session: StreamingSession) -> str:
    return f"; still running: {', '.join(session.leaked)}" if session.leaked else ""


def error_info(error: BaseException | None) -> ErrorInfo | None:
    """Give what the ``end`` event says of an exception."""
    if error is None:
        return None
    lines = traceback.format_exception(error)
    return ErrorInfo(
        type=type(error).__name__, message=str(error), traceback="".join(lines)[-20_000:]
    )


def tell_of_end(stream: str, calls: Iterable[Callable[[], None]]) -> None:
    """Tell all who want to know that a run is over, whatever one of them does."""
    for call in calls:
        try:
            call()
        except Exception:  # noqa: BLE001  (a view's trouble is logged, and is none of the run's)
            _log.exception("stream %s: %r failed when it was told of the run's end", stream, call)
