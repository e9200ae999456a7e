"""Ending the run of a producer that is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swarm_stream.errors import OffsetOutOfRangeError
from swarm_stream.events import model
from swarm_stream.logs import admission

if TYPE_CHECKING:
    from swarm_stream.logs.base import StreamLog

__all__ = ["interrupt"]

_PAGE_EVENTS: Final = 1000
_PAGE_BYTES: Final = 2**18


class _Mark(msgspec.Struct):
    type: str = ""
    seg: int = -1


_marks: msgspec.json.Decoder[list[_Mark]] = msgspec.json.Decoder(list[_Mark])


async def interrupt(  # noqa: PLR0913  (what happened, to which producer, and who says so)
    log: StreamLog, stream: str, *, epoch: int, by: str, reason: str, now_ms: float
) -> bool:
    """End a stream whose producer is dead; tells whether it was this call that ended it.

    Takes the epoch after the dead producer's, so that a ghost of it can add nothing more, closes
    as ``partial`` what is open, and appends ``end`` with ``interrupted``. Another producer that
    has claimed the stream since ``epoch`` was looked up, or claims it before the end is written,
    keeps it: it holds that epoch or a later one, and this gives False. The one that was thought
    dead is fenced, should it come back under its own id. A call that has failed may be made
    again: ``by`` keeps the epoch that it took.

    Args:
        log: Where the stream is.
        stream: Its name.
        epoch: That of the producer that is dead, as the log had it when that was found out.
        by: A producer's id of the caller's own.
        reason: What happened, in words.
        now_ms: Milliseconds since the epoch, for the events.

    Raises:
        NoSuchStreamError: If there is no such stream.
        LogError: If the log cannot be read or written; nothing but the epoch has changed then.

    """
    await log.info(stream)  # raises where a claim would make a new stream
    claimed = await log.claim(stream, producer=by, meta=None, epoch=epoch + 1)
    if isinstance(claimed, admission.Closed | admission.Fenced):
        return False
    tail = claimed.next
    events: list[bytes] = [
        model.encode_event(model.Close(t=now_ms, seg=seg, partial=True))
        for seg in await _open_segments(log, stream, tail)
    ]
    events.append(model.encode_event(model.End(t=now_ms, outcome="interrupted", reason=reason)))
    verdict = await log.append(stream, epoch=claimed.epoch, offset=tail, events=events, closes=True)
    return isinstance(verdict, admission.Admitted)


async def _open_segments(log: StreamLog, stream: str, tail: int) -> list[int]:
    """Read what the log holds of a stream; gives the segments that were not closed."""
    found: dict[int, None] = {}
    offset = (await log.info(stream)).head
    while offset < tail:
        try:
            part = await log.read(stream, offset, max_events=_PAGE_EVENTS, max_bytes=_PAGE_BYTES)
        except OffsetOutOfRangeError as gone:
            offset = gone.head  # retention was here meanwhile
            continue
        if part.count == 0:
            break
        for mark in _read_marks(part.body):
            if mark.type in {"open", "delta"}:  # its "open" may be trimmed away
                found[mark.seg] = None
            elif mark.type == "close":
                found.pop(mark.seg, None)
        offset = part.offset + part.count
    return list(found)


def _read_marks(body: bytes) -> list[_Mark]:
    try:
        return _marks.decode(b"[" + body + b"]")
    except msgspec.ValidationError:
        # Events of another client, with other shapes: look at each one alone.
        marks = []
        for raw in msgspec.json.decode(b"[" + body + b"]", type=list[msgspec.Raw]):
            try:
                marks.append(msgspec.json.decode(raw, type=_Mark))
            except msgspec.ValidationError:
                continue
        return marks
