"""Who has nothing to do with it: other viewers of a stalled one's stream, and Jupyter itself.

Times are compared within one run and never asserted absolutely. With ``SWARM_STREAM_LOAD_S`` set
to 60 this is the check of a release, and prints its figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.jupyter import JupyterServer

SECONDS = float(os.environ.get("SWARM_STREAM_LOAD_S", "2"))
VIEWERS = 20
STALLED = 8
ROUNDS = 3
RATE_PER_S = 200
STREAMS = 50
TOKENS_PER_S = 50
PAD = "x" * 60
# More than the kernel's buffers of one loopback connection hold at both ends, some 6 MB here.
BALLAST = [{"type": "raw", "t": 0, "native": "x" * 60_000}] * 200


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def plain_connect(server: JupyterServer, **options: Any) -> connect:
    return connect(
        server.ws_url,
        subprotocols=["swarm-stream.v1"],  # type: ignore[list-item]  # a NewType of str
        additional_headers=server.headers,
        proxy=None,
        compression=None,
        close_timeout=1,  # a stalled viewer does not read the server's goodbye either
        ping_interval=None,  # its answer would come after what a stalled viewer does not read
        **options,
    )


async def told(socket: ClientConnection, op: str) -> dict[str, Any]:
    while True:
        frame = json.loads(await socket.recv())
        if frame["op"] == op:
            return dict(frame)


async def produce(
    server: JupyterServer, streams: list[str], *, rate: float, seconds: float
) -> None:
    """Append one event of each stream each ``1 / rate`` seconds, with the time in it."""
    async with plain_connect(server) as socket:
        for stream in streams:
            await socket.send(json.dumps({"op": "claim", "stream": stream, "producer": "p"}))
            await told(socket, "claimed")

        async def drain() -> None:
            async for _ in socket:
                pass

        draining = asyncio.ensure_future(drain())
        begun = time.perf_counter()
        for count in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begun + count / rate - time.perf_counter()))
            for stream in streams:
                event = {"type": "delta", "t": 0, "seg": 0, "text": PAD, "at": time.perf_counter()}
                append = {"op": "append", "stream": stream, "epoch": 1, "offset": count}
                await socket.send(json.dumps({**append, "events": [event]}))
        draining.cancel()


async def view(server: JupyterServer, streams: list[str], total: int) -> list[float]:
    """Read all streams to ``total`` events each; gives each event's delay in seconds."""
    delays: list[float] = []
    async with plain_connect(server) as socket:
        for stream in streams:
            await socket.send(
                json.dumps({"op": "subscribe", "stream": stream, "from": 0, "wait": True})
            )
        beating = asyncio.ensure_future(beat(socket))
        seen = dict.fromkeys(streams, 0)
        while any(count < total for count in seen.values()):
            frame = await told(socket, "events")
            now = time.perf_counter()
            assert frame["offset"] == seen[frame["stream"]]
            seen[frame["stream"]] += len(frame["events"])
            delays += [now - event["at"] for event in frame["events"]]
        beating.cancel()
    return delays


async def beat(socket: ClientConnection) -> None:
    """Keep the server from taking a viewer for gone, however slow this machine is."""
    while True:
        await asyncio.sleep(5)
        await socket.send('{"op":"heartbeat","t":0}')


async def load_ballast(server: JupyterServer) -> None:
    """Make the stream that fills the socket of whoever subscribes to it and reads nothing."""
    async with plain_connect(server) as socket:
        await socket.send('{"op":"claim","stream":"ballast","producer":"p"}')
        await told(socket, "claimed")
        for offset in range(0, len(BALLAST), 10):
            append = {"op": "append", "stream": "ballast", "epoch": 1, "offset": offset}
            await socket.send(json.dumps({**append, "events": BALLAST[offset : offset + 10]}))
        while (await told(socket, "ack"))["next"] < len(BALLAST):
            pass


async def stall(server: JupyterServer, stream: str, total: int, done: asyncio.Event) -> int:
    """Read nothing until ``done``, then all; gives in how many frames ``stream`` came.

    What a run says in some seconds fits into the kernel's buffers, so that nobody would notice
    that it is not read: the ballast fills them first.
    """
    async with plain_connect(server, max_queue=1) as socket:
        for name in ("ballast", stream):
            await socket.send(
                json.dumps({"op": "subscribe", "stream": name, "from": 0, "wait": True})
            )
        while not done.is_set():
            await asyncio.sleep(1)
            await socket.send('{"op":"heartbeat","t":0}')
        seen = {"ballast": 0, stream: 0}
        frames = 0
        while seen[stream] < total:
            frame = await told(socket, "events")
            assert frame["offset"] == seen[frame["stream"]]
            seen[frame["stream"]] += len(frame["events"])
            frames += frame["stream"] == stream
        return frames


