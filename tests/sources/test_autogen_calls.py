"""What model clients say of their calls: tokens, reasons, and answers that are cut off."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat
from autogen_core import EVENT_LOGGER_NAME
from autogen_core.logging import LLMCallEvent, LLMStreamEndEvent
from autogen_ext.models.replay import ReplayChatCompletionClient
from autogen_runs import client
from fake_run import FakeRun

from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.autogen.calls import _read
from swarm_stream.sources.scripted import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.asyncio

EVENTS = logging.getLogger(EVENT_LOGGER_NAME)


async def ran(runner: Any) -> FakeRun:
    run = FakeRun()
    await AutoGenStreamingAdapter(runner).run(run, "go")
    return run


def usage(run: FakeRun) -> list[tuple[str, int | None, int | None, str | None]]:
    return [
        (run.name_of[e.lane], e.prompt_tokens, e.completion_tokens, e.finish_reason)
        for e in run.of(model.Usage)
    ]


@pytest.mark.parametrize("stream", [True, False])
async def test_each_call_is_told_once_with_its_reason(*, stream: bool) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    said = client(
        Turn("so", tools=[("add", {"a": 1, "b": 2})], usage=(5, 3)), Turn("3", usage=(9, 1))
    )
    agent = AssistantAgent(
        "a", said, tools=[add], reflect_on_tool_use=True, model_client_stream=stream
    )
    assert usage(await ran(agent)) == [("a", 5, 3, "function_calls"), ("a", 9, 1, "stop")]


async def test_a_client_that_logs_nothing_is_counted_by_its_messages() -> None:
    agent = AssistantAgent("a", ReplayChatCompletionClient(["two words"]))
    ((lane, prompt, completion, reason),) = usage(await ran(agent))
    assert (lane, completion, reason) == ("a", 2, None)
    assert prompt


async def test_an_answer_without_a_reason_is_told_after_it() -> None:
    agent = AssistantAgent(
        "a", client(Turn("half", finish_reason="unknown")), model_client_stream=True
    )
    run = await ran(agent)
    assert usage(run)[0][3] == "unknown"
    kinds = [type(event) for event in run.seen]
    assert kinds.index(model.Usage) > kinds.index(model.Close)


async def test_a_whole_text_is_said_before_the_reason_why_it_is_cut_off() -> None:
    run = await ran(AssistantAgent("a", client(Turn("half", finish_reason="length"))))
    assert usage(run)[0][3] == "length"
    kinds = [type(event) for event in run.seen]
    assert kinds.index(model.Usage) > kinds.index(model.Close)


async def test_streams_that_count_nothing_are_unknown() -> None:
    agent = AssistantAgent("a", client(Turn("hi", usage=(0, 0))), model_client_stream=True)
    assert usage(await ran(agent)) == [("a", None, None, "stop")]


async def test_what_a_manager_asks_is_counted_in_its_teams_lane() -> None:
    agents = [AssistantAgent(name, client(name), model_client_stream=True) for name in "ab"]
    inner = SelectorGroupChat(agents, client("b", "a"), name="inner", max_turns=2)
    outer = RoundRobinGroupChat([inner], name="outer", max_turns=1)
    lanes = [lane for lane, *_ in usage(await ran(outer))]
    assert sorted(lanes) == ["a", "b", "inner"]  # of one candidate the manager asks no model


async def test_parallel_runs_hear_their_own_calls() -> None:
    scripts = {name: Turn(chunks=["x"] * 5, usage=(n, n)) for n, name in enumerate("abc", 1)}
    agents = [
        AssistantAgent(name, client(turn), model_client_stream=True)
        for name, turn in scripts.items()
    ]
    runs = await asyncio.gather(*map(ran, agents))
    assert [usage(run) for run in runs] == [
        [(name, n, n, "stop")] for n, name in enumerate("abc", 1)
    ]


@pytest.fixture
def shown() -> Iterator[list[str]]:
    """What the event log's own handlers get to see."""
    seen: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(type(record.msg).__name__)

    handler = Handler()
    EVENTS.addHandler(handler)
    level = EVENTS.level
    yield seen
    EVENTS.removeHandler(handler)
    EVENTS.setLevel(level)


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
async def test_the_event_log_shows_its_user_what_it_showed_before(
    shown: list[str], level: int
) -> None:
    EVENTS.setLevel(level)
    run = await ran(AssistantAgent("a", client("hi"), model_client_stream=True))
    assert usage(run)
    assert ("LLMStreamEndEvent" in shown) == (level == logging.INFO)
    assert EVENTS.level == level
    assert EVENTS.filters == []


async def test_a_level_that_is_set_while_a_run_goes_on_stays(shown: list[str]) -> None:
    EVENTS.setLevel(logging.NOTSET)

    def set_it(_messages: Any) -> str:
        EVENTS.setLevel(logging.INFO)
        return "hi"

    await ran(AssistantAgent("a", client(set_it), model_client_stream=True))
    assert "LLMStreamEndEvent" in shown
    assert EVENTS.level == logging.INFO


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (LLMStreamEndEvent(response={}, prompt_tokens=1, completion_tokens=1), "unknown"),
        (
            LLMCallEvent(
                messages=[],
                response={"choices": [{"finish_reason": "tool_calls"}]},
                prompt_tokens=1,
                completion_tokens=1,
            ),
            "function_calls",
        ),
        (
            LLMCallEvent(
                messages=[],
                response={"stop_reason": "max_tokens"},
                prompt_tokens=1,
                completion_tokens=1,
            ),
            "length",
        ),
        # A body that is read whole is whole, whatever it does not say.
        (LLMCallEvent(messages=[], response={}, prompt_tokens=1, completion_tokens=1), None),
    ],
)
async def test_reasons_of_other_clients(event: Any, reason: str | None) -> None:
    assert _read(event).finish_reason == reason
