"""Ratios that tell whether a path has become slower, whatever the machine and however busy it is.

Processor time of this process, in yardsticks: what it takes to make, write and read as many
events. ``tests/test_speed.py`` holds them against those that are stored.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from swarm_stream.events import model
from swarm_stream.events.fold import Transcript
from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.protocol.buffer import Window
from swarm_stream.protocol.frames import Append, ClaimReply, decode_client_frame, encode
from swarm_stream.protocol.producer import ProducerConnection
from tests.bench.agents import BufferRun, agent, bare, team, through_buffer
from tests.bench.figures import Found
from tests.bench.log import appends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["bench", "ratios"]

EVENTS = 3000
CHUNKS = 1000
VIEWERS = 50


def yardstick() -> int:
    """Make, write and read events: what every path does at least once."""
    for number in range(EVENTS):
        event = model.Delta(t=1764000000000.125, seg=0, text=f" {number}")
        model.decode_event(model.encode_event(event))
    return EVENTS


def fold() -> int:
    """Fold a run of events into a transcript."""
    transcript = Transcript()
    transcript.apply(model.Lane(t=1, lane=0, name="a"))
    transcript.apply(model.Open(t=1, seg=0, lane=0, channel="text"))
    event = model.Delta(t=1, seg=0, text=" tok")
    for _ in range(EVENTS):
        transcript.apply(event)
    return EVENTS


def write() -> int:
    """Write chunks as a source does, into the buffer."""
    run = BufferRun()
    seg = run.events.open(run.events.lane("a"))
    for _ in range(EVENTS):
        run.events.delta(seg, " tok")
    return EVENTS


def send() -> int:
    """Take events out of a window as frames, and read those as the server does."""
    window: Window[bytes] = Window(size=10**6, max_bytes=10**9, pause_at=0.8, resume_at=0.3)
    producer = ProducerConnection("s", producer="p", window=window)
    producer.connected()
    producer.frames_to_send()
    producer.receive(ClaimReply(stream="s", epoch=1, next=0), now=0)
    for _ in range(EVENTS):
        window.put(b'{"type":"delta","seg":0,"text":" tok","t":1764000000000.125}')
    seen = 0
    while producer.has_more:
        for frame in producer.frames_to_send():
            got = decode_client_frame(encode(frame))
            assert isinstance(got, Append)
            seen += len(got.events)
    return seen


async def deliver() -> int:
    """Add single events to a stream that many watch, each up to date."""
    log = MemoryLog()
    hub = StreamHub(log, server_id="bench")
    log.claim_now("s", producer="p", meta=b"{}")
    sent = 0

    def push(frames: Sequence[bytes]) -> bool:
        nonlocal sent
        sent += sum(frame.startswith(b'{"op":"events"') for frame in frames)
        return True

    async def never(_: bytes) -> None:
        raise AssertionError

    sockets = []
    for _ in range(VIEWERS):
        socket = hub.open_socket(may_produce=False, may_view=True)
        assert socket is not None
        await socket.feed('{"op":"subscribe","stream":"s","from":"tail"}')
        sockets.append((socket, asyncio.ensure_future(socket.serve(never, push=push))))
    for _ in range(10):
        await asyncio.sleep(0)
    event = b'{"type":"delta","seg":0,"text":" tok","t":1764000000000.125}'
    for offset in range(EVENTS // VIEWERS):
        log.append_now("s", epoch=1, offset=offset, events=[event], closes=False)
        await asyncio.sleep(0)
    for socket, serving in sockets:
        serving.cancel()
        socket.close()
    await asyncio.gather(*(serving for _, serving in sockets), return_exceptions=True)
    await hub.aclose()
    return sent


async def log_in_batches() -> int:
    """Append to a durable log, in the batches that load makes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        await appends(Path(home) / "log.sqlite", EVENTS * 10)
    return EVENTS * 10


def _us(work: Callable[[], int]) -> float:
    gc.collect()
    began = time.process_time()
    done = work()
    return (time.process_time() - began) / done * 1e6


PATHS: dict[str, Callable[[], int]] = {
    "fold": fold,
    "write": write,
    "send": send,
    "deliver": lambda: asyncio.run(deliver()),
    "log": lambda: asyncio.run(log_in_batches()),
    "agent bare": lambda: asyncio.run(bare(agent(CHUNKS))),
    "agent": lambda: asyncio.run(through_buffer(agent(CHUNKS))),
    "team bare": lambda: asyncio.run(bare(team(CHUNKS))),
    "team": lambda: asyncio.run(through_buffer(team(CHUNKS))),
}


def ratios(rounds: int) -> dict[str, list[float]]:
    """Give each path's cost for an event in yardsticks; bare runs of AutoGen are yards too."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        unit = _us(yardstick)
        cost = {name: _us(work) for name, work in PATHS.items()}
        for name in ("fold", "write", "send", "deliver", "log"):
            found.setdefault(name, []).append(cost[name] / unit)
        for name in ("agent", "team"):
            found.setdefault(name, []).append(cost[name] / cost[f"{name} bare"])
    return found


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure the ratios that the regression test holds."""
    found = Found()
    for name, values in ratios(5 if quick else 15).items():
        say(f"  {name}: {median(values):.2f} ({min(values):.2f} .. {max(values):.2f})")
        found.figure(name, "yardsticks", values)
    return found
