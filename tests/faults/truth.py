"""What a log must hold: lists in memory, and the append table told once more.

Written from PROTOCOL.md and not from ``logs.admission``, so that the two can disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from swarm_stream.errors import NoSuchStreamError
from swarm_stream.logs.admission import Admitted, BadEpoch, Closed, Fenced, Gap
from swarm_stream.logs.base import Claimed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SERVER", "Held", "Said", "Truth", "end_event", "event", "said"]

SERVER = "server"
"""Who interrupts: the one producer whose events do not tell their offsets."""


class Said(msgspec.Struct):
    """What the events of the machine tell of themselves: who made them, for which offset."""

    type: str
    p: str = ""
    o: int = -1
    id: str = ""
    outcome: str = ""


_decoder = msgspec.json.Decoder(Said)


def said(raw: bytes) -> Said:
    return _decoder.decode(raw)


def event(producer: str, offset: int) -> bytes:
    return b'{"type":"delta","seg":0,"text":"%d","p":"%b","o":%d}' % (
        offset,
        producer.encode(),
        offset,
    )


def control_event(producer: str, offset: int, name: str) -> bytes:
    return b'{"type":"control","id":"%b","p":"%b","o":%d}' % (
        name.encode(),
        producer.encode(),
        offset,
    )


def end_event(producer: str, offset: int) -> bytes:
    return b'{"type":"end","outcome":"completed","p":"%b","o":%d}' % (producer.encode(), offset)


@dataclass
class Held:
    """A stream: all that was ever admitted, and where its head is.

    Attributes:
        wrote: Which producer wrote each event.
        trimmed: What retention asked for: no event from there on may be gone.

    """

    epoch: int
    holder: str
    events: list[bytes] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    head: int = 0
    trimmed: int = 0
    closed: bool = False

    @property
    def tail(self) -> int:
        return len(self.events)


class Truth:
    """Streams by name. Each method does what a log must do, and gives what it must answer."""

    def __init__(self, *, on_delete: Callable[[str], None]) -> None:
        self._on_delete = on_delete
        self.streams: dict[str, Held] = {}
        self.deleted: set[str] = set()
        self._floor = 0

    def claim(self, stream: str, producer: str, epoch: int | None) -> object:
        found = self.streams.get(stream)
        if found is None:
            found = self.streams[stream] = Held(self._floor + 1, producer)
        if found.closed:
            return Closed(found.tail)
        if found.holder != producer:
            if epoch is not None and epoch <= found.epoch:
                return Fenced(found.epoch)  # it had the stream and has lost it
            found.holder, found.epoch = producer, found.epoch + 1
        return Claimed(found.epoch, found.tail)

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> object:
        found = self.streams.get(stream)
        if found is None:
            return NoSuchStreamError
        tail, end = found.tail, offset + len(events)
        if found.closed and end > tail:
            return Closed(tail)
        if epoch < found.epoch:
            return Fenced(found.epoch)
        if epoch > found.epoch and not found.closed:
            return BadEpoch(found.epoch)
        if end <= tail:
            return Admitted(len(events), tail)
        if offset > tail:
            return Gap(tail)
        for raw in events[tail - offset :]:
            self._add(found, bytes(raw))
        found.closed = closes
        return Admitted(tail - offset, end)

    @staticmethod
    def _add(found: Held, raw: bytes) -> None:
        about = said(raw)
        assert not found.closed
        if found.holder != SERVER:
            assert (about.p, about.o) == (found.holder, found.tail), "not the holder's next event"
        found.events.append(raw)
        found.wrote.append(found.holder)

    def delete(self, stream: str) -> bool:
        found = self.streams.pop(stream, None)
        if found is None:
            return False
        self._floor = max(self._floor, found.epoch)
        self.deleted.add(stream)
        self._on_delete(stream)
        return True
