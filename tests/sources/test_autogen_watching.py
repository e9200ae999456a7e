"""Who is told that agents, tools and managers work, and with which models."""

from __future__ import annotations

from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent, MessageFilterAgent, MessageFilterConfig
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat
from autogen_ext.models.openai import AzureOpenAIChatCompletionClient, OpenAIChatCompletionClient
from fake_run import FakeRun

from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.autogen.models import model_of
from swarm_stream.sources.base import Model
from swarm_stream.sources.scripted import ScriptedClient, ToolUse, Turn

NOT_KNOWN = Model("", "")


def agent(name: str, *turns: Any, **given: Any) -> AssistantAgent:
    return AssistantAgent(name, ScriptedClient(list(turns)), model_client_stream=True, **given)


@pytest.mark.asyncio
async def test_each_turn_is_told_with_its_end() -> None:
    run = FakeRun()
    team = RoundRobinGroupChat([agent("ann", "a"), agent("bob", "b")], max_turns=2)
    await AutoGenStreamingAdapter(team).run(run, "go")
    watcher = run.watcher
    assert watcher.turns == [("ann", NOT_KNOWN), ("bob", NOT_KNOWN)]
    # When it is asked, and when it is asked for more after its answer.
    assert watcher.asked == ["ann", "ann", "bob", "bob"]
    assert watcher.ended == [("ann", None), ("bob", None)]


@pytest.mark.asyncio
async def test_an_agent_goes_on_after_its_tools() -> None:
    async def weather(city: str) -> str:
        """Tell the weather."""
        assert run.watcher.tools == [("ann", "weather")]
        return "fine"

    run = FakeRun()
    source = agent(
        "ann", Turn(tools=[ToolUse("weather", {"city": "Oslo"})]), "it is fine", tools=[weather],
        reflect_on_tool_use=True,
    )  # fmt: skip
    await AutoGenStreamingAdapter(source).run(run, "go")
    # At the start, after the request, after the result, after the answer.
    assert run.watcher.asked == ["ann"] * 4
    assert run.watcher.tools == [("ann", "weather")]


@pytest.mark.asyncio
async def test_a_turn_that_fails_ends_with_what_it_raised() -> None:
    run = FakeRun()
    failure = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        await AutoGenStreamingAdapter(agent("ann", Turn("a", error=failure))).run(run, "go")
    assert run.watcher.ended == [("ann", failure)]


@pytest.mark.asyncio
async def test_a_manager_s_tokens_are_told_apart() -> None:
    run = FakeRun()
    manager = ScriptedClient([Turn("bob", usage=(70, 3))])
    team = SelectorGroupChat([agent("ann", "a"), agent("bob", "b")], manager, max_turns=1)
    await AutoGenStreamingAdapter(team).run(run, "go")
    assert run.watcher.tokens == [(NOT_KNOWN, 70, 3)]


def test_models_are_known_by_their_clients() -> None:
    openai = OpenAIChatCompletionClient(model="gpt-4o", api_key="none")
    azure = AzureOpenAIChatCompletionClient(
        model="gpt-4o", azure_deployment="mine", api_version="1", api_key="none",
        azure_endpoint="https://nowhere.invalid",
    )  # fmt: skip
    ann = AssistantAgent("ann", openai)
    assert model_of(ann) == ("openai", "gpt-4o")
    assert model_of(AssistantAgent("bob", azure)) == ("azure.ai.openai", "gpt-4o")
    team = SelectorGroupChat([ann, agent("cid", "c")], azure)
    assert model_of(team) == ("azure.ai.openai", "gpt-4o")
    filtered = MessageFilterAgent("ann", ann, MessageFilterConfig(per_source=[]))
    assert model_of(filtered) == ("openai", "gpt-4o")


class Cached:
    def __init__(self, client: object) -> None:
        self.client = client


class Holder:
    def __init__(self, client: object) -> None:
        self._model_client = client


def test_a_cache_is_looked_into_and_what_is_not_known_stays_empty() -> None:
    openai = OpenAIChatCompletionClient(model="gpt-4o", api_key="none")
    assert model_of(Holder(Cached(openai))) == ("openai", "gpt-4o")
    assert model_of(Holder(ScriptedClient(["a"]))) == NOT_KNOWN
    assert model_of(Holder(None)) == NOT_KNOWN
    assert model_of(object()) == NOT_KNOWN