async def watched(server: JupyterServer, stream: str, *, stalled: int) -> tuple[float, int]:
    """Have a run watched, by stalled viewers too; gives the others' p99 and what memory it took."""
    assert server.process is not None
    memory = psutil.Process(server.process.pid).memory_info
    total = int(RATE_PER_S * SECONDS)
    done = asyncio.Event()
    stalling = [asyncio.ensure_future(stall(server, stream, total, done)) for _ in range(stalled)]
    await asyncio.sleep(1)  # what fills its socket is none of the others' delay
    before = memory().rss
    viewing = [
        asyncio.ensure_future(view(server, [stream], total)) for _ in range(VIEWERS - stalled)
    ]
    await produce(server, [stream], rate=RATE_PER_S, seconds=SECONDS)
    delays = [delay for seen in viewing for delay in await seen]
    grown = memory().rss - before
    done.set()
    frames = [await one for one in stalling]
    # It was stalled indeed: what came meanwhile was read from the log at the end.
    assert all(count < total / 10 for count in frames)
    return percentile(delays, 0.99), grown


@pytest.mark.timeout(60 + 10 * SECONDS)
@pytest.mark.asyncio
async def test_a_stalled_viewer_slows_nobody_and_costs_next_to_nothing(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as server:
        await load_ballast(server)
        await watched(server, "warm", stalled=0)
        seen = []
        for number in range(ROUNDS):
            without, grown_without = await watched(server, f"without-{number}", stalled=0)
            with_one, grown = await watched(server, f"with-{number}", stalled=1)
            print(  # noqa: T201  (the figures of a release check)
                f"\nstalled viewer: p99 {without * 1e3:.2f} ms without, "
                f"{with_one * 1e3:.2f} ms with one; server grew by "
                f"{grown_without / 2**20:.2f} / {grown / 2**20:.2f} MiB"
            )
            # The promise is 1.5 times and 2 MiB; a shared machine has its own peaks.
            seen.append(
                with_one < 1.5 * without + 0.02 and grown - max(0, grown_without) < 2 * 2**20
            )
            if seen[-1]:
                break
        # What else the machine does can make a round look worse, but hardly all of them.
        assert any(seen)


@pytest.mark.asyncio
async def test_what_a_server_holds_for_a_stalled_viewer_is_small(tmp_path: Path) -> None:
    done = asyncio.Event()
    with jupyter_server(tmp_path) as server:
        assert server.process is not None
        memory = psutil.Process(server.process.pid).memory_info
        await load_ballast(server)

        async def stalled(count: int) -> list[asyncio.Task[int]]:
            held = [asyncio.ensure_future(stall(server, "quiet", 1, done)) for _ in range(count)]
            await asyncio.sleep(1)
            return held

        # Of several, and not the first: what memory its allocator keeps at hand is Python's affair.
        stalling = await stalled(STALLED)
        before = memory().rss
        stalling += await stalled(STALLED)
        each = (memory().rss - before) / STALLED
        print(f"\na stalled viewer costs the server {each / 2**20:.2f} MiB")  # noqa: T201
        assert each < 2 * 2**20
        for one in stalling:
            one.cancel()
        await asyncio.gather(*stalling, return_exceptions=True)


async def statuses(server: JupyterServer, stop: asyncio.Event) -> list[float]:
    """Ask for Jupyter's own status again and again; gives how long each answer took."""
    took: list[float] = []
    while not stop.is_set():
        begun = time.perf_counter()
        await asyncio.to_thread(server.get, "api/status")
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)
    return took


async def after(seconds: float) -> asyncio.Event:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    return stop


@pytest.mark.timeout(60 + 10 * SECONDS)
@pytest.mark.asyncio
async def test_jupyter_answers_while_it_carries_fifty_streams(tmp_path: Path) -> None:
    streams = [f"s{number}" for number in range(STREAMS)]
    total = int(TOKENS_PER_S * SECONDS)
    with jupyter_server(tmp_path) as server:
        await statuses(server, await after(1))
        seen = []
        for _ in range(ROUNDS):
            idle = await statuses(server, await after(SECONDS))
            viewing = [asyncio.ensure_future(view(server, streams, total)) for _ in range(3)]
            stop = asyncio.Event()
            asking = asyncio.ensure_future(statuses(server, stop))
            await produce(server, streams, rate=TOKENS_PER_S, seconds=SECONDS)
            stop.set()
            busy = await asking
            delays = [delay for one in viewing for delay in await one]
            print(  # noqa: T201  (the figures of a release check)
                f"\n/api/status: p50 {percentile(idle, 0.5) * 1e3:.2f} ms idle, "
                f"{percentile(busy, 0.5) * 1e3:.2f} ms busy; p99 "
                f"{percentile(idle, 0.99) * 1e3:.2f} ms idle, {percentile(busy, 0.99) * 1e3:.2f} "
                f"ms busy; events p99 {percentile(delays, 0.99) * 1e3:.2f} ms"
            )
            seen.append(percentile(busy, 0.99) < 3 * percentile(idle, 0.99) + 0.05)
            if seen[-1]:
                break
            streams = [f"{stream}-again" for stream in streams]
        assert any(seen)
