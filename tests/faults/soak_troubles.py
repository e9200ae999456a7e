"""What is done to the ends of the soak, besides the network: to server, kernels and pages."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from tests.faults.histories import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.faults.soak_round import Round

__all__ = ["KernelTrouble", "PageTrouble", "ServerTrouble", "Trouble"]

SHORT_S: Final = 0.3
LONG_S: Final = 2.2
"""Longer than the heartbeat limit of all ends (1.5 s)."""

FULL_BYTES: Final = 8192

OFTEN: Final = ("server killed",)
"""What most can go wrong with."""


class Trouble:
    """Makes one trouble after the other for one end. Subclasses say which there are."""

    where = ""

    def __init__(self, seed: str, *, every_s: float) -> None:
        self.draw = random.Random(seed)  # noqa: S311  (faults are no secrets)
        self._every_s = every_s
        self._stop = asyncio.Event()

    def kinds(self, round_: Round) -> dict[str, Callable[[Round], Awaitable[object]]]:
        """Give what can be done, by name."""
        raise NotImplementedError

    async def play(self, round_: Round, *, seconds: float) -> None:
        """Make trouble for so long, or until ``stop``; what was begun is finished."""
        deadline = time.monotonic() + seconds
        kinds = self.kinds(round_)
        allowed = round_.place.allowed(kinds)
        allowed += [kind for kind in allowed if kind in OFTEN for _ in range(3)]
        while allowed and time.monotonic() < deadline and not self._stop.is_set():
            kind = self.draw.choice(allowed)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.draw.uniform(0, 2 * self._every_s)):
                    await self._stop.wait()
            if not self._stop.is_set():
                round_.faults.append(Fault(time.monotonic(), kind, self.where))
                await kinds[kind](round_)

    def stop(self) -> None:
        """Make no more."""
        self._stop.set()


class ServerTrouble(Trouble):
    """A server that crashes, restarts, sleeps, hangs, and whose disk is full or locked."""

    where = "server"

    def kinds(self, round_: Round) -> dict[str, Callable[[Round], Awaitable[object]]]:
        """Give what can be done to this server."""
        server = round_.place.server
        kinds: dict[str, Callable[[Round], Awaitable[object]]] = {
            "server sleeps a moment": lambda _: server.pause(SHORT_S),
            "server sleeps": lambda _: server.pause(LONG_S),
        }
        if server.commands:
            kinds |= {
                "server closes and serves again": lambda _: server.ask("restart"),
                "server's loop blocked": lambda _: server.ask(f"block {LONG_S / 2}"),
                "server's clock jumps": lambda _: server.ask(
                    f"clock {self.draw.choice((-86400, 3600))}"
                ),
                "log trimmed": self._trim,
            }
        if server.log_path is not None:
            kinds |= {"server killed": self._kill, "disk full": self._fill}
            kinds |= {"server stopped and started": self._restart, "log locked": self._lock}
        return kinds

    async def _kill(self, round_: Round) -> None:
        await round_.place.server.kill()
        await round_.place.server.start()

    async def _restart(self, round_: Round) -> None:
        await round_.place.server.stop()
        await round_.place.server.start()

    async def _trim(self, round_: Round) -> None:
        stream = self.draw.choice(round_.streams)
        reached = max(page.watched[stream].subscriber.next for page in round_.pages)
        before = int(reached * self.draw.random())
        round_.trimmed[stream] = max(round_.trimmed[stream], before)
        if reached:
            await round_.place.server.ask(f"trim {stream} {before}")

    async def _lock(self, round_: Round) -> None:
        """Hold the file's write lock from another process: this one."""
        path = round_.place.server.log_path
        assert path is not None
        db = await asyncio.to_thread(sqlite3.connect, path, timeout=1, check_same_thread=False)
        try:
            await asyncio.to_thread(db.execute, "BEGIN IMMEDIATE")
            await asyncio.sleep(self.draw.choice((SHORT_S / 3, LONG_S / 2)))
        except sqlite3.OperationalError:
            return  # the server itself was faster, for a whole second
        finally:
            await asyncio.to_thread(db.close)

    async def _fill(self, round_: Round) -> None:
        """Let the server's files grow no more, as a full disk does; then make room."""
        pid = round_.place.server.pid
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_BYTES, limits[1]))
        await asyncio.sleep(LONG_S / 2)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


class KernelTrouble(Trouble):
    """A kernel that sleeps, hangs, dies, and loses its streams to another one."""

    def __init__(self, seed: str, *, every_s: float, kernel: int) -> None:
        super().__init__(seed, every_s=every_s)
        self.where = f"kernel {kernel}"
        self._kernel = kernel

    def kinds(self, round_: Round) -> dict[str, Callable[[Round], Awaitable[object]]]:
        """Give what can be done to a kernel."""
        kernel = round_.place.kernels[self._kernel]

        async def block(_: Round) -> None:
            kernel.say(f"block {LONG_S / 2}")

        kinds: dict[str, Callable[[Round], Awaitable[object]]] = {
            "kernel sleeps a moment": lambda _: kernel.pause(SHORT_S),
            "kernel sleeps": lambda _: kernel.pause(LONG_S),
            "kernel's IO loop blocked": block,
            "stream taken over": self._take_over,
        }
        if round_.place.server.commands:
            # A real server would end the runs of a dead kernel: see test_kernels.py.
            kinds["kernel killed"] = self._kill
        return kinds

    async def _take_over(self, round_: Round) -> None:
        mine = round_.of_kernel(self._kernel)
        if mine:
            # By any kernel, also the same one: somebody runs a cell again.
            kernel = self.draw.randrange(len(round_.place.kernels))
            round_.begin(self.draw.choice(mine).stream, kernel)

    async def _kill(self, round_: Round) -> None:
        kernel = round_.place.kernels[self._kernel]
        await kernel.kill()
        lost = round_.of_kernel(self._kernel)
        for run in lost:
            run.outcome = "killed"
        await kernel.start()
        for run in lost:
            if not round_.has_successor(run):
                round_.begin(run.stream, self._kernel)


class PageTrouble(Trouble):
    """A page that stops reading with its socket open, and one that is closed and opened again."""

    def __init__(self, seed: str, *, every_s: float, page: int) -> None:
        super().__init__(seed, every_s=every_s)
        self.where = f"page {page}"
        self._page = page

    def kinds(self, round_: Round) -> dict[str, Callable[[Round], Awaitable[object]]]:
        """Give what a page can do."""
        page = round_.pages[self._page]
        return {
            "page stalls a moment": lambda _: page.stall(SHORT_S),
            "page stalls": lambda _: page.stall(LONG_S),
            "page left and opened again": lambda _: page.leave(SHORT_S),
        }
