"""Cutting and joining the records of a log, for the limits of a read.

Pure. A log reads whole records; only the first and an oversized one are ever parsed, and only
as far as needed to find where each event ends.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from swarm_stream.errors import LogError
from swarm_stream.logs.base import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["cut", "dense", "gather", "sound"]

_numbers = msgspec.json.Decoder(list[int]).decode
_raw_list: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def cut(record: Slice, offset: int, *, max_events: int, max_bytes: int) -> Slice:
    """Give the events of ``record`` from ``offset`` on that the limits allow, at least one.

    Raises:
        LogError: If ``record`` does not hold what it says.

    """
    skip = offset - record.offset
    if skip == 0 and record.count <= max_events and len(record.body) <= max_bytes:
        return record
    try:
        events = _raw_list.decode(b"[%b]" % record.body)
    except msgspec.DecodeError as error:
        raise LogError(f"the record at offset {record.offset} is damaged: {error}") from error
    if len(events) != record.count:
        raise LogError(
            f"the record at offset {record.offset} is damaged: it says that it has "
            f"{record.count} events and has {len(events)}"
        )
    stop, size = skip, -1  # the first event has no comma before it
    while stop < len(events) and stop - skip < max(max_events, 1):
        size += 1 + len(memoryview(events[stop]))
        if size > max_bytes and stop > skip:
            break
        stop += 1
    return Slice(offset, stop - skip, b",".join(events[skip:stop]))


def gather(records: Iterable[Slice], offset: int, *, max_events: int, max_bytes: int) -> Slice:
    """Join consecutive records, the first of which holds ``offset``, up to the limits.

    Takes no more records than it needs. Gives at least one event if there is a record. Records
    after the first are taken whole or not at all, so the answer may be smaller than the limits.
    """
    parts: list[bytes] = []
    count = size = 0
    for record in records:
        if not parts:
            part = cut(record, offset, max_events=max_events, max_bytes=max_bytes)
            parts, count, size = [part.body], part.count, len(part.body)
            if offset + count < record.offset + record.count:
                break
            continue
        count += record.count
        size += 1 + len(record.body)
        if count > max_events or size > max_bytes:
            count -= record.count
            break
        parts.append(record.body)
    return Slice(offset, count, b",".join(parts))


def sound(body: bytes, sizes: str, crcs: str) -> bool:
    """Tell whether records, joined by commas, have their checksums (-1: never had one)."""
    view = memoryview(body)
    start = 0
    try:
        pairs = zip(_numbers(f"[{sizes}]"), _numbers(f"[{crcs}]"), strict=True)
    except msgspec.MsgspecError:  # not even numbers any more
        return False
    for size, crc in pairs:
        if zlib.crc32(view[start : start + size]) != crc != -1:
            return False
        start += size + 1
    return True


def dense(first: Slice, rest: Iterator[Slice]) -> Iterator[Slice]:
    """Give ``first`` and what follows it without a hole."""
    yield first
    end = first.offset + first.count
    for record in rest:
        if record.offset != end:
            return
        yield record
        end += record.count
