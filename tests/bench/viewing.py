"""A process with many viewers. Jobs come in on standard input, a line of JSON each.

It says ``ready`` when all viewers are there, and what they saw when all have seen everything.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

from swarm_stream.protocol.frames import Heartbeat, encode
from tests.bench.figures import percentile
from tests.bench.kinds import texts_of, view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.wire import Wire

CURVE = [0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 100]
"""Percentiles that plots are drawn from."""


class Crowd:
    """All viewers of a job, and what they saw."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.delays_ns: list[int] = []
        self.messages = 0
        self.seen = 0
        self.wrong = 0
        self.first_ns = 0
        self.last_ns = 0
        self.done = asyncio.Event()
        self._job = job
        self._texts = texts_of(job["kind"])
        self._awaited = job["count"] * job["viewers"] * len(job["streams"])
        self._wires: list[Wire] = []
        self._beat: asyncio.TimerHandle | None = None

    async def join(self) -> None:
        """Connect all viewers, some at a time."""
        streams = [name for name in self._job["streams"] for _ in range(self._job["viewers"])]
        for at in range(0, len(streams), 50):
            some = streams[at : at + 50]
            self._wires += await asyncio.gather(
                *(view(self._job, name, self._viewer()) for name in some)
            )
        if self._job["kind"] == "ours":
            self._beat_on()

    def leave(self) -> None:
        """Cut all connections."""
        if self._beat is not None:
            self._beat.cancel()
        for wire in self._wires:
            wire.close()

    def _viewer(self) -> Any:
        texts, skip = self._texts, self._job["skip"]
        add = self.delays_ns.append
        awaited = 0

        def on_text(message: bytes) -> None:
            nonlocal awaited
            said = texts(message)
            now = time.perf_counter_ns()
            if not said:
                return
            self.messages += 1
            for text in said:
                number, _, made = text.partition(" ")
                if int(number) != awaited:
                    self.wrong += 1  # missing, doubled or out of order
                awaited = int(number) + 1
                if awaited > skip:
                    add(now - int(made))
            self.seen += len(said)
            self.first_ns = self.first_ns or now
            self.last_ns = now
            if self.seen >= self._awaited:
                self.done.set()

        return on_text

    def _beat_on(self) -> None:
        for wire in self._wires:
            wire.send(encode(Heartbeat(t=0)))
        self._beat = asyncio.get_running_loop().call_later(8, self._beat_on)


def summary(crowd: Crowd, job: dict[str, Any], cpu_s: float) -> dict[str, Any]:
    """Say what they saw."""
    delays: Sequence[float] = sorted(delay / 1e6 for delay in crowd.delays_ns) or [float("nan")]
    return {
        "awaited": job["count"] * job["viewers"] * len(job["streams"]),
        "seen": crowd.seen,
        "wrong": crowd.wrong,
        "messages": crowd.messages,
        "first_ns": crowd.first_ns,
        "last_ns": crowd.last_ns,
        "p50_ms": percentile(delays, 50),
        "p95_ms": percentile(delays, 95),
        "p99_ms": percentile(delays, 99),
        "max_ms": delays[-1],
        "curve": [[percent, round(percentile(delays, percent), 4)] for percent in CURVE],
        "viewers_cpu_s": cpu_s,
    }


async def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    while line := await asyncio.to_thread(sys.stdin.readline):
        job = json.loads(line)
        crowd = Crowd(job)
        await crowd.join()
        say({"ready": True})
        cpu_s = time.process_time()
        try:
            async with asyncio.timeout(job["limit_s"]):
                await crowd.done.wait()
        except TimeoutError:
            pass  # ``seen`` tells
        say(summary(crowd, job, time.process_time() - cpu_s))
        crowd.leave()


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
