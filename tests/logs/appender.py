"""A program that writes to a log until it is killed, and says what it does.

``python -m tests.logs.appender`` reads a job a line (JSON) and does each in a fork of itself, so
that two hundred of them need no two hundred starts of Python. A job writes to its standard output

* ``pid NUMBER`` first,
* ``? NUMBER CALL STREAM ARGUMENTS`` before it makes a call,
* ``! NUMBER ANSWER`` when the call was answered, which is what the log has promised,
* ``open`` once the log is open;

its parent writes ``ended STATUS`` when the job is over.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import resource
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from swarm_stream.logs import sqlite_keeper
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STREAMS = "abc"


def event(stream: str, number: int, epoch: int) -> bytes:
    """Give the one event that may stand at a place; some are as large as several pages."""
    fill = 20_000 if number % 199 == 7 else 900 if number % 23 == 5 else 0
    return b'{"s":"%s","n":%d,"e":%d,"x":"%s"}' % (stream.encode(), number, epoch, b"x" * fill)


def say(*words: object) -> None:
    # One write a line, straight to the pipe: it is there even if we die right after it.
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


class Writer:
    """Calls a log in bursts, in a random order that a seed decides."""

    def __init__(self, log: SQLiteLog, seed: int, *, steady: bool) -> None:
        self._log = log
        self._dice = random.Random(seed)  # noqa: S311 - a test's dice
        self._producer = f"p{seed}"
        self._steady = steady
        self._numbers = itertools.count()
        self._held: dict[str, list[int]] = {}  # epoch and next of each stream

    async def run(self) -> None:
        """Write for ever."""
        for stream in STREAMS:
            await self._claim(stream)
        while True:
            if self._steady:
                await self._append(self._dice.choice(STREAMS))
                continue
            calls = [
                self._any(self._dice.choice(STREAMS))
                for _ in range(self._dice.choice([1, 1, 3, 30]))
            ]
            await asyncio.gather(*calls)
            if self._dice.random() < 0.03:
                await self._end(self._dice.choice(STREAMS))

    def _any(self, stream: str) -> Awaitable[Any]:
        if self._dice.random() < 0.1:
            before = self._held[stream][1] - self._dice.choice([0, 20, 200])
            trim = partial(self._log.trim, stream, before=before)
            return self._call(f"trim {stream} {before}", trim)
        return self._append(stream)

    def _append(self, stream: str, *, closes: bool = False) -> Awaitable[Any]:
        epoch, start = self._held[stream]
        stop = self._held[stream][1] = start + self._dice.choice([1, 1, 1, 20, 200])
        append = partial(
            self._log.append,
            stream,
            epoch=epoch,
            offset=start,
            events=[event(stream, number, epoch) for number in range(start, stop)],
            closes=closes,
        )
        return self._call(f"append {stream} {epoch} {start} {stop} {int(closes)}", append)

    async def _end(self, stream: str) -> None:
        """Close a stream or not, forget it, and begin it anew."""
        if self._dice.random() < 0.5:
            await self._append(stream, closes=True)
        await self._call(f"delete {stream}", partial(self._log.delete, stream))
        await self._claim(stream)

    async def _claim(self, stream: str) -> None:
        claim = partial(self._log.claim, stream, producer=self._producer, meta=None)
        answer = await self._call(f"claim {stream} {self._producer}", claim)
        if isinstance(answer, Claimed):
            self._held[stream] = [answer.epoch, answer.next]
        else:  # the last one of us died when it had closed it
            await self._call(f"delete {stream}", partial(self._log.delete, stream))
            await self._claim(stream)

    def _call(self, what: str, call: Callable[[], asyncio.Future[Any]]) -> asyncio.Future[Any]:
        number = next(self._numbers)

        def tell(done: asyncio.Future[Any]) -> None:
            result = done.result()
            words = result if isinstance(result, tuple) else (result,)
            say("!", number, *map(int, words))

        say("?", number, what)
        answer = call()
        answer.add_done_callback(tell)
        return answer


async def write(job: dict[str, Any]) -> None:
    """Do a job; never ends."""
    # Carried over into the file often, so that many are killed while it is being done.
    sqlite_keeper.CHECKPOINT_PAGES = job["checkpoint_pages"]  # type: ignore[misc]
    log = SQLiteLog(job["path"])
    await log.open()
    say("open")
    await Writer(log, job["seed"], steady=job["steady"]).run()


def begin(job: dict[str, Any]) -> None:
    if job["die_at_bytes"]:
        # The system kills us in the middle of the write that goes beyond this.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["die_at_bytes"],) * 2)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    asyncio.run(write(job))


def main() -> None:
    """Do one job after the other."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            say("pid", os.getpid())
            try:
                begin(json.loads(line))
            except BaseException:  # noqa: BLE001 - said, and the process ends
                sys.excepthook(*sys.exc_info())
            os._exit(1)
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
