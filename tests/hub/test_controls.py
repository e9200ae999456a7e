"""A button reaches the producer at least once and its viewer gets one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from swarm_stream.hub.controls import MAX_PENDING
from tests.hub.peers import END, Peer, Place

pytestmark = pytest.mark.asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PRESSED: dict[str, Any] = {"id": "c1", "action": "reply", "data": {"text": "yes"}}
DONE: dict[str, Any] = {"id": "c1", "ok": True, "message": ""}


class Run(Place):
    """A run with a viewer."""

    producer: Peer
    viewer: Peer


@pytest_asyncio.fixture
async def run() -> AsyncIterator[Run]:
    made = Run()
    made.producer, made.viewer = made.join(who="kernel"), made.join(who="Ann")
    await made.producer.claim()
    await made.viewer.subscribe()
    made.producer.take(), made.viewer.take()
    yield made
    await made.close()


async def test_it_arrives_with_who_pressed_it_and_the_asker_is_answered(run: Run) -> None:
    other = run.join(who="Bob")
    await other.subscribe()
    await run.viewer.say("control", by="the Queen", **PRESSED)
    assert run.producer.take() == [{"op": "control", "stream": "demo", "by": "Ann", **PRESSED}]
    await run.producer.say("controlled", **DONE)
    assert [f["ok"] for f in run.viewer.take("controlled")] == [True]
    assert other.take("controlled") == []


async def test_a_second_answer_is_passed_over(run: Run) -> None:
    await run.viewer.say("control", **PRESSED)
    await run.producer.say("controlled", **DONE)
    await run.producer.say("controlled", **DONE)
    assert len(run.viewer.take("controlled")) == 1


async def test_without_a_producer_it_is_answered_at_once(run: Run) -> None:
    await run.producer.leave()
    await run.viewer.say("control", **PRESSED)
    (answer,) = run.viewer.take("controlled")
    assert answer["ok"] is False
    assert "not connected" in answer["message"]


async def test_what_was_not_answered_goes_to_the_producer_that_comes_back(run: Run) -> None:
    await run.viewer.say("control", **PRESSED)
    await run.producer.leave()
    back = run.join()
    await back.claim(epoch=1)
    assert [frame["op"] for frame in back.got] == ["claimed", "control"]
    assert back.take()[-1]["id"] == "c1"
    await back.say("controlled", **DONE)
    assert [f["ok"] for f in run.viewer.take("controlled")] == [True]
    again = run.join()
    await again.claim(epoch=1)
    assert again.take("control") == []


async def test_the_end_of_the_run_answers_what_waits(run: Run) -> None:
    await run.viewer.say("control", **PRESSED)
    await run.producer.append(0, END)
    (answer,) = run.viewer.take("controlled")
    assert (answer["ok"], answer["message"]) == (False, "the run is over")


async def test_an_asker_that_has_gone_disturbs_nobody(run: Run) -> None:
    await run.viewer.say("control", **PRESSED)
    await run.viewer.leave()
    await run.producer.say("controlled", **DONE)
    await run.producer.append(0, END)
    assert run.producer.take()[-1]["op"] == "ack"


async def test_waiting_buttons_have_a_limit(run: Run) -> None:
    for number in range(MAX_PENDING + 1):
        await run.viewer.say("control", **PRESSED | {"id": f"c{number}"})
    (answer,) = run.viewer.take("controlled")
    assert answer["id"] == f"c{MAX_PENDING}"
    assert len(run.producer.take("control")) == MAX_PENDING
    await run.viewer.say("control", **PRESSED)  # pressed again: it waits already
    assert run.viewer.take("controlled") == run.producer.take("control") == []


async def test_the_producer_secret_presses_nothing(run: Run) -> None:
    kernel = run.join(view=False)
    await kernel.say("control", **PRESSED)
    await kernel.subscribe()
    assert [frame["code"] for frame in kernel.take()] == ["not_allowed"] * 2
    assert run.producer.take("control") == []


async def test_a_control_of_a_run_that_is_over_or_never_was_says_so(run: Run) -> None:
    await run.viewer.say("control", stream="nothing", **PRESSED)
    (error,) = run.viewer.take("error")
    assert (error["code"], error["stream"]) == ("no_such_stream", "nothing")
    await run.producer.append(0, END)
    await run.producer.leave()
    run.viewer.take()
    await run.viewer.say("control", **PRESSED)
    (answer,) = run.viewer.take("controlled")
    assert (answer["ok"], answer["message"]) == (False, "the run is over")
