"""An agent alone: whatever it does is said in its lane, and its result is AutoGen's own."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from autogen_agentchat.agents import (
    AssistantAgent,
    BaseChatAgent,
    CodeExecutorAgent,
    MessageFilterAgent,
    MessageFilterConfig,
    PerSourceFilter,
    UserProxyAgent,
)
from autogen_agentchat.agents._code_executor_agent import ApprovalResponse
from autogen_agentchat.base import Response
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    MultiModalMessage,
    TextMessage,
)
from autogen_core import CancellationToken, Image
from autogen_core.memory import ListMemory, MemoryContent, MemoryMimeType
from autogen_ext.code_executors.local import LocalCommandLineCodeExecutor
from autogen_runs import both, client
from fake_run import FakeRun
from PIL import Image as Picture
from pydantic import BaseModel

from swarm_stream.events import model
from swarm_stream.sources.scripted import ToolUse, Turn

pytestmark = pytest.mark.asyncio

TEXT = "Two  blanks,\n\n* a list\n\tand <b>marks</b> & ünïcode 🙂 < think"


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def broken() -> str:
    """Fail."""
    raise ValueError("no such file")


def assistant(*script: Any, **settings: Any) -> AssistantAgent:
    return AssistantAgent("alice", client(*script), model_client_stream=True, **settings)


async def test_text_is_streamed_exactly_as_the_client_gave_it() -> None:
    agents: list[AssistantAgent] = []

    def make() -> AssistantAgent:
        agents.append(assistant(TEXT))
        return agents[-1]

    it = await both(make)

    given = agents[-1]._model_client.produced  # type: ignore[attr-defined]
    assert it.run.deltas("alice") == given[0]
    assert it.run.streamed() == {"alice": TEXT}
    assert it.run.lanes == {"alice": (None, "agent")}
    assert it.run.finals() == []
    assert [u.prompt_tokens for u in it.run.of(model.Usage)] != [None]


async def test_text_that_is_not_streamed_is_spoken() -> None:
    it = await both(lambda: AssistantAgent("alice", client(TEXT)))
    assert it.run.spoken() == {"alice": [TEXT]}
    assert it.run.streamed() == {}


async def test_reasoning_has_a_channel_of_its_own() -> None:
    it = await both(lambda: assistant(Turn("The answer", thought="hi think <hard>")))
    assert it.run.streamed("reasoning") == {"alice": "hi think <hard>"}
    assert it.run.streamed("text") == {"alice": "The answer"}
    assert it.run.spoken("reasoning") == {}  # the ThoughtEvent was streamed already
    assert it.run.finals() == []


async def test_reasoning_that_is_not_streamed_is_spoken() -> None:
    it = await both(lambda: AssistantAgent("alice", client(Turn("42", thought="six by seven"))))
    assert it.run.spoken("reasoning") == {"alice": ["six by seven"]}
    assert it.run.spoken() == {"alice": ["42"]}


async def test_markers_may_be_cut_by_chunks_and_come_many_times() -> None:
    chunks = ["<th", "ink>a", "b</thi", "nk>c<think>d</think", ">e <", "/x> <thin"]
    it = await both(lambda: assistant(chunks))
    assert it.run.streamed("reasoning") == {"alice": "abd"}
    assert it.run.streamed("text") == {"alice": "ce </x> <thin"}
    assert it.run.finals() == []


async def test_tools_without_reflection_end_in_a_summary() -> None:
    turn = Turn("Let me add.", tools=[("add", {"a": 2, "b": 3})])
    it = await both(lambda: assistant(turn, tools=[add]))
    (call,) = it.run.of(model.ToolCall)
    assert (call.name, call.arguments) == ("add", '{"a": 2, "b": 3}')
    (result,) = it.run.of(model.ToolResult)
    assert (result.call, result.content, result.is_error) == (call.call, "5", False)
    assert it.run.streamed() == {"alice": "Let me add."}
    assert it.run.spoken("reasoning") == {}  # AutoGen calls the text before a call a thought


async def test_calls_with_the_same_native_id_are_told_apart() -> None:
    calls = [ToolUse("add", {"a": 1, "b": 1}, id=""), ToolUse("broken", id="")]
    it = await both(lambda: assistant(Turn(tools=calls), tools=[add, broken]))
    first, second = it.run.of(model.ToolCall)
    assert first.call != second.call
    results = {r.call: (r.content, r.is_error) for r in it.run.of(model.ToolResult)}
    assert results == {first.call: ("2", False), second.call: ("no such file", True)}


async def test_reflection_is_a_segment_of_its_own() -> None:
    script = Turn("pre", tools=[("add", {"a": 1, "b": 2})]), "The sum is 3."
    it = await both(lambda: assistant(*script, tools=[add], reflect_on_tool_use=True))
    assert len(it.run.of(model.Open)) == 2
    assert it.run.streamed() == {"alice": "preThe sum is 3."}
    assert it.run.finals() == []


async def test_a_loop_of_tools_reuses_native_ids_and_we_do_not() -> None:
    script = (
        Turn("one", tools=[("add", {"a": 1, "b": 2})]),
        Turn("two", thought="hm", tools=[("add", {"a": 3, "b": 4})]),
        "three",
    )
    it = await both(lambda: assistant(*script, tools=[add], max_tool_iterations=5))
    assert it.run.streamed() == {"alice": "onetwothree"}
    assert len(it.run.of(model.Open)) == 4
    assert it.run.finals() == []


async def test_a_final_text_that_differs_is_kept_beside_what_was_streamed() -> None:
    class Trimmed(AssistantAgent):
        async def on_messages_stream(self, messages: Any, cancellation_token: Any) -> Any:
            async for item in super().on_messages_stream(messages, cancellation_token):
                if isinstance(item, Response):
                    item.chat_message.content = item.chat_message.content.strip()  # type: ignore[attr-defined]
                yield item

    it = await both(lambda: Trimmed("alice", client("  hello  "), model_client_stream=True))
    assert it.run.streamed() == {"alice": "  hello  "}
    assert it.run.finals() == ["hello"]


class City(BaseModel):
    name: str
    people: int


async def test_structured_output_is_streamed_and_given_as_json() -> None:
    text = '{"name": "Oslo",\n "people": 700000}'
    it = await both(lambda: assistant(text, output_content_type=City))
    (message,) = it.run.of(model.Message)
    assert (message.kind, message.content) == ("structured", {"name": "Oslo", "people": 700000})
    assert it.run.streamed() == {"alice": text}


async def test_a_multimodal_task_is_shown_in_the_lane_of_the_user() -> None:
    image = Image.from_pil(Picture.new("RGB", (2, 2)))
    task = MultiModalMessage(content=["what is this?", image], source="user")
    it = await both(lambda: assistant("A black square."), task)
    (message,) = it.run.of(model.Message)
    assert it.run.name_of[message.lane] == "user"
    assert it.run.lanes["user"] == (None, "user")
    assert message.content[0] == {"text": "what is this?"}
    assert message.content[1]["image"].startswith("data:image/png;base64,")


async def test_a_list_of_messages_as_a_task_is_not_lost() -> None:
    task = [TextMessage(content=c, source=s) for c, s in (("one", "user"), ("two", "boss"))]
    it = await both(lambda: assistant("ok"), task)
    assert [(it.run.name_of[m.lane], m.content) for m in it.run.of(model.Message)] == [
        ("user", "one"),
        ("boss", "two"),
    ]


async def test_a_text_task_is_not_repeated() -> None:
    it = await both(lambda: assistant("ok"), "the task")
    assert it.run.of(model.Message) == []
    assert "the task" not in it.run.all_text()


async def test_memory_is_shown_raw() -> None:
    def make() -> AssistantAgent:
        fact = MemoryContent(content="metric units", mime_type=MemoryMimeType.TEXT)
        return assistant("ok", memory=[ListMemory(memory_contents=[fact])])

    it = await both(make)
    (raw,) = it.run.of(model.Raw)
    assert raw.native["content"][0]["content"] == "metric units"


class Progress(BaseAgentEvent):
    share: float
    anything: Any = None

    def to_text(self) -> str:
        return str(self.share)


class Verdict(BaseChatMessage):
    good: bool

    def to_text(self) -> str:
        return str(self.good)

    to_model_text = to_text

    def to_model_message(self) -> Any:
        raise NotImplementedError


class Judge(BaseChatAgent):
    """An agent of the user's own, with events and messages that nobody knows."""

    produced_message_types = (Verdict,)

    async def on_messages(self, messages: Any, cancellation_token: Any) -> Response:
        raise NotImplementedError

    async def on_messages_stream(self, *_given: Any) -> Any:
        yield Progress(source=self.name, share=0.5, anything=object())
        yield TextMessage(source="helper", content="a word from inside")
        yield Response(chat_message=Verdict(source=self.name, good=True))

    async def on_reset(self, cancellation_token: CancellationToken) -> None: ...


