"""Runs that cannot end by themselves: cancelled before their first step, or without a loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import SessionStateError
from swarm_stream.events import model
from swarm_stream.runtime.states import SessionState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from typing import Any

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession


async def all_events(session: StreamingSession) -> list[object]:
    return [event async for event in session.events()]


async def talks() -> AsyncIterator[str]:
    yield "so far "
    await asyncio.Event().wait()


async def makes_one_that_talks() -> object:
    return talks()


@pytest.mark.asyncio
@pytest.mark.parametrize("source", [talks, makes_one_that_talks])
async def test_a_run_that_is_cancelled_before_its_first_step_is_over(
    manager: StreamingManager, source: Callable[[], object]
) -> None:
    told: list[bool] = []
    session = manager.create(source, name="demo")
    session.on_end(lambda: told.append(manager["demo"].done))
    session.start()
    waiting = asyncio.ensure_future(session)
    assert session._task is not None
    session._task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert session.state is SessionState.CLOSED
    assert session.transcript.outcome == "cancelled"
    assert session.transcript.reason == "cancelled by whoever awaited it"
    start, control, end = await all_events(session)
    assert isinstance(start, model.Start)
    assert isinstance(control, model.Control)
    assert isinstance(end, model.End)
    assert told == [True]
    await session.flush()
    assert session.handed_in
    assert manager.cancel_all() == 0
    manager.forget("demo")
    del session, waiting
    gc.collect()  # a coroutine that nobody awaited would fail this test


def test_an_interrupt_while_the_run_begins_leaves_room_for_the_next(
    make_manager: Callable[..., StreamingManager],
) -> None:
    """Ctrl-C under ``asyncio.run``, while ``ss.stream`` blocks the loop for a view's server."""
    manager = make_manager(config=StreamingConfig(max_streams=1))

    async def main() -> object:
        session = manager.create(talks(), name="demo")
        session.start()
        signal.raise_signal(signal.SIGINT)
        return await session

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert manager["demo"].done
    assert manager.cancel_all() == 0
    manager.create(talks())


@contextlib.contextmanager
def loop_that_is_closed_under(start: Coroutine[Any, Any, StreamingSession]) -> Iterator[Any]:
    """Run something on a loop that is then closed with what still runs there."""
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(start)
    left = asyncio.all_tasks(loop)
    loop.close()
    yield session
    for task in left:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):
            task.get_coro().close()  # type: ignore[union-attr]


async def started(
    manager: StreamingManager, source: object, until: Callable[[StreamingSession], bool]
) -> StreamingSession:
    session = manager.create(source)
    session.start()
    async with asyncio.timeout(5):
        while not until(session):
            await asyncio.sleep(0.001)
    return session


@pytest.mark.parametrize("button", ["cancel", "stop"])
def test_a_run_whose_loop_is_closed_is_over_when_somebody_presses_a_button(
    make_manager: Callable[..., StreamingManager], button: str
) -> None:
    manager = make_manager(config=StreamingConfig(max_tokens_per_second=20))
    text = "a text that is spoken word by word and would take its time"
    source = [{"role": "assistant", "content": text}]
    told: list[int] = []
    running = started(manager, source, lambda session: session.transcript.deltas > 1)
    with loop_that_is_closed_under(running) as session:
        session.on_end(lambda: told.append(1))
        presses = [
            threading.Thread(target=getattr(session, name), kwargs={"by": "ann"})
            for name in (button, *["cancel", "stop"] * 4)
        ]
        for press in presses:
            press.start()
            if press is presses[0]:
                press.join()
                assert session.state is SessionState.CLOSED
        for press in presses:
            press.join()
        by = {"cancel": "ann", "stop": "whoever closed its event loop"}[button]
        assert session.transcript.reason == f"cancelled by {by}"
        assert "".join(session.transcript.text_by_lane().values()) == text
        assert told == [1]
        assert manager.active == []


def test_a_question_whose_loop_is_closed_is_taken_back(manager: StreamingManager) -> None:
    async def asks() -> AsyncIterator[str]:
        yield await session_of[0].input_func("Go on?")

    session_of: list[StreamingSession] = []

    def asked(session: StreamingSession) -> bool:
        session_of[:] = [session]
        return bool(session.questions.waiting)

    with loop_that_is_closed_under(started(manager, asks(), asked)) as session:
        with pytest.raises(SessionStateError, match="loop of this run is closed"):
            session.reply("yes")
        assert not session.questions.waiting
        session.cancel()
        assert session.done
        replies = [
            event
            for event in asyncio.run(all_events(session))
            if isinstance(event, model.InputReply)
        ]
        assert [reply.withdrawn for reply in replies] == [True]


def test_a_run_is_cancelled_again_where_its_loop_closed_before_the_first_was_heard(
    manager: StreamingManager,
) -> None:
    async def for_ever() -> AsyncIterator[str]:
        while True:
            yield "x"
            await asyncio.sleep(0)

    async def begin() -> StreamingSession:
        session = manager.create(for_ever())
        session.start()
        while not session.transcript.deltas:
            await asyncio.sleep(0)
        session.cancel(by="ann")  # and the loop makes no further turn
        return session

    with loop_that_is_closed_under(begin()) as session:
        assert not session.done
        assert manager.cancel_all() == 1
        assert session.done
        assert session.transcript.reason == "cancelled by ann"
        manager.forget(session.id)
