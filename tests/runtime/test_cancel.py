"""Cancelling: soon, whatever hangs; and what AutoGen itself does there.

``SWARM_STREAM_CANCEL_RUNS=100`` makes it the check of a release and prints its figures.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken
from stuck import SLEEPING, STUCK, Stuck, agent, stalled

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import StreamCancelledError
from swarm_stream.events import model
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.states import SessionState
from swarm_stream.sources.scripted import ScriptedClient, Turn
from tests.servers.hub_server import hub_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession
    from tests.servers.hub_server import HubServer

pytestmark = [pytest.mark.asyncio, pytest.mark.leaves_threads]

RUNS = int(os.environ.get("SWARM_STREAM_CANCEL_RUNS", "3"))
LIMIT_S = 0.5
CONFIG = StreamingConfig(max_tokens_per_second=0, backoff_first_s=0.01, backoff_limit_s=0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def is_stuck(session: StreamingSession, kind: Stuck) -> Callable[[], bool]:
    said = session.transcript

    def tool() -> bool:
        return any(getattr(item, "kind", "") == "tool" for item in said.items)

    match kind.waits_for.split():
        case ["tool"]:
            return tool
        case ["input"]:
            return lambda: bool(session.questions.waiting)
        case ["calls", "1"]:
            client: Any = session.source.runner._model_client  # type: ignore[attr-defined]
            return lambda: bool(client.calls)
        case ["calls", _]:
            return lambda: said.deltas >= 5
        case _:
            return lambda: "xy" in "".join(said.text_by_lane().values())


async def cancelled(session: StreamingSession) -> tuple[float, StreamCancelledError]:
    """Cancel, and give how long it took until the stream had ended, and what awaiting raises."""
    began = time.perf_counter()
    session.cancel()
    with pytest.raises(StreamCancelledError) as caught:
        await session
    assert session.transcript.outcome == "cancelled"
    return time.perf_counter() - began, caught.value


def judge(name: str, took: list[float]) -> None:
    took.sort()
    print(  # noqa: T201  (the figures of a release check)
        f"\n{name}: cancelled {len(took)} times, p50 {took[len(took) // 2] * 1e3:.1f} ms, "
        f"p99 {took[int(len(took) * 0.99)] * 1e3:.1f} ms"
    )
    # The promise is for the 99th of a hundred; a shared machine has its own peaks.
    assert took[len(took) // 2] < LIMIT_S
    if RUNS >= 100:
        assert took[int(len(took) * 0.99)] < LIMIT_S


@pytest.mark.timeout(60 + RUNS)
@pytest.mark.parametrize("name", STUCK)
async def test_a_run_that_hangs_is_cancelled_soon(
    make_manager: Callable[..., StreamingManager], name: str
) -> None:
    kind, took = STUCK[name], []
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url), CONFIG)
        for _ in range(RUNS):
            SLEEPING.woken.clear()
            session = manager.create(kind.make(), task="go")
            session.start()
            await until(is_stuck(session, kind))
            await asyncio.sleep(0.005)  # what hangs has to hang first
            spent, error = await cancelled(session)
            took.append(spent)
            assert error.leaked == (("tool 'blocker' of a",) if name == "sync-tool" else ())
            if kind.said:
                assert error.text["a"] == kind.said
            SLEEPING.woken.set()
            await session.flush()
    judge(name, took)


@pytest.mark.timeout(60 + RUNS)
async def test_a_paused_run_is_cancelled_soon(
    make_manager: Callable[..., StreamingManager],
) -> None:
    took = []
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url), CONFIG)
        for _ in range(RUNS):
            team = RoundRobinGroupChat([agent("a", Turn(chunks=["x"] * 1000), deaf=True)])
            session = manager.create(team, task="go")
            session.start()
            await until(lambda: session.transcript.deltas > 10)  # noqa: B023
            session.pause()
            took.append((await cancelled(session))[0])
    judge("paused", took)


@pytest.mark.timeout(60 + RUNS)
async def test_a_run_whose_server_is_away_is_cancelled_soon(
    make_manager: Callable[..., StreamingManager],
) -> None:
    """Its buffer is full, so that it is held as well; and all of it arrives afterwards."""
    took = []
    config = StreamingConfig(
        buffer_size=50, max_tokens_per_second=0, backoff_first_s=0.01, backoff_limit_s=0.05
    )
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url), config)
        for _ in range(RUNS):
            team = RoundRobinGroupChat([agent("a", Turn(chunks=["x"] * 5000), deaf=True)])
            session = manager.create(team, task="go")
            session.start()
            await until(lambda: session.metrics.acked > 0)  # noqa: B023
            await server.stop()
            await until(lambda: session.state is SessionState.PAUSED)  # noqa: B023
            took.append((await cancelled(session))[0])
            await server.start()
            await session.flush(10)
            assert session.handed_in
    judge("server away", took)


@pytest.mark.parametrize("name", STUCK)
async def test_what_bare_autogen_does_there(name: str) -> None:
    """The control. ``hangs`` is microsoft/autogen#7956, ``goes on`` is #7100."""
    kind = STUCK[name]
    SLEEPING.woken.clear()
    runner, token = kind.make(), CancellationToken()
    clients: list[ScriptedClient] = []
    made = ScriptedClient._begin

    def begin(self: ScriptedClient, *given: Any, **named: Any) -> Any:
        clients.append(self)
        return made(self, *given, **named)

    async def consume() -> None:
        async for _ in runner.run_stream(task="go", cancellation_token=token):
            pass

    asked = asyncio.Event()

    async def asks(_prompt: str, _token: object) -> str:
        asked.set()
        await asyncio.sleep(3600)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedClient, "_begin", begin)
        if name == "human":
            # input() itself would read the terminal of these tests.
            runner._participants[1].input_func = asks
        task = asyncio.create_task(consume())
        wanted = {"graph": 3, "agent-tool": 2, "team-as-tool": 2}.get(name, 1)
        await until(lambda: len(clients) >= wanted)
        if name == "human":
            await asked.wait()
        await asyncio.sleep(0.05)
        token.cancel()
        done, _ = await asyncio.wait({task}, timeout=10 if kind.bare == "ends" else 1)
    SLEEPING.woken.set()
    assert bool(done) == (kind.bare == "ends")
    for _ in range(5):
        for other in asyncio.all_tasks() - {asyncio.current_task()}:
            other.cancel()
        await asyncio.sleep(0.01)
    if done:
        with pytest.raises(asyncio.CancelledError):
            task.result()


