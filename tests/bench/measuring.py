"""What measuring costs: each path with its meter and without, in turns, in one process.

    python -m tests.bench.measuring

Processor time of one thread, so that other programs do not count. The times are of this machine;
what can be compared are the ratios. A path without its meter is the same code with a meter whose
methods do nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any, NamedTuple

from swarm_stream.config import StreamingConfig
from swarm_stream.hub.hub import StreamHub
from swarm_stream.hub.meter import HubMeter, Leg
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.gate import Gate
from swarm_stream.runtime.meter import Meter
from swarm_stream.runtime.recorder import Recorder
from swarm_stream.runtime.telemetry import Telemetry
from swarm_stream.sources.iterators import IteratorSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Cost", "costs"]

ROUNDS = 15
CHUNKS = 4000


class Cost(NamedTuple):
    """What one chunk, frame or run costs on one path, as medians of all rounds."""

    path: str
    without_ns: float
    with_ns: float
    ratio: float
    """Median of the rounds' own ratios, each of two runs that were next to each other."""


class NoMeter(Meter):
    """Measures nothing."""

    def put(self, offset: int, size: int, now: float) -> None:
        pass

    def chunk(self, seg: int, now: float) -> None:
        pass


class NoClockGate(Gate):
    """Does not tell the meter when a chunk came."""

    async def __call__(self) -> None:
        if self.closed or self._buffer.paused:
            await self.hold()


class NoLeg(Leg):
    def add(self, duration_s: float) -> None:
        pass


class NoHubMeter(HubMeter):
    def __init__(self) -> None:
        super().__init__()
        self.append = self.delivery = NoLeg()

    def appended(self, events: int, size: int, duration_s: float) -> None:
        pass

    def came(self, stream: str, events: int, now: float) -> None:
        pass

    def sent(self, events: int, size: int) -> None:
        pass


def costs(rounds: int = ROUNDS, chunks: int = CHUNKS) -> list[Cost]:
    """Measure all paths."""
    paths: dict[str, Callable[[int, bool], Awaitable[float]]] = {
        "a chunk, from the gate into the buffer": _chunks,
        "the same, with OpenTelemetry listening": _chunks_collected,
        "a frame, from the producer to one viewer": _frames,
        "asking whether OpenTelemetry listens, a run": _asking,
    }
    return [_compare(path, run, rounds, chunks) for path, run in paths.items()]


def _compare(
    path: str, run: Callable[[int, bool], Awaitable[float]], rounds: int, chunks: int
) -> Cost:
    pairs = []

    async def all_rounds() -> None:
        for number in range(rounds):
            order = (False, True) if number % 2 else (True, False)  # neither is always the first
            took = {measured: await run(chunks, measured) for measured in order}
            pairs.append((took[False], took[True]))

    gc.disable()  # its turn comes whenever it likes
    try:
        asyncio.run(all_rounds())
    finally:
        gc.enable()
    without, measured = zip(*pairs, strict=True)
    return Cost(
        path,
        statistics.median(without) * 1e9,
        statistics.median(measured) * 1e9,
        statistics.median(b / a for a, b in pairs),
    )


async def _chunks(chunks: int, measured: bool) -> float:  # noqa: FBT001
    """Do what a source does for each chunk; seconds a chunk."""
    return await _through_gate(chunks, Meter() if measured else NoMeter(), clock=measured)


async def _chunks_collected(chunks: int, measured: bool) -> float:  # noqa: FBT001
    meter = Meter()
    meter.collecting = measured
    return await _through_gate(chunks, meter, clock=True)


async def _through_gate(chunks: int, meter: Meter, *, clock: bool) -> float:
    buffer: TokenBuffer[bytes] = TokenBuffer(StreamingConfig(buffer_size=2 * chunks))
    recorder = Recorder(buffer, meter)
    kind = Gate if clock else NoClockGate
    gate: Any = kind(buffer, meter, why_full=lambda: "buffer", chunks_per_s=0, move=lambda _: None)
    lane = recorder.events.lane("agent")
    meter.asked(lane, perf_counter())
    seg = recorder.events.open(lane)
    write = recorder.events.delta
    began = thread_time()
    for _ in range(chunks):
        await gate()
        write(seg, "token ")
    return (thread_time() - began) / chunks


async def _frames(chunks: int, measured: bool) -> float:  # noqa: FBT001
    """Append events to a log in memory, one a frame, and have each sent; seconds a frame."""
    frames = chunks // 10
    hub = StreamHub(MemoryLog(), server_id="bench")
    hub.meter = HubMeter() if measured else NoHubMeter()
    producer = hub.open_socket(may_produce=True, may_view=False)
    viewer = hub.open_socket(may_produce=False, may_view=True)
    assert producer is not None
    assert viewer is not None
    sent = asyncio.Semaphore(0)

    async def send(frame: bytes) -> None:
        if frame.startswith(b'{"op":"events"'):
            sent.release()

    async def ignore(frame: bytes) -> None:
        pass

    serving = [asyncio.ensure_future(viewer.serve(send))]
    serving.append(asyncio.ensure_future(producer.serve(ignore)))
    await producer.feed(json.dumps({"op": "claim", "stream": "s", "producer": "p"}))
    while not hub.producers.seats:
        await asyncio.sleep(0)
    await viewer.feed(json.dumps({"op": "subscribe", "stream": "s", "from": 0}))
    while not hub.viewers.total:
        await asyncio.sleep(0)
    event = {"type": "delta", "t": 1, "seg": 0, "text": "token "}
    texts = [
        json.dumps({"op": "append", "stream": "s", "epoch": 1, "offset": at, "events": [event]})
        for at in range(frames)
    ]
    began = thread_time()
    for text in texts:
        await producer.feed(text)
        await sent.acquire()
    took = thread_time() - began
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    for socket in (producer, viewer):
        socket.close()
    await hub.aclose()
    return took / frames


async def _asking(chunks: int, measured: bool) -> float:  # noqa: FBT001
    """Begin a run's telemetry where nobody listens; without it is a call that does nothing."""
    source = IteratorSource([])
    begin = Telemetry.begin if measured else lambda *_, **__: None
    began = thread_time()
    for _ in range(chunks):
        begin("stream", source, later=print)
    return (thread_time() - began) / chunks


def main() -> None:
    parser = argparse.ArgumentParser(description="What measuring costs.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    given = parser.parse_args()
    print(f"{'path':43}  {'without':>10}  {'with':>10}  {'more':>10}  ratio")  # noqa: T201
    for cost in costs(given.rounds, given.chunks):
        more = cost.with_ns - cost.without_ns
        print(  # noqa: T201
            f"{cost.path:43}  {cost.without_ns:7.0f} ns  {cost.with_ns:7.0f} ns  {more:7.0f} ns"
            f"  {cost.ratio:5.2f}"
        )


if __name__ == "__main__":
    main()