async def test_what_nobody_knows_is_raw_and_never_an_error() -> None:
    run = FakeRun()
    native = [item async for item in Judge("judge", "").run_stream(task="go")][1:-1]
    assert [type(item).__name__ for item in native] == ["Progress", "TextMessage", "Verdict"]
    from swarm_stream.sources.autogen import AutoGenStreamingAdapter  # noqa: PLC0415

    await AutoGenStreamingAdapter(Judge("judge", "")).run(run, "go")
    progress, verdict = run.of(model.Raw)
    assert progress.native["share"] == 0.5
    assert "object object" in progress.native["anything"]
    assert (verdict.native["type"], verdict.native["good"]) == ("Verdict", True)
    assert run.spoken() == {"helper": ["a word from inside"]}
    assert run.lanes["helper"] == ("judge", "agent")


class Twice(Judge):
    """Streams one message, and gives another whole."""

    produced_message_types = (TextMessage,)

    async def on_messages_stream(self, *_given: Any) -> Any:
        yield ModelClientStreamingChunkEvent(source=self.name, content="streamed")
        yield TextMessage(source=self.name, content="streamed")
        yield Response(chat_message=TextMessage(source=self.name, content="whole"))


async def test_a_whole_message_after_a_streamed_one_is_its_own() -> None:
    it = await both(lambda: Twice("judge", ""))
    assert it.run.streamed() == {"judge": "streamed"}
    assert it.run.spoken() == {"judge": ["whole"]}


