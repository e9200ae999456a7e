"""Texts that are spoken word by word, and what becomes of one that cannot be."""

from __future__ import annotations

import asyncio

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.events.model import decode_event
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.meter import Meter
from swarm_stream.runtime.pacer import Pacer
from swarm_stream.runtime.recorder import Recorder

pytestmark = pytest.mark.asyncio


class Door:
    """A gate that lets so many words through, then stays shut, or breaks."""

    def __init__(self, words: int, error: Exception | None = None) -> None:
        self._words = words
        self._error = error
        self.shut = asyncio.Event()

    async def __call__(self) -> None:
        self._words -= 1
        if self._words < 0:
            self.shut.set()
            if self._error is not None:
                raise self._error
            await asyncio.Event().wait()


async def speaking(door: Door) -> tuple[Recorder, Pacer]:
    recorder = Recorder(TokenBuffer(StreamingConfig()), Meter())
    pacer = Pacer(recorder, door, 1000)
    await pacer.speak(recorder.events.lane("a"), "one two three four", "text")
    return recorder, pacer


async def test_what_keeps_a_text_from_being_spoken_ends_the_wait_and_is_raised() -> None:
    recorder, pacer = await speaking(Door(2, OSError("no way out")))
    async with asyncio.timeout(5):
        with pytest.raises(OSError, match="no way out"):
            await pacer.finish()
    assert recorder.transcript.text_by_lane() == {0: "one two three four"}
    assert not recorder.events.open_segments


async def test_a_text_whose_task_others_cancel_is_given_at_once() -> None:
    door = Door(2)
    before = asyncio.all_tasks()
    recorder, pacer = await speaking(door)
    (task,) = asyncio.all_tasks() - before
    async with asyncio.timeout(5):
        await door.shut.wait()
        task.cancel()
        await pacer.finish()
    assert recorder.transcript.text_by_lane() == {0: "one two three four"}
    assert not recorder.events.open_segments


def types_said(recorder: Recorder) -> list[str]:
    buffer = recorder._buffer
    events = buffer.slice(0, max_events=100, max_bytes=2**20)
    return [type(decode_event(event)).__name__ for event in events]


async def nothing() -> None: ...


async def slow() -> tuple[Recorder, Pacer]:
    """A pacer that speaks one word a second, which is longer than a test."""
    recorder = Recorder(TokenBuffer(StreamingConfig()), Meter())
    pacer = Pacer(recorder, nothing, 1)
    recorder.before = pacer.before
    await pacer.speak(recorder.events.lane("a"), "one two three", "text")
    return recorder, pacer


@pytest.mark.parametrize("begins", ["Open", "ToolCall", "InputRequest"])
async def test_who_speaks_after_another_is_shown_after_it(begins: str) -> None:
    recorder, pacer = await slow()
    second = recorder.events.lane("b")
    if begins == "Open":
        await pacer.speak(second, "four five", "text")
    elif begins == "ToolCall":
        recorder.events.tool_call(second, "look_up", "{}")
    else:
        recorder.events.input_request("r1", second, "Which?")
    said = types_said(recorder)
    assert said.count("Close") == 1
    assert said[said.index("Close") + 1] == begins
    assert said[: said.index("Close")].count("Open") == 1
    assert recorder.transcript.text_by_lane()[0] == "one two three"
    pacer.hurry()


async def test_what_only_describes_another_lane_hurries_nobody() -> None:
    recorder, pacer = await slow()
    recorder.events.lane("b")
    assert "Close" not in types_said(recorder)
    pacer.hurry()
    assert types_said(recorder)[-1] == "Close"
