"""What the last event of each stream tells: how its run ended, or what it waits for.

The log does not know: it never looks into an event. One look at one event is cheap, and it is
remembered until the stream's tail moves, so a list that is asked for again and again costs next
to nothing. A list answers with what is known by then; the rest follows with the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.events.model import Control, End, InputRequest, decode_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swarm_stream.logs.base import StreamInfo, StreamLog

__all__ = ["LastEvents"]

LOOKS: Final = 200
"""Events that are read for one list, at most: some 50 ms."""

_MAX_BYTES: Final = 2**16


class LastEvents:
    """Tell how each run is: its outcome, ``waiting`` (for an answer), ``paused``, or nothing.

    What it tells is so. It may tell nothing of a run that waits or is paused, where another lane
    has said something since. One event loop.
    """

    def __init__(self) -> None:
        # By stream: where its tail was, and what the event before it told.
        self._known: dict[str, tuple[tuple[int, float, int], str]] = {}

    async def of_all(self, log: StreamLog, streams: list[StreamInfo]) -> dict[str, str]:
        """Look at all streams of the log, those that go on first."""
        # What was deleted is forgotten.
        self._known = {
            info.stream: self._known[info.stream] for info in streams if info.stream in self._known
        }
        return await self.of(log, sorted(streams, key=lambda info: info.closed))

    async def of(self, log: StreamLog, streams: Iterable[StreamInfo]) -> dict[str, str]:
        """Look at some of them."""
        looks = 0
        told: dict[str, str] = {}
        for info in streams:
            # A stream that was deleted and made again may have the same tail.
            place = (info.tail, info.created_ms, info.epoch)
            known = self._known.get(info.stream)
            if known is None or known[0] != place:
                if looks == LOOKS:
                    continue
                looks += 1
                known = self._known[info.stream] = (place, await _look(log, info))
            told[info.stream] = known[1]
        return told


async def _look(log: StreamLog, info: StreamInfo) -> str:
    if info.tail == info.head:
        return ""
    try:
        last = await log.read(info.stream, info.tail - 1, max_events=1, max_bytes=_MAX_BYTES)
        return _told_by(last.body)
    except (LogError, NoSuchStreamError, OffsetOutOfRangeError, msgspec.DecodeError):
        # Damaged, or gone meanwhile: whoever opens the stream is told what is the matter.
        return ""


def _told_by(event: bytes) -> str:
    match decode_event(event):
        case End(outcome=outcome):
            return outcome
        case InputRequest():
            return "waiting"
        case Control(action="pause"):
            return "paused"
        case _:
            return ""
