"""P4: no agent runs ahead of the log by more than the buffer, and all arrives in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import DiGraphBuilder, GraphFlow, RoundRobinGroupChat

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import LogError
from swarm_stream.events.model import Delta, decode_events
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from swarm_stream.runtime.states import SessionState
from swarm_stream.sources.scripted import ScriptedClient
from tests.servers.hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from autogen_agentchat.base import TaskRunner

    from swarm_stream.runtime.session import StreamingSession

TOKENS = 5000
SIZE = 1000
SLACK = 64
"""Chunks that may be under way when the gate closes: one for each agent, with room."""

CONFIG = StreamingConfig(buffer_size=SIZE, backoff_first_s=0.01, backoff_limit_s=0.05)


def script(tokens: int) -> list[str]:
    return [f"{number} " for number in range(tokens)]


class Setup:
    """Agents that say as much as they are let, and what they have said."""

    def __init__(self) -> None:
        self.clients: list[ScriptedClient] = []

    def agent(self, name: str, tokens: int = TOKENS) -> AssistantAgent:
        """Make an agent with one long answer."""
        client = ScriptedClient([script(tokens)])
        self.clients.append(client)
        return AssistantAgent(name, model_client=client, model_client_stream=True)

    @property
    def produced(self) -> int:
        return sum(len(call) for client in self.clients for call in client.produced)

    def one_agent(self) -> TaskRunner:
        return self.agent("one")

    def team(self) -> TaskRunner:
        members = [self.agent("first", TOKENS // 2), self.agent("second", TOKENS // 2)]
        return RoundRobinGroupChat(members, termination_condition=MaxMessageTermination(3))  # type: ignore[arg-type]

    def nested_team(self) -> TaskRunner:
        inner = RoundRobinGroupChat(
            [self.agent("inner")], termination_condition=MaxMessageTermination(2)
        )
        summary = ScriptedClient([["done"]])
        self.clients.append(summary)
        return RoundRobinGroupChat(
            [SocietyOfMindAgent("society", team=inner, model_client=summary)],
            termination_condition=MaxMessageTermination(2),
        )

    def parallel_graph(self) -> TaskRunner:
        agents = [
            self.agent("source", 1),
            self.agent("left", TOKENS // 2),
            self.agent("right", TOKENS // 2),
        ]
        build = DiGraphBuilder()
        for agent in agents:
            build.add_node(agent)
        build.add_edge(agents[0], agents[1]).add_edge(agents[0], agents[2])
        return GraphFlow(agents, build.build())  # type: ignore[arg-type]


KINDS = (Setup.one_agent, Setup.team, Setup.nested_team, Setup.parallel_graph)


@pytest.fixture
def manager_of() -> Iterator[Callable[[HubServer], StreamingManager]]:
    made: list[StreamingManager] = []

    def make(server: HubServer) -> StreamingManager:
        runtime = Runtime(CONFIG, address=ServerAddress(server.url))
        made.append(StreamingManager(CONFIG, runtime=runtime))
        return made[-1]

    yield make
    for manager in made:
        manager.shut_down()


async def until_quiet(setup: Setup, session: StreamingSession) -> None:
    """Wait until the run is paused and no client has moved for a while."""
    while session.state is not SessionState.PAUSED:
        await asyncio.sleep(0.001)
    still, last = 0, -1
    while still < 20:
        await asyncio.sleep(0.005)
        still, last = (still + 1, last) if setup.produced == last else (0, setup.produced)


async def logged(server: HubServer, stream: str) -> list[str]:
    """Give the text of each segment that the log holds."""
    part = await server.log.read(stream, 0, max_events=10**6, max_bytes=10**9)
    texts: dict[int, str] = {}
    for event in decode_events(b"[" + part.body + b"]"):
        if isinstance(event, Delta):
            texts[event.seg] = texts.get(event.seg, "") + event.text
    return list(texts.values())


async def held_and_let_go(
    setup: Setup,
    session: StreamingSession,
    server: HubServer,
    mend: Callable[[], Awaitable[object]],
) -> None:
    """Check that a run which nobody takes events from stops, and ends whole once ``mend`` ran."""
    await until_quiet(setup, session)
    assert session.paused_by == "buffer"
    assert session.unacked <= SIZE
    acked = session.metrics.acked
    assert setup.produced <= acked + SIZE + SLACK
    await mend()
    await session
    await session.flush(20)
    said = sorted("".join(call) for client in setup.clients for call in client.produced)
    assert sum(len(call) for client in setup.clients for call in client.produced) >= TOKENS
    assert sorted(await logged(server, session.id)) == said
    assert session.metrics.buffer_peak <= SIZE + SLACK
    assert session.paused_by == ""


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_with_the_server_away_the_model_is_not_read(
    kind: Callable[[Setup], TaskRunner], manager_of: Callable[[HubServer], StreamingManager]
) -> None:
    server, setup = HubServer(), Setup()
    await server.start()
    try:
        session = manager_of(server).create(kind(setup), task="go")
        async with asyncio.timeout(20):
            await session.claimed()
        await server.stop()
        session.start()
        await held_and_let_go(setup, session, server, server.start)
    finally:
        await server.stop()


class FullLog(MemoryLog):
    """A log whose disk is full while ``full`` is set."""

    full = True

    def append(self, stream: str, **batch: object) -> Awaitable[object]:  # type: ignore[override]
        if not self.full:
            return super().append(stream, **batch)  # type: ignore[arg-type]

        async def refuse() -> object:
            raise LogError("the disk is full; make room, nothing is lost meanwhile")

        return refuse()


@pytest.mark.asyncio
async def test_with_a_full_disk_the_model_is_not_read_and_the_reason_is_told(
    manager_of: Callable[[HubServer], StreamingManager],
) -> None:
    log = FullLog()
    server, setup = HubServer(log), Setup()
    await server.start()
    try:
        session = manager_of(server).create(setup.team(), task="go")
        session.start()
        await until_quiet(setup, session)
        assert "disk is full" in session.notice

        async def make_room() -> None:
            log.full = False

        await held_and_let_go(setup, session, server, make_room)
        assert session.notice == ""
    finally:
        await server.stop()


@pytest.mark.asyncio
async def test_what_waits_is_told_while_the_server_is_away(
    manager_of: Callable[[HubServer], StreamingManager],
) -> None:
    server, setup = HubServer(), Setup()
    await server.start()
    try:
        session = manager_of(server).create(setup.one_agent(), task="go")
        async with asyncio.timeout(20):
            await session.claimed()
        await server.stop()
        session.start()
        await until_quiet(setup, session)
        assert session.notice == (
            f"the server does not answer; {session.unacked} events wait for it, nothing is lost"
        )
        session.cancel()
        with pytest.raises(Exception, match="cancelled"):
            await session
    finally:
        await server.stop()