async def test_a_filter_speaks_in_one_lane_under_its_own_name() -> None:
    def make() -> MessageFilterAgent:
        keep = MessageFilterConfig(per_source=[PerSourceFilter(source="user", position="last")])
        return MessageFilterAgent("filter", assistant("inner words"), keep)

    it = await both(make)
    assert it.run.lanes == {"filter": (None, "agent")}
    assert it.run.streamed() == {"filter": "inner words"}


async def test_a_person_with_an_own_input_function_is_asked_by_it() -> None:
    async def own(prompt: str, cancellation_token: Any) -> str:
        return "forty-two"

    for function in (own, lambda _prompt: "forty-two"):
        it = await both(lambda f=function: UserProxyAgent("human", input_func=f))
        (request,) = it.run.of(model.InputRequest)
        (reply,) = it.run.of(model.InputReply)
        assert request.prompt == "Enter your response: "
        assert (reply.request, reply.content) == (request.request, "forty-two")
        assert it.run.lanes == {"human": (None, "user")}
        assert [m.content for m in it.run.of(model.Message)] == ["forty-two"]
        assert it.run.asked == []


@pytest.mark.parametrize("given", [{}, {"input_func": input}], ids=["default", "input"])
async def test_a_person_that_would_be_asked_by_input_is_asked_by_the_run(given: Any) -> None:
    from swarm_stream.sources.autogen import AutoGenStreamingAdapter  # noqa: PLC0415

    agent = UserProxyAgent("human", **given)
    before = dict(vars(agent))
    run = FakeRun(answer=lambda _prompt: "yes")
    result = await AutoGenStreamingAdapter(agent).run(run, "go")
    assert result.messages[-1].content == "yes"  # type: ignore[union-attr]
    ((prompt, lane, request),) = run.asked
    assert (prompt, lane) == ("Enter your response: ", 0)
    (announced,) = [m for m in result.messages if hasattr(m, "request_id")]
    assert announced.request_id == request
    assert len(run.of(model.InputRequest)) == 1
    assert vars(agent) == before


def _yes(_request: Any) -> ApprovalResponse:
    return ApprovalResponse(approved=True, reason="")


@pytest.mark.filterwarnings("ignore:Using LocalCommandLineCodeExecutor")
@pytest.mark.parametrize("stream", [True, False])
async def test_code_is_a_tool_call(tmp_path: Any, monkeypatch: Any, *, stream: bool) -> None:
    monkeypatch.setenv("PATH", f"{sys.exec_prefix}/bin:/usr/bin:/bin")
    said = "Run this:\n```sh\necho $((6 * 7))\n```\n"

    def make() -> CodeExecutorAgent:
        return CodeExecutorAgent(
            "coder",
            LocalCommandLineCodeExecutor(work_dir=tmp_path, timeout=10),
            model_client=client(said, "It is 42."),
            model_client_stream=stream,
            approval_func=_yes,
        )

    it = await both(make)
    (call,) = it.run.of(model.ToolCall)
    (result,) = it.run.of(model.ToolResult)
    assert (call.name, "echo $((6 * 7))" in call.arguments) == ("code", True)
    assert (result.content.strip(), result.is_error) == ("42", False)
    texts = it.run.streamed() if stream else {"coder": "".join(it.run.spoken()["coder"])}
    assert texts == {"coder": said + "It is 42."}
