"""A real log whose answers come when the machine says so, checked against the truth.

What the writer of a real log does in its own time, alone or in groups, happens here at ``commit``;
what its reader does happens at ``look``, and arrives at ``arrive``. Between those a test can cut,
kill and trim. With nothing slow all happens at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swarm_stream.errors import LogError, NoSuchStreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from swarm_stream.logs.base import Moved, Slice, StreamInfo, StreamLog
    from tests.faults.truth import Truth

__all__ = ["SteppedLog"]

FULL = "the disk is full; make room, nothing is lost meanwhile"


@dataclass
class _Write:
    """A call that changes the log: what it must do, and how to do it."""

    expected: Callable[[], object]
    make: Callable[[], Awaitable[object]]
    future: asyncio.Future[Any]
    may_fail: bool


@dataclass
class _Look:
    """A call that reads the log: asked, then answered, then told."""

    make: Callable[[], Awaitable[object]]
    future: asyncio.Future[Any]
    answer: object = None
    asked: bool = False
    answered: bool = False


class SteppedLog:
    """See above. A ``StreamLog``.

    Attributes:
        slow_writes: Whether writes wait for ``commit``.
        slow_reads: Whether reads wait for ``look`` and ``arrive``.
        full: Whether claims and appends fail.
        problems: What was answered wrongly.

    """

    def __init__(self, inner: StreamLog, truth: Truth) -> None:
        self.inner = inner
        self.truth = truth
        self.slow_writes = self.slow_reads = self.full = False
        self.problems: list[BaseException] = []
        self._writes: list[_Write] = []
        self._looks: list[_Look] = []
        self._busy = 0
        self._change: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        await self.inner.open()

    async def aclose(self) -> None:
        await self.inner.aclose()

    def watch(self, watcher: Callable[[Moved], None]) -> None:
        self.inner.watch(watcher)

    def claim(
        self, stream: str, *, producer: str, meta: bytes | None, epoch: int | None = None
    ) -> Awaitable[Any]:
        more = {} if epoch is None else {"epoch": epoch}
        return self._write(
            lambda: self.truth.claim(stream, producer, epoch),
            lambda: self.inner.claim(stream, producer=producer, meta=meta, **more),
            may_fail=True,
        )

    def append(
        self, stream: str, *, epoch: int, offset: int, events: Sequence[bytes], closes: bool
    ) -> Awaitable[Any]:
        return self._write(
            lambda: self.truth.append(
                stream, epoch=epoch, offset=offset, events=events, closes=closes
            ),
            lambda: self.inner.append(
                stream, epoch=epoch, offset=offset, events=events, closes=closes
            ),
            may_fail=True,
        )

    def trim(self, stream: str, *, before: int) -> Awaitable[Any]:
        def expected() -> object:
            found = self.truth.streams.get(stream)
            if found is None:
                return NoSuchStreamError
            found.trimmed = max(found.trimmed, min(before, found.tail))

            def check(head: object) -> None:
                assert isinstance(head, int)
                assert found.head <= head <= found.trimmed
                found.head = head

            return check

        return self._write(expected, lambda: self.inner.trim(stream, before=before))

    def delete(self, stream: str) -> Awaitable[Any]:
        return self._write(lambda: self.truth.delete(stream), lambda: self.inner.delete(stream))

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        part: Slice = await self._read(
            lambda: self.inner.read(stream, offset, max_events=max_events, max_bytes=max_bytes)
        )
        return part

    async def info(self, stream: str) -> StreamInfo:
        info: StreamInfo = await self._read(lambda: self.inner.info(stream))
        return info

    async def list(self) -> list[StreamInfo]:
        return await self.inner.list()

    @property
    def writes_wait(self) -> bool:
        return bool(self._writes)

    @property
    def reads_wait(self) -> bool:
        return bool(self._looks)

    def commit(self, count: int) -> None:
        """Do the first ``count`` writes that wait, as one group."""
        group, self._writes = self._writes[:count], self._writes[count:]
        answers = []
        for write in group:
            if write.may_fail and self.full:
                if not write.future.done():
                    write.future.set_exception(LogError(FULL))
                continue
            # Both now, so that both are in the order of the calls.
            answers.append((write, write.expected(), asyncio.ensure_future(write.make())))
        if answers:
            self._spawn(self._compare(answers))

    def look(self) -> None:
        """Have what was asked of the reader answered, as things stand now."""
        for look in self._looks:
            if not look.asked:
                look.asked = True
                self._spawn(self._answer(look))

    def arrive(self) -> None:
        """Have the reader's answers arrive."""
        looks, self._looks = self._looks, []
        for look in looks:
            if not look.answered:
                self._looks.append(look)
            elif look.future.done():
                continue  # whoever asked has gone
            elif isinstance(look.answer, BaseException):
                look.future.set_exception(look.answer)
            else:
                look.future.set_result(look.answer)

    @property
    def busy(self) -> bool:
        """Whether a thread of the log is at work."""
        return self._busy > 0

    async def change(self) -> None:
        """Wait until a thread of the log has done something."""
        self._change = asyncio.get_running_loop().create_future()
        await self._change

    def _write(
        self,
        expected: Callable[[], object],
        make: Callable[[], Awaitable[object]],
        *,
        may_fail: bool = False,
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._writes.append(_Write(expected, make, future, may_fail))
        if not self.slow_writes:
            # Not within the call: no log with a thread of its own answers at once.
            asyncio.get_running_loop().call_soon(self.commit, len(self._writes))
        return future

    async def _read(self, make: Callable[[], Awaitable[object]]) -> Any:
        look = _Look(make, asyncio.get_running_loop().create_future())
        self._looks.append(look)
        if not self.slow_reads:
            look.asked = True
            await self._answer(look)
            self.arrive()
        return await look.future

    async def _answer(self, look: _Look) -> None:
        look.answer = await self._do(look.make())
        look.answered = True

    async def _compare(
        self, answers: Sequence[tuple[_Write, object, asyncio.Future[object]]]
    ) -> None:
        for write, expected, asked in answers:
            answer = await self._do(asked)
            try:
                _check(answer, expected)
            except AssertionError as problem:
                self.problems.append(problem)
            if write.future.done():
                continue  # whoever asked has gone
            if isinstance(answer, BaseException):
                write.future.set_exception(answer)
            else:
                write.future.set_result(answer)

    async def _do(self, asked: Awaitable[object]) -> object:
        self._busy += 1
        try:
            return await asked
        except Exception as error:  # noqa: BLE001  (it is the answer)
            return error
        finally:
            self._busy -= 1
            if self._change is not None and not self._change.done():
                self._change.set_result(None)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.problems.append(error)


def _check(answer: object, expected: object) -> None:
    if isinstance(expected, type):
        assert isinstance(answer, expected), f"the log answered {answer!r}, not {expected!r}"
    elif callable(expected):
        expected(answer)
    else:
        assert answer == expected, f"the log answered {answer!r}, not {expected!r}"
