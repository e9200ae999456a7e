"""Many sessions: names, limits, clean-up, idle runs, one line for each."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import NoSuchStreamError, SessionStateError, StreamCancelledError
from swarm_stream.runtime.manager import slug
from swarm_stream.sources.scripted import ScriptedClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager

pytestmark = pytest.mark.asyncio


async def silent() -> AsyncIterator[str]:
    yield "one word, then nothing"
    await asyncio.Event().wait()


async def talks() -> AsyncIterator[str]:
    yield "done"


async def test_each_session_gets_a_name_of_its_own(manager: StreamingManager) -> None:
    sessions = [manager.create(talks()) for _ in range(20)]
    assert len({session.id for session in sessions}) == 20
    assert [line["state"] for line in manager.status()] == ["idle"] * 20
    for session in sessions:
        session.start()
        await session
        assert manager[session.id] is session
    assert manager.active == []
    assert {line["stream"] for line in manager.status()} == {s.id for s in sessions}


async def test_a_run_that_says_nothing_is_ended_by_the_idle_timeout(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(idle_timeout_s=0.2))
    session = manager.create(silent())
    session.start()
    with pytest.raises(StreamCancelledError, match="idle timeout"):
        await session


async def test_a_run_that_waits_for_a_person_is_not_idle(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(idle_timeout_s=0.1))
    session = manager.create(silent())
    session.start()
    session.pause()
    await asyncio.sleep(0.4)  # four timeouts: that nothing happens is the test
    assert not session.done
    session.cancel()


async def test_too_many_runs_are_refused_and_room_is_made_when_they_end(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(max_streams=2))
    running = [manager.create(silent()) for _ in range(2)]
    for session in running:
        session.start()
    with pytest.raises(SessionStateError, match="max_streams"):
        manager.create(talks())
    assert manager.cancel_all() == 2
    for session in running:
        with pytest.raises(StreamCancelledError):
            await session
    manager.create(talks()).start()


async def test_a_session_is_forgotten_only_when_it_is_over(manager: StreamingManager) -> None:
    session = manager.create(silent())
    session.start()
    with pytest.raises(SessionStateError, match="cancel it first"):
        manager.forget(session.id)
    session.cancel()
    with pytest.raises(StreamCancelledError):
        await session
    manager.forget(session.id)
    with pytest.raises(NoSuchStreamError):
        manager[session.id]


@pytest.mark.parametrize(
    ("text", "name"), [("Plan a trip!", "Plan-a-trip"), ("äöü", "run"), ("a/b c", "a-b-c")]
)
async def test_any_text_gives_a_name(text: str, name: str) -> None:
    assert slug(text) == name


async def test_agents_that_run_are_refused_at_once_be_it_in_the_same_moment(
    manager: StreamingManager,
) -> None:
    def agent(name: str) -> AssistantAgent:
        return AssistantAgent(name, ScriptedClient(["x"], loop=True), model_client_stream=True)

    team = RoundRobinGroupChat([shared := agent("a"), agent("b")], max_turns=2)
    refused = manager.create(team, task="made, but never started")
    first = manager.create(team, task="one")
    first.start()
    for given in (team, shared, RoundRobinGroupChat([agent("c"), shared])):
        with pytest.raises(SessionStateError, match="is already running"):
            manager.create(given, task="two")
    assert [session.id for session in manager] == [refused.id, first.id]
    await first
    second = manager.create(team, task="two")
    second.start()
    second.cancel()  # before it has begun to work
    with pytest.raises(StreamCancelledError):
        await second
    third = manager.create(shared, task="three")
    third.start()
    await third


async def test_agents_of_a_run_that_never_began_are_let_go_of(manager: StreamingManager) -> None:
    agent = AssistantAgent("a", ScriptedClient(["x"]), model_client_stream=True)
    session = manager.create(agent, task="one")
    session.cancel()
    session.start()
    with pytest.raises(StreamCancelledError):
        await session
    manager.forget(session.id)
    kept = weakref.ref(agent)
    del agent, session
    for _ in range(20):  # the IO thread may have it at hand still
        await asyncio.sleep(0.01)
        gc.collect()
        if kept() is None:
            return
    raise AssertionError("the agent is kept")