async def test_text_is_in_the_log_to_the_last_character_when_a_client_bursts(
    make_manager: Callable[..., StreamingManager],
) -> None:
    """Where AutoGen alone delivers 2 of 10: the client never lets anybody else have a turn."""
    chunks = [f"{number}é😀 " for number in range(200)]
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url), CONFIG)
        for ending in ("error", "cancel"):
            turn = (
                Turn(chunks=chunks, error=ConnectionError("gone"))
                if ending == "error"
                else Turn(chunks=chunks, stall_at=len(chunks))
            )
            team = RoundRobinGroupChat([agent("a", turn)])
            session = manager.create(team, task="go")
            session.start()
            if ending == "cancel":
                await until(lambda: session.transcript.deltas == len(chunks))  # noqa: B023
                await cancelled(session)
            else:
                with pytest.raises(ConnectionError, match="gone"):
                    await session
            await session.flush()
            assert await logged_text(server, session.id) == "".join(chunks)


async def logged_text(server: HubServer, stream: str) -> str:
    info = await server.log.info(stream)
    assert info.closed
    part = await server.log.read(stream, 0, max_events=10_000, max_bytes=2**20)
    events = model.decode_events(b"[" + part.body + b"]")
    return "".join(event.text for event in events if isinstance(event, model.Delta))


async def test_a_pause_is_exact_to_the_chunk(manager: StreamingManager) -> None:
    client = ScriptedClient([Turn(chunks=["t"] * 3000)], delay_s=0.001)
    team = RoundRobinGroupChat([AssistantAgent("a", client, model_client_stream=True)], max_turns=1)
    session = manager.create(team, task="go")
    session.start()
    await until(lambda: session.transcript.deltas > 20)
    session.pause()
    given = len(client.produced[0])
    seconds = 5 if RUNS >= 100 else 0.5
    await asyncio.sleep(seconds)
    assert len(client.produced[0]) <= given + 1  # the one in flight
    session.pause()  # once more is no news
    session.resume()
    await session
    assert "".join(session.transcript.text_by_lane().values()) == "t" * 3000


@pytest.mark.timeout(300)
async def test_many_runs_cancelled_at_random_and_run_again_leave_nothing(
    make_manager: Callable[..., StreamingManager],
) -> None:
    """From one factory, in one process: no hang, no task, and memory stays."""
    draw = random.Random(7)  # noqa: S311

    async def sleeper() -> str:
        """Sleep."""
        await asyncio.sleep(3600)
        return ""

    def make() -> RoundRobinGroupChat:
        talks = agent("a", *[Turn("one two three four", delay_s=0.001)] * 3)
        calls = agent("b", Turn("xy", tools=["sleeper"]), tools=[sleeper])
        return RoundRobinGroupChat([talks, calls, stalled("c", deaf=True)], max_turns=6)

    manager = make_manager(config=CONFIG)
    memory = psutil.Process().memory_info
    tasks = len(asyncio.all_tasks())
    begun = 0
    earlier: StreamingSession | None = None
    for number in range(200):
        session = manager.create(
            make, task="go", continue_from=earlier if number % 3 == 0 else None
        )
        session.start()
        await asyncio.sleep(draw.random() * 0.04)
        async with asyncio.timeout(5):
            await cancelled(session)
        earlier = session
        manager.forget(session.id)
        if number == 100:
            begun = memory().rss
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks
    assert memory().rss - begun < 12 * 2**20
