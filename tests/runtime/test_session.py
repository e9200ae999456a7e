"""One run, from its source to the log, without a server."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    SessionStateError,
    SourceError,
    StreamCancelledError,
    StreamNameError,
)
from swarm_stream.events import model
from swarm_stream.events.fold import Transcript
from swarm_stream.runtime.states import TRANSITIONS, SessionSignal, SessionState, move

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager

pytestmark = pytest.mark.asyncio


async def words(text: str = "one two three ") -> AsyncIterator[str]:
    for word in text.split(" "):
        yield word + " "
        await asyncio.sleep(0)


async def for_ever() -> AsyncIterator[str]:
    while True:
        yield "more "
        await asyncio.sleep(0)


async def test_a_stream_is_described_for_lists(manager: StreamingManager) -> None:
    runtime = manager.runtime
    long = manager.create(words(), task="Plan\n" + "x" * 5000, name="long")
    none = manager.create(words(), name="none")
    described = {}
    for session in (long, none):
        session.start()
        await session
        log = runtime.local.hub.log
        info = await asyncio.wrap_future(runtime.io.submit(log.info(session.id)))
        described[session.id] = json.loads(info.meta)
    assert described["long"]["task"] == "Plan\n" + "x" * 195
    assert described["long"]["title"] == "words"
    assert "task" not in described["none"]


async def test_a_run_gives_its_result_and_its_events_from_the_start(
    manager: StreamingManager,
) -> None:
    session = manager.create(words(), task="count")
    assert session.state is SessionState.IDLE
    session.start()
    assert session.state is SessionState.STREAMING
    assert await session == "one two three  "
    assert session.state is SessionState.CLOSED
    events = [event async for event in session.events()]
    assert isinstance(events[0], model.Start)
    assert events[0].task == "count"
    assert isinstance(events[-1], model.End)
    assert events[-1].outcome == "completed"
    said = "".join(event.text for event in events if isinstance(event, model.Delta))
    assert said == "one two three  "
    assert session.unacked == 0
    later = [event async for event in session.events(start=len(events) - 2)]
    assert later == events[-2:]


async def test_events_can_be_followed_while_they_come(manager: StreamingManager) -> None:
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[str]:
        yield "first"
        await gate.wait()
        yield "second"

    session = manager.create(slow())
    session.start()
    seen = []
    async for event in session.events():
        seen.append(event)
        if isinstance(event, model.Delta) and event.text == "first":
            gate.set()
    assert [e.text for e in seen if isinstance(e, model.Delta)] == ["first", "second"]


async def test_a_failure_keeps_what_was_said_and_raises_the_original(
    manager: StreamingManager,
) -> None:
    async def breaks() -> AsyncIterator[str]:
        yield "so far "
        raise ConnectionError("the model went away")

    session = manager.create(breaks())
    session.start()
    with pytest.raises(ConnectionError, match="went away"):
        await session
    assert session.state is SessionState.ERROR
    *_, end = [event async for event in session.events()]
    assert isinstance(end, model.End)
    assert end.outcome == "failed"
    assert end.error is not None
    assert end.error.type == "ConnectionError"
    assert "breaks" in end.error.traceback
    assert list(session.transcript.text_by_lane().values()) == ["so far "]


async def test_cancel_ends_a_run_that_would_go_on_for_ever(manager: StreamingManager) -> None:
    session = manager.create(for_ever())
    session.start()
    async for event in session.events():
        if isinstance(event, model.Delta):
            session.cancel(by="a test")
    with pytest.raises(StreamCancelledError, match="by a test") as caught:
        await session
    assert "more" in "".join(caught.value.text.values())
    assert session.transcript.outcome == "cancelled"
    assert session.state is SessionState.CLOSED
    session.cancel()


async def test_cancelling_the_await_cancels_the_run(manager: StreamingManager) -> None:
    session = manager.create(for_ever())
    session.start()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session, 0.05)
    assert session.transcript.outcome == "cancelled"


async def test_a_source_that_will_not_die_is_abandoned(
    make_manager: Callable[..., StreamingManager],
) -> None:
    released = asyncio.Event()

    async def deaf() -> AsyncIterator[str]:
        yield "hm"
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    manager = make_manager(config=StreamingConfig(cancel_timeout_s=0.02))
    session = manager.create(deaf())
    session.start()
    try:
        async for event in session.events():
            if isinstance(event, model.Delta):
                session.cancel()
        with pytest.raises(StreamCancelledError, match="Still running: deaf") as caught:
            await session
    finally:
        released.set()  # or nothing would ever end this loop
    assert caught.value.leaked == ("deaf",)
    assert session.transcript.reason == "cancelled by you; still running: deaf"


async def test_pause_holds_the_source_and_resume_lets_it_go(manager: StreamingManager) -> None:
    session = manager.create(for_ever())
    session.start()
    session.pause(by="ann")
    assert (session.state, session.paused_by) == (SessionState.PAUSED, "ann")
    for _ in range(20):
        await asyncio.sleep(0)
    held = session.transcript.deltas
    for _ in range(50):
        await asyncio.sleep(0)
    assert session.transcript.deltas == held
    session.resume()
    async for event in session.events():
        if isinstance(event, model.Delta) and session.transcript.deltas > held + 5:
            session.cancel()
    assert [
        i.data["action"] for i in session.transcript.items if getattr(i, "kind", "") == "control"
    ] == [
        "pause",
        "resume",
        "cancel",
    ]


async def test_a_view_that_fails_at_the_end_is_logged_and_the_result_stays(
    manager: StreamingManager, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def keep() -> None:
        raise ConnectionError("the comm is closed")

    session = manager.create(words())
    session.on_end(keep)
    session.on_end(lambda: told.append("the next one"))
    session.start()
    assert await session == "one two three  "
    assert told == ["the next one"]
    assert "the comm is closed" in caplog.text
    assert session.id in caplog.text


async def test_text_that_came_whole_is_spoken_word_by_word(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(max_tokens_per_second=500))
    text = "Some text,  with spaces\nand a line."
    session = manager.create([{"role": "assistant", "content": text}])
    session.start()
    await session
    deltas = [e.text async for e in session.events() if isinstance(e, model.Delta)]
    assert "".join(deltas) == text
    assert len(deltas) == 7


async def test_an_event_larger_than_a_frame_goes_out_in_pieces(manager: StreamingManager) -> None:
    large = "ä" * 700_000

    async def one() -> AsyncIterator[dict[str, object]]:
        yield {"type": "lane", "lane": 0, "name": "a"}
        yield {"type": "message", "lane": 0, "content": large}

    session = manager.create(one())
    session.start()
    await session
    events = [event async for event in session.events()]
    assert sum(isinstance(event, model.Part) for event in events) > 5
    seen = Transcript()
    seen.extend(events)
    assert [i.data["content"] for i in seen.items] == [large]
    assert seen.snapshot() == session.transcript.snapshot()


async def test_an_error_of_any_length_ends_the_run_for_who_reads_it(
    manager: StreamingManager,
) -> None:
    async def fails() -> AsyncIterator[str]:
        yield "so far"
        raise RuntimeError("\x01" * 400_000)

    session = manager.create(fails())
    session.start()
    with pytest.raises(RuntimeError):
        await session
    async with asyncio.timeout(20):
        events = [event async for event in session.events()]
    assert isinstance(events[-1], model.End)
    assert events[-1].error is not None
    assert set(events[-1].error.message) == {"\x01"}
    assert manager.runtime.local.log.info_now(session.id).closed


async def test_bad_input_says_what_to_do(manager: StreamingManager) -> None:
    with pytest.raises(SourceError, match="AutoGen agent or team"):
        manager.create(42)
    with pytest.raises(StreamNameError, match="A-Z"):
        manager.create(words(), name="not a name")
    session = manager.create(words())
    with pytest.raises(SessionStateError, match="not started"):
        await session
    session.start()
    with pytest.raises(SessionStateError, match="cannot start"):
        session.start()
    await session
    with pytest.raises(SessionStateError, match="nobody is waiting"):
        session.reply("too late")


@pytest.mark.parametrize("state", list(SessionState))
async def test_what_is_not_in_the_table_cannot_happen(state: SessionState) -> None:
    for signal in SessionSignal:
        if (state, signal) not in TRANSITIONS:
            with pytest.raises(SessionStateError, match=r"ss\.stream"):
                move(state, signal)
