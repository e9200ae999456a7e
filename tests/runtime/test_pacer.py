"""Texts that are spoken word by word, and what becomes of one that cannot be."""

from __future__ import annotations

import asyncio

import pytest

from swarm_stream.config import StreamingConfig
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
    assert not pacer.busy


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
