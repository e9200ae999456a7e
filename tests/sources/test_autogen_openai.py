"""AutoGen's own OpenAI client over a real socket: what the server sent is what we say."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
import pytest_asyncio
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient
from fake_run import FakeRun
from openai_sse import (
    Broken,
    CallTool,
    Count,
    Done,
    Fail,
    Finish,
    HangUp,
    OpenAIServer,
    Reset,
    Say,
    Stall,
    Think,
)

from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("closed_clients")]

CLIENTS: list[OpenAIChatCompletionClient] = []


@pytest_asyncio.fixture
async def closed_clients() -> AsyncIterator[None]:
    """Close the clients of a test: left to the collector, their sockets outlive the loop."""
    yield
    while CLIENTS:
        await CLIENTS.pop().close()


INFO = {
    "vision": False,
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "family": "unknown",
}


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def agent(server: OpenAIServer, name: str = "a", **settings: Any) -> AssistantAgent:
    client = OpenAIChatCompletionClient(
        model="test",
        base_url=server.base_url,
        api_key="x",
        model_info=INFO,  # type: ignore[arg-type]
        max_retries=0,
        stream_options={"include_usage": True},
    )
    CLIENTS.append(client)
    return AssistantAgent(name, client, model_client_stream=True, **settings)


def alone(server: OpenAIServer) -> Any:
    return agent(server)


def in_team(server: OpenAIServer) -> Any:
    return RoundRobinGroupChat([agent(server)], max_turns=1)


BOTH = pytest.mark.parametrize("make", [alone, in_team])


@BOTH
async def test_text_and_usage(make: Callable[[OpenAIServer], Any]) -> None:
    steps = [Say("Hel"), Say("lo \n\n"), Say("wörld 🙂"), Finish(), Count(7, 3), Done()]
    async with OpenAIServer([steps]) as server:
        await AutoGenStreamingAdapter(make(server)).run(run := FakeRun(), "go")
        assert run.deltas("a") == ["Hel", "lo \n\n", "wörld 🙂"]
        assert run.streamed() == {"a": server.sent[0]}
    (usage,) = run.of(model.Usage)
    assert (usage.prompt_tokens, usage.completion_tokens) == (7, 3)
    assert run.finals() == []


async def test_streams_that_do_not_count_leave_usage_unknown() -> None:
    async with OpenAIServer([[Say("x"), Finish(), Done()]]) as server:
        await AutoGenStreamingAdapter(agent(server)).run(run := FakeRun(), "go")
    assert [u.prompt_tokens for u in run.of(model.Usage)] == [None]


async def test_a_tool_call_and_reflection() -> None:
    script = [
        [CallTool("add", {"a": 2, "b": 3}), Finish("tool_calls"), Count(5, 5), Done()],
        [Say("It is "), Say("5."), Finish(), Count(6, 6), Done()],
    ]
    async with OpenAIServer(script) as server:
        one = agent(server, tools=[add], reflect_on_tool_use=True)
        await AutoGenStreamingAdapter(one).run(run := FakeRun(), "go")
        assert len(server.requests) == 2
    (call,) = run.of(model.ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("add", {"a": 2, "b": 3})
    assert [r.content for r in run.of(model.ToolResult)] == ["5"]
    assert run.streamed() == {"a": "It is 5."}


async def test_reasoning_in_its_own_field() -> None:
    # AutoGen strips letters of the markers off the thought ("hi think hard" loses its "hi").
    steps = [Think("hi think"), Think(" hard"), Say("done"), Finish(), Done()]
    async with OpenAIServer([steps]) as server:
        await AutoGenStreamingAdapter(agent(server)).run(run := FakeRun(), "go")
    assert run.streamed("reasoning") == {"a": "hi think hard"}
    assert run.streamed("text") == {"a": "done"}
    assert run.spoken("reasoning") == {}


async def test_reasoning_in_the_text() -> None:
    steps = [Say("<thi"), Say("nk>hm</"), Say("think>done"), Finish(), Done()]
    async with OpenAIServer([steps]) as server:
        await AutoGenStreamingAdapter(agent(server)).run(run := FakeRun(), "go")
    assert run.streamed("reasoning") == {"a": "hm"}
    assert run.streamed("text") == {"a": "done"}
    assert run.finals() == []


@BOTH
@pytest.mark.parametrize(
    ("end", "error"),
    [
        (Reset(), openai.APIConnectionError),
        (HangUp(), openai.APIConnectionError),
        (Broken(), json.JSONDecodeError),
        (Fail(), openai.APIError),
    ],
    ids=["reset", "hang-up", "broken", "error"],
)
async def test_an_error_in_the_middle_keeps_what_was_said(
    make: Callable[[OpenAIServer], Any], end: Any, error: type[Exception]
) -> None:
    async with OpenAIServer([[Say("one "), Say("two"), end]], pause_s=0.01) as server:
        with pytest.raises(error):
            await AutoGenStreamingAdapter(make(server)).run(run := FakeRun(), "go")
    assert run.streamed() == {"a": "one two"}
    assert run.of(model.Close)[-1].partial
    run.assert_all_closed()


@BOTH
async def test_an_http_error(make: Callable[[OpenAIServer], Any]) -> None:
    async with OpenAIServer([[Fail(status=500)]]) as server:
        with pytest.raises(openai.InternalServerError):
            await AutoGenStreamingAdapter(make(server)).run(run := FakeRun(), "go")
    assert run.of(model.Open) == []


async def test_an_end_without_a_finish_reason_is_told() -> None:
    async with OpenAIServer([[Say("half a sen")]]) as server:
        result = await AutoGenStreamingAdapter(agent(server)).run(run := FakeRun(), "go")
    assert result.messages[-1].content == "half a sen"  # type: ignore[union-attr]
    assert run.streamed() == {"a": "half a sen"}
    assert [e.finish_reason for e in run.of(model.Usage)] == ["unknown"]  # AutoGen: a success


@BOTH
async def test_cancel_while_the_server_says_nothing(make: Callable[[OpenAIServer], Any]) -> None:
    async with OpenAIServer([[Say("one"), Stall()]]) as server:
        adapter = AutoGenStreamingAdapter(make(server))
        run = FakeRun()
        said = asyncio.Event()
        run.on_event = lambda event: isinstance(event, model.Delta) and said.set()
        task = asyncio.create_task(adapter.run(run, "go"))
        await said.wait()
        adapter.request_cancel()
        async with asyncio.timeout(0.5):
            with pytest.raises(asyncio.CancelledError):
                await task
    assert run.streamed() == {"a": "one"}


async def test_two_agents_of_a_team() -> None:
    async with OpenAIServer(["I am the first", "and I the second"]) as server:
        team = RoundRobinGroupChat([agent(server, "a"), agent(server, "b")], max_turns=2)
        await AutoGenStreamingAdapter(team).run(run := FakeRun(), "go")
        assert run.streamed() == dict(zip("ab", server.sent, strict=True))
