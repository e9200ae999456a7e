"""How long it takes to catch up: from the network's return until nothing is missing.

    python -m tests.faults.catch_up --trials 20 --gap 10000

Three ways to have a gap: a page that was cut off and is told when the network is back (a browser's
``online``), one that has to find out by trying again, and a kernel that was cut off while its
buffer took what its model said. Everything is the product's own but the page's driver
(``soak_viewer``); the server is a process of its own over a SQLite file.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.soak_servers import HubServer
from tests.faults.soak_viewer import Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

__all__ = ["WAYS", "Trial", "measure", "percentile"]

WAYS: Final = ("page told", "page trying", "kernel trying")

BACKOFF_S: Final = (0.1, 5.0)
"""PROTOCOL.md's."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One gap. Times in seconds.

    Attributes:
        produced_s: How long the model took to say it.
        connected_s: From the network's return to the connection.
        total_s: From the network's return until nothing was missing.

    """

    produced_s: float
    connected_s: float
    total_s: float


class Model:
    """Says as much as it is asked for, as fast as it may."""

    def __init__(self) -> None:
        self._wanted = asyncio.Semaphore(0)

    async def text(self) -> AsyncGenerator[str]:
        """Give the text; never ends."""
        while True:
            await self._wanted.acquire()
            yield "word "
            await asyncio.sleep(0)

    def say(self, count: int) -> None:
        """Say so many words more."""
        for _ in range(count):
            self._wanted.release()


@dataclass(slots=True)
class Bench:
    """A kernel, a server and a page, with proxies between them."""

    model: Model
    manager: StreamingManager
    stream: str
    page: Page
    kernel_proxy: FaultProxy
    page_proxy: FaultProxy

    @property
    def made(self) -> int:
        """Events that the kernel has made."""
        return self.manager[self.stream].metrics.events

    @property
    def shown(self) -> int:
        """Events that the page has shown."""
        return self.page.watched[self.stream].subscriber.next


@asynccontextmanager
async def bench(gap: int, seed: str) -> AsyncIterator[Bench]:
    """Run one."""
    with tempfile.TemporaryDirectory(prefix="catch-up-") as home:
        server = HubServer(Path(home) / "log.db")
        await server.start()
        try:
            async with (
                fault_proxy("127.0.0.1", server.port, name="kernel") as kernel_proxy,
                fault_proxy("127.0.0.1", server.port, name="page") as page_proxy,
            ):
                # Room for the gap: the model is not to stop while its kernel is cut off.
                config = StreamingConfig(
                    buffer_size=2 * gap, heartbeat_s=0.5, silence_limit_s=1.5, flush_timeout_s=0
                )
                address = ServerAddress(f"http://127.0.0.1:{kernel_proxy.port}/")
                manager = StreamingManager(config, runtime=Runtime(config, address=address))
                model = Model()
                session = manager.create(model.text())
                session.start()
                url = f"ws://127.0.0.1:{page_proxy.port}/swarm-stream/ws"
                page = Page("page", url, seed=seed, backoff_s=BACKOFF_S)
                page.watch([session.id])
                watching = asyncio.ensure_future(page.run())
                try:
                    yield Bench(model, manager, session.id, page, kernel_proxy, page_proxy)
                finally:
                    watching.cancel()
                    manager.cancel_all()
                    await asyncio.gather(watching, session, return_exceptions=True)
                    manager.shut_down()
        finally:
            await server.aclose()


async def measure(way: str, *, trials: int, gap: int, seed: str = "0") -> list[Trial]:
    """Make that many gaps, one after the other."""
    async with bench(gap, seed) as place:
        return [await _trial(place, way, gap) for _ in range(trials)]


async def _trial(place: Bench, way: str, gap: int) -> Trial:
    proxy = place.kernel_proxy if way == "kernel trying" else place.page_proxy
    session = place.manager[place.stream]
    before = place.made
    place.model.say(100)  # so that all is well connected
    await _until(lambda: place.made >= before + 100 and place.shown == place.made)
    await _until(lambda: session.unacked == 0)
    before = place.made
    proxy.refuse()
    began = time.monotonic()
    place.model.say(gap)
    await _until(lambda: place.made >= before + gap)
    if proxy is place.page_proxy:
        await _until(lambda: session.unacked == 0)
    produced_s = time.monotonic() - began
    accepted = proxy.accepted
    proxy.heal()
    back = time.monotonic()
    if way == "page told":
        place.page.nudge()
    await _until(lambda: proxy.accepted > accepted)
    connected_s = time.monotonic() - back
    await _until(lambda: place.shown == place.made)
    total_s = time.monotonic() - back
    assert place.page.watched[place.stream].subscriber.missing == 0
    return Trial(produced_s, connected_s, total_s)


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        await asyncio.sleep(0.001)


def percentile(values: list[float], percent: float) -> float:
    """Give the value below which so many percent lie; of those there are, none between."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * percent) // 100) - 1)]


def table(way: str, found: list[Trial]) -> str:
    """Give one line of figures."""
    total = [trial.total_s for trial in found]
    after = [trial.total_s - trial.connected_s for trial in found]
    produced = percentile([trial.produced_s for trial in found], 50)
    return (
        f"{way:14} n={len(found)}  from the network's return: p50 {percentile(total, 50):.3f} s, "
        f"p95 {percentile(total, 95):.3f} s, max {max(total):.3f} s; "
        f"from the connection: p50 {percentile(after, 50):.3f} s, "
        f"p95 {percentile(after, 95):.3f} s (produced in {produced:.2f} s)"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--gap", type=int, default=10_000)
    parser.add_argument("--ways", default=",".join(WAYS))
    given = parser.parse_args()
    for way in given.ways.split(","):
        found = asyncio.run(measure(way, trials=given.trials, gap=given.gap))
        print(table(way, found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
