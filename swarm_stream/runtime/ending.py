"""What a run's end says: outcome, reason and error."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from swarm_stream.errors import ProducerFencedError, StreamCancelledError
from swarm_stream.events.model import ErrorInfo

if TYPE_CHECKING:
    from swarm_stream.events.model import Outcome
    from swarm_stream.runtime.cancelling import Ran
    from swarm_stream.runtime.session import StreamingSession

__all__ = ["error_info", "judge"]


def judge(
    session: StreamingSession, ran: Ran, *, refusal: BaseException | None
) -> tuple[Outcome, str, BaseException | None]:
    """Give a run's outcome, the reason in words, and what awaiting it raises."""
    if ran.cancelled:
        by = session.cancelled_by or "the cell that awaited it"
        reason = f"cancelled by {by}"
        if ran.leaked:
            reason += "; something it started does not end and was abandoned"
        if isinstance(refusal, ProducerFencedError):
            return "cancelled", reason, refusal
        texts = {
            lane.name: text
            for number, text in session.transcript.text_by_lane().items()
            if number is not None and (lane := session.transcript.lanes.get(number)) is not None
        }
        return "cancelled", reason, StreamCancelledError(session.id, by=by, text=texts)
    if ran.error is not None:
        return "failed", "", ran.error
    return "completed", "stopped by request" if session.stopping else "", None


def error_info(error: BaseException | None) -> ErrorInfo | None:
    """Give what the ``end`` event says of an exception."""
    if error is None:
        return None
    lines = traceback.format_exception(error)
    return ErrorInfo(
        type=type(error).__name__, message=str(error), traceback="".join(lines)[-20_000:]
    )
