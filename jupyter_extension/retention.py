"""Retention: what is let go of, and when. Nothing that a run may still need ever is.

Runs that are over go by age, then by size, the ones that changed longest ago first. A run that
goes on is kept whole, unless ``keep_stream_bytes`` is set: then its oldest events go.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from swarm_stream.errors import LogError, NoSuchStreamError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.logs.base import StreamInfo

__all__ = ["Keep", "Retention", "to_delete", "trim_before"]

_log = logging.getLogger("swarm_stream.server")

SWEEP_S: Final = 600.0
"""Seconds between two sweeps."""

CLOCK_SLACK_S: Final = 60.0
"""Seconds that the wall clock may gain on the monotonic one between two sweeps; beyond, it was
set, and ages mean nothing before the next sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept; 0 stands for no limit.

    Attributes:
        age_s: Seconds since a finished run last changed.
        total_bytes: Bytes of events of all streams.
        stream_bytes: Bytes of events of one stream, also of a run that goes on.

    """

    age_s: float = 0.0
    total_bytes: int = 0
    stream_bytes: int = 0


def to_delete(streams: Sequence[StreamInfo], keep: Keep, *, now_ms: float) -> list[str]:
    """Give the finished streams that have had their time, the oldest first."""
    over = sorted((info for info in streams if info.closed), key=lambda info: info.updated_ms)
    excess = sum(info.size_bytes for info in streams) - keep.total_bytes
    gone = []
    for info in over:
        too_old = keep.age_s > 0 and now_ms - info.updated_ms > keep.age_s * 1000
        too_much = keep.total_bytes > 0 and excess > 0
        if too_old or too_much:
            gone.append(info.stream)
            excess -= info.size_bytes
    return gone


def trim_before(info: StreamInfo, keep: Keep) -> int:
    """Give the first offset of a stream that is to be kept: its head, if all of it may stay."""
    if not keep.stream_bytes or info.size_bytes <= keep.stream_bytes:
        return info.head
    share = (info.size_bytes - keep.stream_bytes) / info.size_bytes
    # By the mean size of its events; what that misses, the next sweep does not. The last event
    # stays: it may be the end.
    return min(info.tail - 1, info.head + max(1, round((info.tail - info.head) * share)))


class Retention:
    """Sweep a hub's log now and then. All calls on the hub's loop.

    Args:
        hub: Whose log is swept.
        keep: What is kept.
        clock: Seconds of a monotonic clock.
        wall_s: Seconds since the epoch.

    """

    def __init__(
        self,
        hub: StreamHub,
        keep: Keep,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._keep = keep
        self._clock = clock
        self._wall_s = wall_s
        self._offset_s = wall_s() - clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep, the first time after a while: a start has other things to do."""
        if self._keep != Keep():
            self._task = asyncio.ensure_future(self._run())

    async def aclose(self) -> None:
        """Sweep no more. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> int:
        """Let go of what has had its time; gives how many streams went.

        Raises:
            LogError: If the log cannot be read or written.

        """
        keep, clock_was_set = self._keep, self._clock_was_set()
        if clock_was_set:
            keep = Keep(total_bytes=keep.total_bytes, stream_bytes=keep.stream_bytes)
        streams = await self._hub.log.list()
        self._hub.measured(streams)
        gone = to_delete(streams, keep, now_ms=self._wall_s() * 1000)
        sizes = {info.stream: info.size_bytes for info in streams}
        for stream in gone:
            await self._hub.delete(stream, size_bytes=sizes[stream])
        for info in streams:
            before = trim_before(info, keep)
            if info.stream not in gone and before > info.head:
                await self._trim(info.stream, before)
        if gone:
            _log.info("retention: %d finished streams let go", len(gone))
        return len(gone)

    def _clock_was_set(self) -> bool:
        before, self._offset_s = self._offset_s, self._wall_s() - self._clock()
        return abs(self._offset_s - before) > CLOCK_SLACK_S

    async def _trim(self, stream: str, before: int) -> None:
        head = -1
        try:
            while True:  # one call takes as much as is cheap
                last, head = head, await self._hub.log.trim(stream, before=before)
                if head in {last, before}:
                    break
        except NoSuchStreamError:
            return  # deleted meanwhile
        _log.info("retention: stream %s now begins at %d", stream, head)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
            except LogError as error:
                _log.warning("retention did not finish, trying again later: %s", error)
