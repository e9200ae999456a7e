"""A button against the end of a run, on two threads."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import StreamCancelledError
from swarm_stream.runtime import states
from swarm_stream.runtime.states import TRANSITIONS, SessionSignal, SessionState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from swarm_stream.runtime.manager import StreamingManager


pytestmark = pytest.mark.asyncio


class SlowTable(dict[tuple[SessionState, SessionSignal], SessionState]):
    """The table of states, in which one signal takes its time to be looked up."""

    def __init__(self, slow: SessionSignal) -> None:
        super().__init__(TRANSITIONS)
        self._slow = slow
        self.looking = threading.Event()
        self.ended = threading.Event()

    def __getitem__(self, key: tuple[SessionState, SessionSignal]) -> SessionState:
        found = super().__getitem__(key)
        if key[1] is self._slow:
            self.looking.set()
            self.ended.wait(0.3)  # for an end that comes in between, which none may
        elif key[1] is SessionSignal.END:
            self.ended.set()
        return found


async def words(go: asyncio.Event) -> AsyncIterator[str]:
    yield "a"
    await go.wait()


@pytest.mark.parametrize("button", [SessionSignal.PAUSE, SessionSignal.RESUME])
async def test_a_run_that_ends_while_a_button_is_pressed_is_over(
    manager: StreamingManager, monkeypatch: pytest.MonkeyPatch, button: SessionSignal
) -> None:
    session = manager.create(words(asyncio.Event()))
    session.start()
    await asyncio.sleep(0)
    if button is SessionSignal.RESUME:
        session.pause()
    table = SlowTable(button)
    monkeypatch.setattr(states, "TRANSITIONS", table)
    press = session.pause if button is SessionSignal.PAUSE else session.resume
    pressing = asyncio.create_task(asyncio.to_thread(press))
    await asyncio.to_thread(table.looking.wait)
    session.cancel()
    with pytest.raises(StreamCancelledError):
        await session
    await pressing
    assert session.state is SessionState.CLOSED
    session.pause()
    session.resume()
    assert session.state is SessionState.CLOSED
    assert session.metrics.late == 0
