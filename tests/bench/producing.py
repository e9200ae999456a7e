"""A process with many producers. Jobs come in on standard input, a line of JSON each.

It says ``ready`` with the streams' names when they are open, begins at ``go``, says when it was
through, and lets go of the streams at ``end``.

``ours`` is the whole of a session, from the writer that a source has on: buffer, transcript,
metrics, IO thread, link. What the agents themselves cost is measured in ``agents``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.bench.kinds import BATCH, dial_socketio, event
from tests.bench.viewing import say
from tests.bench.wire import dial

if TYPE_CHECKING:
    from swarm_stream.runtime.session import StreamingSession
    from swarm_stream.sources.base import Run
    from tests.bench.wire import Wire


class Writers(Protocol):
    """The producers of a job, whatever they write to."""

    async def open(self) -> list[str]:
        """Connect; gives the streams' names."""
        ...

    async def write(self, stream: int, text: str) -> None:
        """Make an event; waits while there is no room."""
        ...

    async def flush(self) -> None:
        """Let go of what was kept back."""
        ...

    def figures(self) -> dict[str, float]:
        """Give what they measured themselves."""
        ...

    async def close(self) -> None:
        """End the streams."""
        ...


class OpenRun:
    """A source that says what it is told from outside."""

    name = "bench"
    title = "bench"
    agents = ("bench",)
    caps = frozenset[str]()
    leaked = ()

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self.events: Run
        self.seg = 0

    def check(self, task: object) -> None:
        """Take any task."""

    async def run(self, run: Run, task: object) -> None:
        """Open a segment and wait."""
        self.events = run
        self.seg = run.events.open(run.events.lane(self.title))
        self.ready.set()
        await self.over.wait()

    def request_cancel(self) -> None:
        """End."""
        self.over.set()

    request_stop = request_cancel


class Sessions:
    """Ours."""

    def __init__(self, job: dict[str, Any]) -> None:
        config = StreamingConfig(max_streams=10_000, **job.get("config", {}))
        url = job["base"].replace("ws://", "http://") + "/"
        address = ServerAddress(url, f"swarm-stream {job['secret']}", may_view=False)
        self._manager = StreamingManager(config, runtime=Runtime(config, address=address))
        self._sources = [OpenRun() for _ in range(job["producers"])]
        self._sessions: list[StreamingSession] = []

    async def open(self) -> list[str]:
        for source in self._sources:
            session = self._manager.create(source)
            session.start()
            self._sessions.append(session)
            await source.ready.wait()
            await session.claimed()
        for session in self._sessions:
            await session.flush(30)
        return [session.id for session in self._sessions]

    async def write(self, stream: int, text: str) -> None:
        source = self._sources[stream]
        await source.events.gate()
        source.events.events.delta(source.seg, text)

    async def flush(self) -> None:
        pass

    def figures(self) -> dict[str, float]:
        metrics = self._sessions[0].metrics
        return {
            "ack_p50_ms": (metrics.ack.p50_s or 0) * 1000,
            "ack_p99_ms": (metrics.ack.p99_s or 0) * 1000,
            "buffer_peak": metrics.buffer_peak,
        }

    async def close(self) -> None:
        for source in self._sources:
            source.over.set()
        await asyncio.gather(*self._sessions)
        self._manager.shut_down()


class Relayed:
    """A message for each event, or for ``BATCH`` of them."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._batch: list[bytes] = []
        self._size = BATCH if job["kind"] == "batched" else 1
        self._wires: list[Wire] = []
        self._names = [f"stream-{number}" for number in range(job["producers"])]

    async def open(self) -> list[str]:
        if self._job["kind"] == "socketio":
            self._wires = [await dial_socketio(self._job["base"])]
        else:
            for name in self._names:
                wire = await dial(f"{self._job['base']}/produce/{name}", lambda _: None)
                self._wires.append(wire)
        return self._names

    async def write(self, stream: int, text: str) -> None:
        data = event(text)
        if self._job["kind"] == "socketio":
            wire = self._wires[0]
            wire.send(b'42["produce","%b",%b]' % (self._names[stream].encode(), data))
        elif self._size == 1:
            wire = self._wires[stream]
            wire.send(data)
        else:
            wire = self._wires[stream]
            self._batch.append(data)
            if len(self._batch) < self._size:
                return
            await self.flush()
        await wire.drained()

    async def flush(self) -> None:
        if self._batch:
            self._wires[0].send(b"[%b]" % b",".join(self._batch))
            self._batch.clear()

    def figures(self) -> dict[str, float]:
        return {}

    async def close(self) -> None:
        for wire in self._wires:
            wire.close()


async def pace(writers: Writers, job: dict[str, Any]) -> None:
    """Make ``count`` events in each stream, ``rate`` a second, evenly spread over all streams."""
    streams, rate = job["producers"], job["rate"]
    total = job["count"] * streams
    if not rate:
        for number in range(total):
            await writers.write(number % streams, f"{number // streams} {time.perf_counter_ns()}")
        await writers.flush()
        return
    began = time.perf_counter()
    made = 0
    while made < total:
        due = min(total, 1 + int((time.perf_counter() - began) * rate * streams))
        while made < due:
            await writers.write(made % streams, f"{made // streams} {time.perf_counter_ns()}")
            made += 1
        await asyncio.sleep(max(0.0, began + made / rate / streams - time.perf_counter()))
    await writers.flush()


async def main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        job = json.loads(line)
        writers: Writers = Sessions(job) if job["kind"] == "ours" else Relayed(job)
        say({"ready": True, "streams": await writers.open()})
        await asyncio.to_thread(sys.stdin.readline)  # go
        cpu_s, began_ns = time.process_time(), time.perf_counter_ns()
        await pace(writers, job)
        done_ns, cpu_s = time.perf_counter_ns(), time.process_time() - cpu_s
        figures = writers.figures()
        say({"began_ns": began_ns, "done_ns": done_ns, "producers_cpu_s": cpu_s, **figures})
        await asyncio.to_thread(sys.stdin.readline)  # end
        await writers.close()
        say({"ended": True})


if __name__ == "__main__":
    asyncio.run(main())
