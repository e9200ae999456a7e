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


async def interrupt(log: StreamLog, stream: str, *, by: str, reason: str, now_ms: float) -> bool:
    """End a stream whose producer is dead; tells whether it was this call that ended it.

    Takes the next epoch, so that a ghost of the producer can add nothing more, closes as
    ``partial`` what is open, and appends ``end`` with ``interrupted``. A producer that comes back
    meanwhile keeps its stream: it holds a later epoch then, and this gives False.

    Args:
        log: Where the stream is.
        stream: Its name.
        by: A producer's id of the caller's own.
        reason: What happened, in words.
        now_ms: Milliseconds since the epoch, for the events.

    Raises:
        NoSuchStreamError: If there is no such stream.
        LogError: If the log cannot be read or written; nothing but the epoch has changed then.

    """
    tail = (await log.info(stream)).tail  # raises where a claim would make a new stream
    claimed = await log.claim(stream, producer=by, meta=None)
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
