"""A: what streaming costs an AutoGen run, and how much faster a team's chunks come out.

The model client here does nothing but give chunks, a turn of the loop after each, as a client
that reads from a network does. So what is measured is AutoGen, and what we add to it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import CreateResult, RequestUsage

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.gate import Gate
from swarm_stream.runtime.manager import StreamingManager
from swarm_stream.runtime.recorder import Recorder
from swarm_stream.runtime.turns import Turns
from swarm_stream.sources.autogen.adapter import AutoGenStreamingAdapter
from swarm_stream.sources.scripted import ScriptedClient
from tests.bench.figures import Found, limit
from tests.bench.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = ["added_us", "bare", "bench", "cpu_us", "team", "through_buffer", "through_server"]

AGENTS = 2
"""Agents of the team; they speak in turn."""


class Chunks(ScriptedClient):
    """Gives ``count`` chunks of one token in each call."""

    def __init__(self, count: int) -> None:
        super().__init__([""], loop=True)
        self._count = count

    async def create_stream(  # type: ignore[override]
        self, *_given: object, **_named: object
    ) -> AsyncGenerator[str | CreateResult, None]:
        for _ in range(self._count):
            await asyncio.sleep(0)
            yield "tok "
        usage = RequestUsage(prompt_tokens=1, completion_tokens=self._count)
        yield CreateResult(
            finish_reason="stop", content="tok " * self._count, usage=usage, cached=False
        )


def agent(count: int, name: str = "agent") -> AssistantAgent:
    return AssistantAgent(name, Chunks(count), model_client_stream=True)


def team(count: int) -> RoundRobinGroupChat:
    members = [agent(count // AGENTS, f"agent_{number}") for number in range(AGENTS)]
    return RoundRobinGroupChat(members, max_turns=AGENTS)


async def bare(runner: AssistantAgent | RoundRobinGroupChat) -> int:
    """Run what AutoGen gives into a loop that does nothing; gives how many chunks came."""
    chunks = 0
    async for item in runner.run_stream(task="go"):
        if isinstance(item, ModelClientStreamingChunkEvent):
            chunks += 1
    return chunks


class BufferRun:
    """A session's hot path and no more: gate, writer, recorder, transcript, buffer, metrics."""

    def __init__(self) -> None:
        self.config = StreamingConfig(buffer_size=10**6, buffer_bytes=10**9)
        self.buffer: TokenBuffer[bytes] = TokenBuffer(self.config)
        self.watcher = Turns()
        meter = self.watcher.meter
        self.recorder = Recorder(self.buffer, meter)
        self.events = self.recorder.events
        self.gate = Gate(
            self.buffer, meter, why_full=lambda: "buffer", chunks_per_s=0, move=lambda _: None
        )
        self.stopping = False

    async def speak(self, lane: int, text: str, *, channel: Any = "text") -> None:
        raise AssertionError("everything is streamed here")

    async def ask(self, *_: object, **__: object) -> str:
        raise AssertionError("nobody asks here")


async def through_buffer(runner: AssistantAgent | RoundRobinGroupChat) -> int:
    """Run it as a session does, up to the buffer; gives how many chunks are in it."""
    run = BufferRun()
    await AutoGenStreamingAdapter(runner).run(run, "go")  # type: ignore[arg-type]
    return run.recorder.transcript.deltas


async def through_server(
    runner: AssistantAgent | RoundRobinGroupChat, manager: StreamingManager
) -> int:
    """Run it as a session to a server, until everything is durable."""
    session = manager.create(runner, task="go")
    session.start()
    await session
    await session.flush(60)
    assert session.unacked == 0
    return session.transcript.deltas


def timed(make: Callable[[], Any], count: int, clock: Callable[[], float]) -> float:
    """Give the microseconds for each chunk of a run."""

    async def run() -> float:
        gc.collect()
        began = clock()
        chunks = await make()
        took_s = clock() - began
        assert chunks == count, f"{chunks} chunks instead of {count}"
        return took_s / count * 1e6

    return asyncio.run(run())


def cpu_us(make: Callable[[], Any], count: int) -> float:
    """Give the microseconds of processor time for each chunk of a run."""
    return timed(make, count, time.process_time)


def added_us(count: int) -> tuple[float, float]:
    """Give CPU microseconds a chunk of a bare agent, and of one streamed into the buffer."""
    return (
        timed(lambda: bare(agent(count)), count, time.process_time),
        timed(lambda: through_buffer(agent(count)), count, time.process_time),
    )


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure an agent and a team: bare, up to the buffer, and through a server."""
    found = Found()
    rounds, count = (3, 4000) if quick else (7, 20_000)
    added, alone = [], []
    for _ in range(rounds):
        bare_us, ours_us = added_us(count)
        added.append(ours_us - bare_us)
        alone.append(bare_us)
    say(f"  A1 bare {min(alone):.1f} us a chunk, added {min(added):.1f} .. {max(added):.1f}")
    found.figure("bare agent.run_stream, CPU for a chunk", "us", alone)
    found.figure(
        "added to a bare agent, up to the buffer, CPU for a chunk", "us", added,
        target="A1", limits=limit(6, rounds),
    )  # fmt: skip
    rates: dict[str, list[float]] = {"bare": [], "buffer": [], "server": []}
    size = count // 2
    with Place() as place:
        server = place.server("ours")
        url = server.base.replace("ws://", "http://") + "/"
        address = ServerAddress(url, f"swarm-stream {server.secret}", may_view=False)
        config = StreamingConfig()
        manager = StreamingManager(config, runtime=Runtime(config, address=address))
        for _ in range(rounds):
            for way, make in (
                ("bare", lambda: bare(team(size))),
                ("buffer", lambda: through_buffer(team(size))),
                ("server", lambda: through_server(team(size), manager)),
            ):
                rates[way].append(1e6 / timed(make, size, time.perf_counter))
            say(f"  A2 chunks/s {', '.join(f'{w} {r[-1]:,.0f}' for w, r in rates.items())}")
        manager.shut_down()
    found.figure("bare team.run_stream", "chunks/s", rates["bare"])
    found.figure("a team streamed up to the buffer", "chunks/s", rates["buffer"])
    found.figure(
        "a team streamed through the server, until durable", "chunks/s", rates["server"],
        target="A2", limits=[5 * rate for rate in rates["bare"]], least=True,
    )  # fmt: skip
    return found
