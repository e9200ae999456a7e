"""Iterators, histories and recordings as sources; and what is recognised as which."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import HandoffMessage, TextMessage, ThoughtEvent
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core import CancellationToken
from autogen_runs import client
from fake_run import FakeRun
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.errors import ConfigurationError, SourceError
from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.history import HistorySource
from swarm_stream.sources.iterators import IteratorSource
from swarm_stream.sources.recorded import RecordedSource
from swarm_stream.sources.resolve import DeferredSource, resolve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio


async def words(*items: Any, then: BaseException | None = None) -> AsyncIterator[Any]:
    for item in items:
        yield item
    if then is not None:
        raise then


async def test_texts_are_one_segment_exactly() -> None:
    run = FakeRun()
    assert await IteratorSource(words("a", "", " b\n", "🙂")).run(run, None) == "a b\n🙂"
    assert run.deltas("words") == ["a", " b\n", "🙂"]
    assert len(run.of(model.Open)) == 1
    assert run.lanes == {"words": (None, "agent")}
    run.assert_all_closed()


async def test_events_and_texts_may_be_mixed() -> None:
    items = (
        {"type": "lane", "lane": 0, "name": "x"},
        "before",
        {"type": "open", "seg": 0, "lane": 0},
        model.Delta(seg=0, text="said"),
        {"type": "close", "seg": 0},
        {"type": "no such", "at": 1},
        {"any": "thing"},
        {"type": "delta", "text": 5},
        "after",
    )
    run = FakeRun()
    assert await IteratorSource(words(*items), title="it").run(run, "task") is None
    assert run.streamed() == {"it": "beforeafter", "x": "said"}
    assert [raw.native for raw in run.of(model.Raw)] == list(items[5:8])
    run.assert_all_closed()


async def test_a_wrapped_stream_of_autogens_is_refused_when_it_begins() -> None:
    run = FakeRun()
    source = IteratorSource(words(TextMessage(content="go", source="user"), "never read"))
    with pytest.raises(SourceError, match=r"AutoGen's messages \(TextMessage\).*task='...'"):
        await source.run(run, None)
    assert run.seen == []
    # Among other things a message is shown as what it is.
    items = ("so far", TextMessage(content="by the way", source="ann"))
    await IteratorSource(words(*items)).run(run, None)
    assert len(run.of(model.Raw)) == 1


async def test_an_event_that_refers_to_nothing_known_is_still_shown() -> None:
    items = [model.Delta(seg=7, text="lost"), model.Close(seg=9), model.Handoff(lane=4, target="x")]
    run = FakeRun()
    await IteratorSource(words(*items)).run(run, None)
    assert run.streamed()["earlier"] == "lost"
    run.events.end("completed")
    run.assert_all_closed()


async def test_a_plain_iterator_does_not_block_the_loop() -> None:
    turn = threading.Event()

    def blocking() -> Any:
        yield "a"
        assert turn.wait(5)
        yield "b"

    run = FakeRun()
    task = asyncio.create_task(IteratorSource(blocking()).run(run, None))
    said = asyncio.Event()
    run.on_event = lambda event: isinstance(event, model.Delta) and said.set()
    await said.wait()
    turn.set()  # the loop is free while the iterator waits
    assert await task == "ab"


async def test_an_error_is_raised_and_the_text_kept() -> None:
    run = FakeRun()
    with pytest.raises(OSError, match="x"):
        await IteratorSource(words("a", then=OSError("x"))).run(run, None)
    assert run.of(model.Close)[0].partial
    assert run.streamed() == {"words": "a"}


@pytest.mark.parametrize("way", ["cancel", "task", "stop"])
async def test_control(way: str) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            closed.set()

    run = FakeRun()
    source = IteratorSource(endless())
    task = asyncio.create_task(source.run(run, None))
    said = asyncio.Event()
    run.on_event = lambda _event: len(run.of(model.Delta)) == 3 and said.set()
    await said.wait()
    if way == "stop":
        source.request_stop()
        assert await task
    else:
        source.request_cancel() if way == "cancel" else task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert closed.is_set()
    assert run.of(model.Close)[0].partial is (way != "stop")


async def test_an_iterator_is_read_once() -> None:
    source = IteratorSource(words("a"))
    await source.run(FakeRun(), None)
    with pytest.raises(SourceError, match="only once"):
        await source.run(FakeRun(), None)


async def test_a_history_of_dictionaries() -> None:
    history = [
        {"role": "user", "content": "add 1 and 2"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "function": {"name": "add", "arguments": '{"a":1}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
        {"role": "assistant", "name": "ann", "content": "It is 3."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]},
    ]
    run = FakeRun()
    await resolve(history).run(run, None)
    assert run.spoken() == {"user": ["add 1 and 2"], "ann": ["It is 3."]}
    assert run.lanes["user"] == (None, "user")
    assert run.of(model.ToolCall)[0].arguments == '{"a":1}'
    assert run.of(model.ToolResult)[0].content == "3"
    assert run.of(model.Message)[0].content == [{"image": "data:x"}]


async def test_a_history_of_autogen_messages() -> None:
    history = [
        TextMessage(source="user", content="hello"),
        ThoughtEvent(source="a", content="hm"),
        TextMessage(source="a", content="hi"),
        HandoffMessage(source="a", target="b", content="your turn"),
        {"source": "b", "content": "ok"},
    ]
    run = FakeRun()
    source = resolve(history)
    assert list(source.agents) == ["user", "a", "b"]
    await source.run(run, None)
    assert run.spoken() == {"user": ["hello"], "a": ["hi"], "b": ["ok"]}
    assert run.spoken("reasoning") == {"a": ["hm"]}
    assert run.of(model.Handoff)[0].target == "b"


def recording() -> list[model.AnyEvent]:
    run = FakeRun()
    w = run.events
    w.start(task="the task", source="autogen", caps=[])
    team = w.lane("team", kind="team")
    a = w.lane("a", parent=team)
    seg = w.open(a, "reasoning")
    w.delta(seg, "hm")
    w.close(seg, text="hmm")
    call = w.tool_call(a, "add", "{}")
    w.tool_result(call, "no", is_error=True)
    w.select([a])
    w.handoff(a, "b", "go")
    w.input_request("r", a, "?")
    w.input_reply("r", "!", by="me")
    w.control("1", "pause", by="me")
    w.usage(a, prompt_tokens=1, completion_tokens=2, finish_reason="stop")
    w.raw({"x": 1}, lane=a)
    w.message(a, {"y": 2}, kind="structured")
    w.end("failed", reason="why", error=model.ErrorInfo("E", "m"))
    return run.seen


async def test_a_recording_says_the_same_again(tmp_path: Path) -> None:
    events = recording()
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"\n".join(map(model.encode_event, events)) + b"\n\n")
    for given_ in (path, str(path)):
        source = resolve(given_)
        assert isinstance(source, RecordedSource)
        assert (source.title, source.task, source.agents) == ("run", "the task", ["a"])
        run = FakeRun()
        end = await RecordedSource(given_, speed=None).run(run, None)
        assert end == events[-1]

        def timeless(event: Any) -> Any:
            return type(event), {n: getattr(event, n) for n in event.__struct_fields__ if n != "t"}

        # Nobody waits for an answer to a recorded question.
        asked = [
            msgspec.structs.replace(e, elsewhere=True) if isinstance(e, model.InputRequest) else e
            for e in events[1:-1]
        ]
        assert [timeless(e) for e in run.seen] == [timeless(e) for e in asked]


async def test_a_recording_is_replayed_in_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = 100.0

    async def sleep(delay_s: float) -> None:
        nonlocal now
        now += delay_s
        slept.append(round(delay_s, 6))

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: now)
    monkeypatch.setattr("swarm_stream.sources.recorded.asyncio.sleep", sleep)
    events = [model.Raw(t=1000.0 + t, native=t) for t in (0, 100, 100, 600)]
    await RecordedSource(events, speed=2.0).run(run := FakeRun(), None)
    assert slept == [0, 0.05, 0, 0.25]
    assert [raw.native for raw in run.of(model.Raw)] == [0, 100, 100, 600]


@given(speed=st.sampled_from([0, -1, float("nan")]))
async def test_a_speed_that_makes_no_sense(speed: float) -> None:
    with pytest.raises(ConfigurationError, match="speed"):
        RecordedSource([], speed=speed)


async def test_a_large_event_in_pieces_is_put_together() -> None:
    whole = model.encode_event(model.Raw(native="x" * 50)).decode()
    parts = [
        model.Part(index=n, count=3, data=data)
        for n, data in enumerate((whole[:9], whole[9:30], whole[30:]))
    ]
    await RecordedSource(parts, speed=None).run(run := FakeRun(), None)
    assert run.of(model.Raw)[0].native == "x" * 50


async def test_files_that_are_no_recording(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        resolve(tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text('{"type":"raw"}\n{oops\n')
    with pytest.raises(SourceError, match="line 2"):
        resolve(tmp_path / "bad.jsonl")


async def test_what_is_recognised() -> None:
    agent = AssistantAgent("a", client("x"))
    adapter = AutoGenStreamingAdapter(agent)
    assert resolve(adapter) is adapter
    assert isinstance(resolve(agent), AutoGenStreamingAdapter)
    assert isinstance(resolve(lambda: agent), AutoGenStreamingAdapter)
    assert isinstance(resolve(words("a")), IteratorSource)
    assert isinstance(resolve(lambda: words("a")), IteratorSource)
    assert isinstance(resolve(words), IteratorSource)
    assert isinstance(resolve(c for c in "abc"), IteratorSource)
    assert isinstance(resolve(["a", "b"]), IteratorSource)
    assert isinstance(resolve([{"role": "user", "content": "x"}]), HistorySource)
    assert isinstance(resolve([{"type": "raw", "native": 1}]), RecordedSource)
    assert isinstance(resolve(recording()), RecordedSource)


class Singer(AssistantAgent):
    async def sing(self) -> AsyncIterator[str]:
        yield "la"


async def test_a_stream_of_autogens_own_is_no_source() -> None:
    agent = Singer("ann", client("x"))
    team = RoundRobinGroupChat([agent], name="duo")
    for name, stream in (
        ("ann", lambda: agent.run_stream(task="go")),
        ("ann", lambda: agent.on_messages_stream([], CancellationToken())),
        ("duo", lambda: team.run_stream(task="go")),
    ):
        for source in (stream, stream()):
            with pytest.raises(SourceError, match=rf"'{name}', and the task: ss.stream\(agent"):
                resolve(source)
    # What an agent of one's own says besides is a stream as any other.
    await resolve(agent.sing()).run(run := FakeRun(), None)
    assert run.streamed() == {"sing": "la"}


async def test_an_async_function_is_awaited_in_the_run() -> None:
    async def make() -> AssistantAgent:
        await asyncio.sleep(0)
        return AssistantAgent("a", client("hi"), model_client_stream=True)

    source = resolve(make)
    assert isinstance(source, DeferredSource)
    await source.run(run := FakeRun(), "go")
    assert run.streamed() == {"a": "hi"}
    assert list(source.agents) == ["a"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (42, "cannot stream int"),
        (None, "cannot stream NoneType"),
        ("hello", "looks like the task"),
        ([], "list is empty"),
        ([42], "no event but int"),
        ([AssistantAgent("a", client("x")), AssistantAgent("b", client("x"))], "Make one of them"),
        (AssistantAgent, "is a class"),
        (lambda x: x, "needs x"),
        (lambda: 42, "gave int"),
        ({"a": 1}, "cannot stream dict"),
    ],
)
async def test_what_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        resolve(wrong)
