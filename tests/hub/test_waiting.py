"""``"wait": true``: whoever comes before the stream gets all of it."""

from __future__ import annotations

import asyncio
import json
from itertools import product

import pytest

from tests.hub.peers import END, FULL, Place, delta, quiet

pytestmark = pytest.mark.asyncio


async def test_without_it_an_unknown_stream_is_an_error_and_forgotten(place: Place) -> None:
    viewer = place.join()
    await viewer.subscribe()
    (error,) = viewer.take()
    assert (error["code"], error["cause"]) == ("no_such_stream", "subscribe")
    assert viewer.socket.asked == {}


async def test_the_claim_that_makes_the_stream_begins_the_subscription(place: Place) -> None:
    viewer, producer = place.join(), place.join()
    await viewer.subscribe(wait=True)
    assert viewer.take() == []
    await producer.claim(meta={"title": "T"})
    subscribed, status = viewer.take()
    assert (subscribed["tail"], subscribed["meta"], subscribed["producer"]) == (
        0, {"title": "T"}, "live",
    )  # fmt: skip
    assert status["viewers"] == 1
    await producer.append(0, delta(0))
    assert viewer.events(0) == [delta(0)]


@pytest.mark.parametrize("first", ["claim", "answer"])
async def test_a_claim_while_the_log_is_asked_is_not_missed(place: Place, first: str) -> None:
    viewer, producer = place.join(), place.join()
    place.log.answering.clear()
    await viewer.subscribe(wait=True)  # the log's answer, no such stream, is under way
    if first == "claim":
        await producer.claim()
        await producer.append(0, delta(0))
    place.log.answering.set()
    await quiet()
    if first == "answer":
        await producer.claim()
        await producer.append(0, delta(0))
    assert [frame["op"] for frame in viewer.got].count("subscribed") == 1
    assert viewer.events(0) == [delta(0)]
    assert place.hub.viewers.count("demo") == 1


async def test_an_answer_before_the_claim_has_settled_does_for_both(place: Place) -> None:
    viewer, producer = place.join(), place.join()
    place.log.committing.clear()
    await producer.claim()  # in the log, its answer under way
    await viewer.subscribe(wait=True)
    place.log.committing.set()
    await quiet()
    assert [frame["op"] for frame in viewer.got].count("subscribed") == 1
    assert place.hub.viewers.count("demo") == 1
    assert viewer.take("status")[-1]["producer"] == "live"


async def test_a_claim_whose_socket_goes_makes_the_stream_all_the_same(place: Place) -> None:
    viewer, producer = place.join(), place.join()
    await viewer.subscribe(wait=True)
    place.log.committing.clear()
    await producer.claim()
    await producer.leave()
    place.log.committing.set()
    await quiet()
    assert viewer.take("subscribed")[0]["producer"] == "stalled"


async def test_a_stream_that_is_there_is_not_waited_for(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe(wait=True)
    assert viewer.events(0) == [delta(0)]


async def test_a_subscription_taken_back_does_not_begin(place: Place) -> None:
    viewer, gone, producer = place.join(), place.join(), place.join()
    await viewer.subscribe(wait=True)
    await gone.subscribe(wait=True)
    await viewer.say("unsubscribe")
    await gone.leave()
    assert not place.hub.viewers._waiting
    await producer.claim()
    assert viewer.take() == gone.take() == []
    assert place.hub.viewers.count("demo") == 0


async def test_whoever_asks_anew_as_the_stream_ends_gets_all_of_it_again(place: Place) -> None:
    viewer, producer = place.join(), place.join()
    await producer.claim()
    await producer.append(0, delta(0))
    await viewer.subscribe()
    assert viewer.events(0) == [delta(0)]
    place.log.answering.clear()
    await viewer.subscribe(wait=True)  # a second view of it; the log's answer is under way
    await producer.append(1, END)
    assert viewer.take("closed")
    place.log.answering.set()
    await quiet()
    assert [frame["op"] for frame in viewer.got if frame["op"] != "status"] == [
        "subscribed", "events", "closed",
    ]  # fmt: skip
    assert viewer.events(0) == [delta(0), END]
    assert viewer.socket.asked == {}
    assert place.hub.viewers.count("demo") == 0


async def test_a_log_that_cannot_answer_ends_the_waiting(place: Place) -> None:
    viewer = place.join()
    await place.fill(delta(0), END)
    place.log.failing = FULL
    place.log.answering.clear()
    await viewer.subscribe(wait=True)
    place.log.failing = None
    await viewer.subscribe()  # in place of the first, which is about to fail
    place.log.answering.set()
    await quiet()
    assert viewer.events(0) == [delta(0), END]
    assert not place.hub.viewers._waiting


ASKS = {
    "wait": {"op": "subscribe", "stream": "demo", "from": 0, "wait": True},
    "now": {"op": "subscribe", "stream": "demo", "from": 0},
    "no more": {"op": "unsubscribe", "stream": "demo"},
}
TURNS = (0, 1, 60)


@pytest.mark.parametrize("asks", list(product(ASKS, repeat=2)), ids=", ".join)
async def test_whoever_leaves_is_waited_for_no_more_however_soon(asks: tuple[str, ...]) -> None:
    for turns in product(TURNS, repeat=len(asks)):
        place = Place()
        viewer = place.join()
        for ask, wait in zip(asks, turns, strict=True):
            viewer.socket.take(json.dumps(ASKS[ask]))
            for _ in range(wait):
                await asyncio.sleep(0)
        await viewer.leave()
        assert not place.hub.viewers._waiting, turns
        await place.close()
