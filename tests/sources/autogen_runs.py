"""Run the same AutoGen setup twice: bare, and through the adapter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autogen_agentchat.base import TaskResult
from fake_run import FakeRun

from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.autogen.walk import walk
from swarm_stream.sources.scripted import ScriptedClient

if TYPE_CHECKING:
    from collections.abc import Callable

WATCHED = ("on_messages_stream", "run_stream")


@dataclass
class Both:
    """What a bare run and a watched one gave."""

    native: list[Any]
    bare: TaskResult
    run: FakeRun
    result: TaskResult

    def kinds(self) -> Counter[str]:
        return Counter(type(item).__name__.split("[")[0] for item in self.native)


def timeless(value: Any) -> Any:
    """A result without what differs each time."""
    if isinstance(value, dict):
        volatile = {"id", "created_at", "full_message_id", "request_id"}
        return {key: timeless(entry) for key, entry in value.items() if key not in volatile}
    if isinstance(value, list):
        return [timeless(entry) for entry in value]
    return value


def snapshot(runner: Any) -> list[tuple[int, dict[str, Any]]]:
    """All instance attributes of a tree, by identity."""
    found = []
    for node in walk(runner):
        owners = [node.runner, getattr(node.runner, "_output_message_queue", None)]
        found += [(id(o), {k: id(v) for k, v in vars(o).items()}) for o in owners if o is not None]
    return found


def assert_untouched(runner: Any) -> None:
    """Nothing of the tap is left on any agent or team."""
    for node in walk(runner):
        own = vars(node.runner)
        assert not set(WATCHED) & set(own), f"{node.name} is still patched"
        queue = own.get("_output_message_queue")
        assert queue is None or "put" not in vars(queue)
        for value in own.values():
            assert not hasattr(value, "_swarm_stream_tap")


async def both(
    make: Callable[[], Any], task: Any = "go", *, run: FakeRun | None = None, parallel: bool = False
) -> Both:
    """Run it twice, and assert what is true of every run."""
    native: list[Any] = []
    async for item in make().run_stream(task=task):
        native.append(item)
    bare = native.pop()
    assert isinstance(bare, TaskResult)

    runner = make()
    run = run or FakeRun()
    adapter = AutoGenStreamingAdapter(runner)
    result = await adapter.run(run, task)

    run.assert_all_closed()
    assert_untouched(runner)
    assert adapter.leaked == []
    assert result.stop_reason == bare.stop_reason
    ours, theirs = (timeless(r.model_dump(mode="json"))["messages"] for r in (result, bare))
    if parallel:  # what runs at once has no order of its own
        ours, theirs = sorted(map(str, ours)), sorted(map(str, theirs))
    assert ours == theirs
    both_ = Both(native, bare, run, result)
    assert_nothing_missing(both_, task)
    return both_


def assert_nothing_missing(both_: Both, task: Any) -> None:
    """Every native event has its event of ours."""
    kinds, run = both_.kinds(), both_.run
    calls = sum(len(e.content) for e in both_.native if type(e).__name__ == "ToolCallRequestEvent")
    code = sum(1 for e in both_.native if getattr(e, "code_blocks", None))
    assert len(run.of(model.ToolCall)) == calls + code
    assert len(run.of(model.ToolResult)) == calls + kinds["CodeExecutionEvent"]
    assert len(run.of(model.Handoff)) == kinds["HandoffMessage"]
    assert len(run.of(model.Select)) == kinds["SelectSpeakerEvent"]
    assert len(run.of(model.InputRequest)) == kinds["UserInputRequestedEvent"]
    shown = Counter(message.kind for message in run.of(model.Message))
    for native, kind in (
        ("ToolCallSummaryMessage", "summary"),
        ("StructuredMessage", "structured"),
        ("MultiModalMessage", "multimodal"),
    ):
        assert shown[kind] == kinds[native], native
    known = {
        *("TextMessage", "StopMessage", "ThoughtEvent", "ModelClientStreamingChunkEvent"),
        *("ToolCallRequestEvent", "ToolCallExecutionEvent", "HandoffMessage", "SelectorEvent"),
        *("CodeGenerationEvent", "CodeExecutionEvent", "UserInputRequestedEvent"),
        *("ToolCallSummaryMessage", "StructuredMessage", "MultiModalMessage", "SelectSpeakerEvent"),
    }
    raw = sorted(entry.native["type"] for entry in run.of(model.Raw))
    assert raw == sorted(
        type(item).__name__
        for item in both_.native
        if type(item).__name__.split("[")[0] not in known
    )
    # Chunks: the same number of characters, lane by lane and marker by marker, is the business
    # of each test; that none is missing over all lanes is the same everywhere.
    chunks = "".join(
        item.content
        for item in both_.native
        if type(item).__name__ == "ModelClientStreamingChunkEvent"
    )
    ours = run.streamed_in_order()
    bare = chunks.replace("<think>", "").replace("</think>", "")
    assert sorted(ours) == sorted(bare)
    texts = [
        item.content
        for item in both_.native
        if type(item).__name__ == "TextMessage"
        and not (item.source == "user" and item.content == task)
    ]
    all_text = run.all_text()
    for text in texts:
        assert text.replace("<think>", "").replace("</think>", "") in all_text, text


def client(*script: Any, **settings: Any) -> ScriptedClient:
    return ScriptedClient(list(script), **settings)
