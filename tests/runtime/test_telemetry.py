"""What OpenTelemetry is told of a run, seen by its own SDK with exporters in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from autogen_agentchat.agents import AssistantAgent, BaseChatAgent
from autogen_agentchat.base import Response, TaskResult
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import StreamCancelledError
from swarm_stream.runtime import telemetry
from swarm_stream.runtime.telemetry import Telemetry
from swarm_stream.sources.scripted import ScriptedClient, ToolUse, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio

UNSEEN = "a word that nobody is to see"


@dataclass
class Seen:
    """What the exporters have."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self, name: str = "") -> list[ReadableSpan]:
        return [s for s in self.exporter.get_finished_spans() if s.name.startswith(name)]

    def span(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans() if span.name == name)
        return found

    def parents(self, span: ReadableSpan) -> list[str]:
        """Names of the spans around one, the nearest first; those of AutoGen's runtime left out."""
        by_id = {s.context.span_id: s for s in self.spans() if s.context is not None}
        names = []
        while span.parent is not None and span.parent.span_id in by_id:
            span = by_id[span.parent.span_id]
            names.append(span.name)
        return [name for name in names if not name.startswith("autogen ")]

    def points(self, metric: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == f"gen_ai.{metric}"
            for point in found.data.data_points
        ]

    async def counted(self, metric: str, samples: int) -> list[Any]:
        """Wait for a metric, some of which are recorded on another thread."""
        while sum(point.count for point in self.points(metric)) < samples:
            await asyncio.sleep(0.001)
        points = self.points(metric)
        assert sum(point.count for point in points) == samples
        return points


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """An SDK as a user sets one up, for one test."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    # The API lets it be set once in a process.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", tracers)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", MeterProvider([reader]))
    return Seen(exporter, reader)


def agent(name: str, *turns: Turn | Sequence[str] | str, **given: Any) -> AssistantAgent:
    given = {"model_client_stream": True, **given}
    return AssistantAgent(name, ScriptedClient(list(turns)), description=name, **given)


async def run(session: StreamingSession) -> object:
    session.start()
    return await session


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_team_s_run_is_a_workflow_around_autogen_s_own_spans(
    seen: Seen, manager: StreamingManager
) -> None:
    team = RoundRobinGroupChat(
        [agent("ann", ["a ", "b "]), agent("bob", ["c "])], name="pair", max_turns=2
    )
    session = manager.create(team, task=UNSEEN)
    await run(session)
    workflow = seen.span("invoke_workflow pair")
    assert attributes(workflow) == {
        "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "pair",
        "gen_ai.conversation.id": session.id, "swarm_stream.outcome": "completed",
    }  # fmt: skip
    assert workflow.kind is trace.SpanKind.INTERNAL
    assert workflow.status.is_ok
    for name in ("ann", "bob"):
        turn = seen.span(f"invoke_agent {name}")  # one, AutoGen's
        assert seen.parents(turn) == ["invoke_workflow pair"]
        assert attributes(turn)["gen_ai.system"] == "autogen"
        assert attributes(turn)["gen_ai.conversation.id"] == session.id
    (duration,) = seen.points("workflow.duration")
    assert dict(duration.attributes) == {"gen_ai.workflow.name": "pair"}
    assert workflow.end_time is not None
    assert workflow.start_time is not None
    taken_s = (workflow.end_time - workflow.start_time) / 1e9
    assert duration.sum == pytest.approx(taken_s, rel=0.5, abs=0.05)


async def test_an_agent_alone_is_no_workflow(seen: Seen, manager: StreamingManager) -> None:
    session = manager.create(agent("ann", ["a "]), task="go")
    await run(session)
    outer = seen.span("swarm_stream.run ann")
    assert attributes(outer) == {
        "gen_ai.conversation.id": session.id, "swarm_stream.outcome": "completed"
    }  # fmt: skip
    assert seen.parents(seen.span("invoke_agent ann")) == ["swarm_stream.run ann"]
    assert not seen.points("workflow.duration")


async def test_a_run_belongs_to_the_span_that_it_was_started_in(
    seen: Seen, manager: StreamingManager
) -> None:
    session = manager.create(agent("ann", ["a "]), task="go")
    with trace.get_tracer("a user").start_as_current_span("my notebook"):
        session.start()
    await session
    assert seen.parents(seen.span("swarm_stream.run ann")) == ["my notebook"]


async def test_calls_of_models_are_timed_chunk_by_chunk(
    seen: Seen, manager: StreamingManager
) -> None:
    await run(manager.create(agent("ann", [f"{n} " for n in range(600)]), task="go"))
    (first,) = await seen.counted("client.operation.time_to_first_chunk", 1)
    (gaps,) = await seen.counted("client.operation.time_per_output_chunk", 599)
    (call,) = await seen.counted("client.operation.duration", 1)
    assert dict(call.attributes) == {"gen_ai.operation.name": "chat"}
    assert first.sum + gaps.sum == pytest.approx(call.sum)
    doubling = [
        0.01,
        0.02,
        0.04,
        0.08,
        0.16,
        0.32,
        0.64,
        1.28,
        2.56,
        5.12,
        10.24,
        20.48,
        40.96,
        81.92,
    ]
    for point in (first, gaps, call):
        assert list(point.explicit_bounds) == pytest.approx(doubling)
    tokens = {
        p.attributes["gen_ai.token.type"]: p for p in await seen.counted("client.token.usage", 2)
    }
    assert tokens["output"].sum == 600
    assert list(tokens["input"].explicit_bounds)[:3] == [1, 4, 16]
    (turn,) = seen.points("invoke_agent.duration")
    assert dict(turn.attributes) == {"gen_ai.agent.name": "ann"}
    assert turn.sum >= call.sum


async def test_a_tool_is_timed_and_has_autogen_s_span_alone(
    seen: Seen, manager: StreamingManager
) -> None:
    async def weather(city: str) -> str:
        """Tell the weather."""
        return f"{UNSEEN} in {city}"

    source = agent(
        "ann", Turn(tools=[ToolUse("weather", {"city": "Oslo"})]), ["fine "], tools=[weather],
        reflect_on_tool_use=True,
    )  # fmt: skip
    await run(manager.create(source, task="go"))
    assert seen.parents(seen.span("execute_tool weather")) == [
        "invoke_agent ann", "swarm_stream.run ann"
    ]  # fmt: skip
    (tool,) = seen.points("execute_tool.duration")
    assert dict(tool.attributes) == {"gen_ai.tool.name": "weather", "gen_ai.agent.name": "ann"}
    await seen.counted("client.operation.duration", 2)
    await seen.counted("client.operation.time_to_first_chunk", 1)  # the tool's call has no chunks


async def test_an_answer_that_comes_whole_is_a_call_without_chunks(
    seen: Seen, manager: StreamingManager
) -> None:
    await run(manager.create(agent("ann", "all at once", model_client_stream=False), task="go"))
    await seen.counted("client.operation.duration", 1)
    await seen.counted("client.token.usage", 2)
    assert not seen.points("client.operation.time_to_first_chunk")
    assert not seen.points("client.operation.time_per_output_chunk")


async def test_a_manager_s_calls_count_tokens(seen: Seen, manager: StreamingManager) -> None:
    team = SelectorGroupChat(
        [agent("ann", ["a "]), agent("bob", ["b "])], ScriptedClient(["bob"]), max_turns=1
    )
    await run(manager.create(team, task="go"))
    await seen.counted("client.operation.duration", 1)
    await seen.counted("client.token.usage", 4)


async def test_a_failure_tells_its_kind_and_not_its_text(
    seen: Seen, manager: StreamingManager
) -> None:
    source = RoundRobinGroupChat(
        [agent("ann", Turn(chunks=["a "], error=ConnectionError(UNSEEN), error_at=1))], name="one",
        max_turns=1,
    )  # fmt: skip
    with pytest.raises(ConnectionError):
        await run(manager.create(source, task="go"))
    workflow = seen.span("invoke_workflow one")
    assert workflow.status.status_code is trace.StatusCode.ERROR
    assert not workflow.status.description
    assert not workflow.events
    assert attributes(workflow)["error.type"] == "ConnectionError"
    assert attributes(workflow)["swarm_stream.outcome"] == "failed"
    for metric in ("client.operation.duration", "invoke_agent.duration", "workflow.duration"):
        (point,) = await seen.counted(metric, 1)
        assert point.attributes["error.type"] == "ConnectionError"


async def test_a_cancelled_run_is_no_error(seen: Seen, manager: StreamingManager) -> None:
    session = manager.create(agent("ann", Turn(chunks=["a "], stall_at=1)), task="go")
    session.start()
    while not session.metrics.chunks:
        await asyncio.sleep(0)
    session.cancel()
    with pytest.raises(StreamCancelledError):
        await session
    outer = seen.span("swarm_stream.run ann")
    assert outer.status.status_code is trace.StatusCode.UNSET
    assert attributes(outer)["swarm_stream.outcome"] == "cancelled"
    (call,) = await seen.counted("client.operation.duration", 1)
    assert call.attributes["error.type"] == "asyncio.exceptions.CancelledError"


class Plain(BaseChatAgent):
    """An agent that runs in a way of its own, so that AutoGen gives it no span."""

    produced_message_types = (TextMessage,)

    def __init__(self) -> None:
        super().__init__("plain", "plain")

    async def on_messages(self, messages: Any, cancellation_token: Any) -> Response:
        return Response(chat_message=TextMessage(content="done", source=self.name))

    async def on_reset(self, cancellation_token: Any) -> None:
        pass

    async def run_stream(self, **given: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        async for item in self.on_messages_stream([], given["cancellation_token"]):
            yield TaskResult(messages=[item.chat_message])


async def test_a_turn_without_a_span_gets_one(seen: Seen, manager: StreamingManager) -> None:
    session = manager.create(Plain(), task="go")
    await run(session)
    turn = seen.span("invoke_agent plain")
    assert attributes(turn) == {
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "plain",
        "gen_ai.conversation.id": session.id,
    }  # fmt: skip
    assert seen.parents(turn) == ["swarm_stream.run plain"]


async def test_other_sources_have_a_span_and_no_metrics_of_models(
    seen: Seen, manager: StreamingManager
) -> None:
    async def counting() -> AsyncIterator[str]:
        for number in range(5):
            yield str(number)

    await run(manager.create(counting()))
    assert [span.name for span in seen.spans()] == ["swarm_stream.run counting"]
    data = seen.reader.get_metrics_data()
    assert data is None or not data.resource_metrics


async def test_no_text_of_the_run_is_in_what_we_tell(seen: Seen, manager: StreamingManager) -> None:
    source = RoundRobinGroupChat([agent("ann", [UNSEEN])], max_turns=1)
    await run(manager.create(source, task=UNSEEN))
    await seen.counted("client.token.usage", 2)
    ours = [span.to_json() for span in seen.spans("invoke_workflow")]
    assert ours
    assert not any(UNSEEN in text for text in ours)
    data = seen.reader.get_metrics_data()
    assert data is not None
    assert UNSEEN not in data.to_json()


async def test_it_can_be_turned_off(
    seen: Seen, make_manager: Callable[..., StreamingManager]
) -> None:
    manager = make_manager(config=StreamingConfig(telemetry=False))
    session = manager.create(agent("ann", ["a "]), task="go")
    await run(session)
    assert [span.name for span in seen.spans()] == ["create_agent ann", "invoke_agent ann"]
    assert "gen_ai.conversation.id" not in attributes(seen.span("invoke_agent ann"))
    assert not seen.points("client.operation.duration")


async def test_nothing_is_done_where_nobody_listens(
    manager: StreamingManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = manager.create(agent("ann", ["a "]), task="go")
    await run(session)
    assert session._turns.telemetry is None
    assert session._meter.told is None
    # The same without OpenTelemetry.
    monkeypatch.setattr(telemetry, "_api", lambda: None)
    assert Telemetry.begin("s", session.source, later=lambda *_: None) is None


async def test_with_spans_alone_no_gaps_are_kept(
    seen: Seen, manager: StreamingManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", None)
    session = manager.create(agent("ann", ["a ", "b "]), task="go")
    await run(session)
    assert not session._meter.collecting
    assert seen.span("swarm_stream.run ann")
