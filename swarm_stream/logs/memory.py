"""A log in memory: for a kernel without a server, for a kernel's own history, for tests."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.logs.admission import Admitted, Closed, Fenced, Held, Verdict, admit, epoch_for
from swarm_stream.logs.base import Claimed, Moved, Slice, StreamInfo
from swarm_stream.logs.slices import gather
from swarm_stream.logs.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["MemoryLog"]

T = TypeVar("T")

_first_offset = attrgetter("offset")


@dataclass(slots=True)
class _Stream:
    name: str
    epoch: int
    holder: str | None = None
    next: int = 0
    closed: bool = False
    meta: bytes = b"{}"
    size_bytes: int = 0
    records: list[Slice] = field(default_factory=list)
    created_ms: float = field(default_factory=lambda: time.time() * 1000)
    updated_ms: float = 0.0

    @property
    def head(self) -> int:
        return self.records[0].offset if self.records else self.next

    @property
    def held(self) -> Held:
        return Held(self.epoch, self.next, self.closed)

    def info(self) -> StreamInfo:
        return StreamInfo(
            stream=self.name,
            head=self.head,
            tail=self.next,
            closed=self.closed,
            epoch=self.epoch,
            producer=self.holder or "",
            meta=self.meta,
            created_ms=self.created_ms,
            updated_ms=self.updated_ms,
            size_bytes=self.size_bytes,
        )

    def drop(self, records: int) -> int:
        """Let go of the first ``records``; gives the bytes that this freed."""
        freed = sum(len(record.body) for record in self.records[:records])
        del self.records[:records]
        self.size_bytes -= freed
        return freed


class MemoryLog:
    """A ``StreamLog`` that does not survive the process: what it acknowledges is in memory only.

    Use it from one thread. The ``*_now`` methods do what their namesakes do without an event
    loop, at once. The watcher is called before ``append_now`` returns, never nested in itself:
    what a watcher appends is announced after the announcement that it is in.

    Args:
        max_bytes: Bytes of events to hold at most; None for no limit. Above it whole finished
            streams are forgotten, the longest unchanged first, then the oldest events of the
            largest streams. The last record of an open stream always stays.

    """

    def __init__(self, *, max_bytes: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._epoch_floor = 0
        # In order of change: the one that changed last is at the end.
        self._streams: dict[str, _Stream] = {}
        self._watch = Watch()
        self._closed = False

    async def open(self) -> None:
        """Do nothing: it is ready."""

    async def aclose(self) -> None:
        """Refuse every further call; what is held goes with the object."""
        self._closed = True

    def watch(self, watcher: Callable[[Moved], None]) -> None:
        """Call ``watcher`` each time a tail has moved; there is one."""
        self._watch.set(watcher)

    def claim_now(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> Claimed | Closed | Fenced:
        """Make ``producer`` the holder of ``stream``, see ``StreamLog.claim``."""
        self._check_open()
        state = self._streams.get(stream) or _Stream(stream, self._epoch_floor)
        found = epoch_for(state.held, holder=state.holder, producer=producer, epoch=epoch)
        if isinstance(found, Closed | Fenced):
            return found
        if found != state.epoch or (meta is not None and meta != state.meta):
            state.epoch, state.holder = found, producer
            state.meta = state.meta if meta is None else meta
            self._touch(state)
        return Claimed(found, state.next)

    def append_now(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> Verdict:
        """Add events once, if they are let in; see ``StreamLog.append``."""
        state = self._find(stream)
        verdict = admit(state.held, epoch=epoch, offset=offset, count=len(events))
        if not isinstance(verdict, Admitted) or verdict.skip == len(events):
            return verdict
        record = Slice(state.next, verdict.next - state.next, b",".join(events[verdict.skip :]))
        state.records.append(record)
        state.next = verdict.next
        state.closed = closes
        state.size_bytes += len(record.body)
        self._size_bytes += len(record.body)
        self._touch(state)
        if self._max_bytes is not None and self._size_bytes > self._max_bytes:
            self._make_room(self._max_bytes, keep=state)
        self._watch.tell((Moved(stream, (record,), state.next, state.closed),))
        return verdict

    def read_now(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        """Give consecutive events from ``offset`` on, see ``StreamLog.read``."""
        state = self._find(stream)
        if not state.head <= offset <= state.next:
            raise OffsetOutOfRangeError(stream, offset=offset, head=state.head, tail=state.next)
        if offset == state.next:
            return Slice(offset, 0, b"")
        first = bisect_right(state.records, offset, key=_first_offset) - 1
        records = islice(state.records, first, None)
        return gather(records, offset, max_events=max_events, max_bytes=max_bytes)

    def trim_now(self, stream: str, *, before: int) -> int:
        """Let go of the records that lie below ``before``; gives the new head."""
        state = self._find(stream)
        gone = 0
        while gone < len(state.records):
            record = state.records[gone]
            if record.offset + record.count > before:
                break
            gone += 1
        self._size_bytes -= state.drop(gone)
        return state.head

    def delete_now(self, stream: str) -> bool:
        """Forget ``stream``; tells whether there was one."""
        self._check_open()
        state = self._streams.pop(stream, None)
        if state is None:
            return False
        self._epoch_floor = max(self._epoch_floor, state.epoch)
        self._size_bytes -= state.size_bytes
        return True

    def rename_now(self, stream: str, name: str) -> None:
        """Keep what is held of ``stream``, if it is, under a name that none has.

        Its own name is free then, as after ``delete_now``.
        """
        self._check_open()
        state = self._streams.pop(stream, None)
        if state is None:
            return
        self._epoch_floor = max(self._epoch_floor, state.epoch)
        state.name = name
        self._streams[name] = state

    def info_now(self, stream: str) -> StreamInfo:
        """Give what is known of ``stream``."""
        return self._find(stream).info()

    def list_now(self) -> list[StreamInfo]:
        """Give all streams, the last changed first."""
        self._check_open()
        return [state.info() for state in reversed(self._streams.values())]

    def claim(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> asyncio.Future[Claimed | Closed | Fenced]:
        """Do ``claim_now``; the future given is done."""
        return _done(lambda: self.claim_now(stream, producer=producer, meta=meta, epoch=epoch))

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> asyncio.Future[Verdict]:
        """Do ``append_now``; the future given is done."""
        return _done(
            lambda: self.append_now(
                stream, epoch=epoch, offset=offset, events=events, closes=closes
            )
        )

    def trim(self, stream: str, *, before: int) -> asyncio.Future[int]:
        """Do ``trim_now``; the future given is done."""
        return _done(lambda: self.trim_now(stream, before=before))

    def delete(self, stream: str) -> asyncio.Future[bool]:
        """Do ``delete_now``; the future given is done."""
        return _done(lambda: self.delete_now(stream))

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        """Do ``read_now``; does not wait."""
        return self.read_now(stream, offset, max_events=max_events, max_bytes=max_bytes)

    async def info(self, stream: str) -> StreamInfo:
        """Do ``info_now``; does not wait."""
        return self.info_now(stream)

    async def list(self) -> list[StreamInfo]:
        """Do ``list_now``; does not wait."""
        return self.list_now()

    def _check_open(self) -> None:
        if self._closed:
            raise LogError("the log is closed; nothing can be read from it or added to it")

    def _find(self, stream: str) -> _Stream:
        self._check_open()
        try:
            return self._streams[stream]
        except KeyError:
            raise NoSuchStreamError(stream) from None

    def _touch(self, state: _Stream) -> None:
        state.updated_ms = time.time() * 1000
        self._streams.pop(state.name, None)
        self._streams[state.name] = state

    def _make_room(self, max_bytes: int, *, keep: _Stream) -> None:
        # Go some way below the limit, so that not every append at the limit makes room again.
        goal = max_bytes - max_bytes // 8
        finished = [s for s in self._streams.values() if s.closed and s is not keep]
        for state in finished:
            if self._size_bytes <= goal:
                return
            self.delete_now(state.name)
        for state in sorted(self._streams.values(), key=attrgetter("size_bytes"), reverse=True):
            surplus, gone = self._size_bytes - goal, 0
            while surplus > 0 and gone < len(state.records) - 1:
                surplus -= len(state.records[gone].body)
                gone += 1
            self._size_bytes -= state.drop(gone)


def _done(call: Callable[[], T]) -> asyncio.Future[T]:
    """Give a future that is done with what ``call`` gives or raises."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    try:
        future.set_result(call())
    except Exception as error:  # noqa: BLE001 - it is in the future, for whoever awaits it
        future.set_exception(error)
    return future
