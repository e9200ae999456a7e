"""One client asks for far too much, and costs the others nothing and the server little."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from swarm_stream.hub.quotas import Quotas
from swarm_stream.hub.viewers import COUNT_S
from swarm_stream.protocol.server import Limits
from tests.hub.peers import END, Peer, Place, delta, quiet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio

PRESS = {"op": "control", "stream": "demo", "action": "reply"}


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    """A hub that hangs up on whoever lets a mebibyte wait."""
    made = Place(Limits(queue_bytes=2 * 2**20))
    yield made
    await made.close()


def flood(peer: Peer, frames: list[dict[str, Any]]) -> asyncio.Task[None]:
    """Send all of these as fast as they are taken."""

    async def send() -> None:
        for frame in frames:
            await peer.socket.feed(json.dumps(frame))

    return asyncio.ensure_future(send())


async def test_buttons_do_not_cost_the_producer_its_connection(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    producer.open.clear()  # a cell blocks it
    long = {"text": "x" * 500_000}
    await flood(viewer, [PRESS | {"id": f"c{number}", "data": long} for number in range(200)])
    await quiet()
    assert producer.socket.hung_up is None
    refused = viewer.take("controlled")
    assert len(refused) == 198
    assert {frame["message"][:8] for frame in refused} == {"too many"}
    await producer.leave()
    back = place.join()
    await back.claim(epoch=1)  # what waits is handed on, at once
    assert [frame["id"] for frame in back.take("control")] == ["c0", "c1"]
    assert back.socket.hung_up is None


async def test_one_button_pressed_again_and_again_is_one(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    press = PRESS | {"id": "c", "data": "x" * 10_000}
    await flood(viewer, [press] * 1000)
    await quiet()
    assert len(producer.take("control")) == 1
    await producer.say("controlled", id="c", ok=True)
    assert len(viewer.take("controlled")) == 1


async def test_only_the_producer_answers_a_button(place: Place) -> None:
    producer, viewer, other = place.join(), place.join(), place.join(view=False)
    await producer.claim()
    await viewer.say("control", id="c", action="stop")
    await other.claim("p2", stream="other")
    await other.say("controlled", id="c", ok=True, message="done")
    assert viewer.take("controlled") == []
    await producer.say("controlled", id="c", ok=True)
    assert len(viewer.take("controlled")) == 1


async def test_who_comes_and_goes_does_not_fill_the_queue_of_who_does_not_read() -> None:
    place = Place(Limits(queue_bytes=10_000))
    await place.fill(delta(0))
    asleep, restless = place.join(), place.join()
    await asleep.subscribe()
    asleep.take()
    asleep.open.clear()
    for _ in range(500):
        await restless.socket.feed('{"op":"subscribe","stream":"demo","from":0}')
        await asyncio.sleep(0)
        await restless.socket.feed('{"op":"unsubscribe","stream":"demo"}')
        await asyncio.sleep(0)
    await quiet()
    assert asleep.socket.hung_up is None
    asleep.open.set()
    async with asyncio.timeout(10):
        while not asleep.got or asleep.got[-1]["viewers"] != 1:
            await asyncio.sleep(COUNT_S / 10)
    assert len(asleep.got) < 5
    await place.close()


async def test_a_socket_reads_so_many_streams_and_no_more() -> None:
    place = Place(Limits(subscriptions=3))
    viewer = place.join()
    for number in range(5):
        await viewer.say("subscribe", f"s{number}", **{"from": 0, "wait": True})
    refused = viewer.take("error")
    assert [(error["code"], error["stream"]) for error in refused] == [
        ("too_many_subscriptions", "s3"),
        ("too_many_subscriptions", "s4"),
    ]
    await viewer.say("subscribe", "s1", **{"from": 0, "wait": True})  # again: no more than before
    await viewer.say("unsubscribe", "s0")
    await viewer.say("subscribe", "s4", **{"from": 0, "wait": True})
    assert viewer.take("error") == []
    await place.close()


async def test_thousands_of_streams_over_one_socket(place: Place) -> None:
    streams = [f"s{number}" for number in range(3000)]
    for stream in streams:
        place.log.claim_now(stream, producer="p", meta=b"{}")
        events = [json.dumps(event).encode() for event in (delta(1), END)]
        place.log.append_now(stream, epoch=1, offset=0, events=events, closes=True)
    viewer = place.join()
    await flood(viewer, [{"op": "subscribe", "stream": stream, "from": 0} for stream in streams])
    while len(viewer.got) < 4 * len(streams):
        await quiet()
    told = [(frame["op"], frame["stream"]) for frame in viewer.got]
    for op in ("subscribed", "status", "events", "closed"):
        assert sorted(stream for had, stream in told if had == op) == sorted(streams)
    assert viewer.socket.asked == {}


@pytest.mark.parametrize("op", ["claim", "subscribe", "append"])
async def test_a_flood_waits_while_the_log_is_slow(place: Place, op: str) -> None:
    frame: dict[str, Any] = {"op": op, "stream": "demo", "producer": "p", "from": 0}
    frame |= {"epoch": 1, "offset": 0, "events": [{}] * 1000}
    peer = place.join()
    await peer.claim("p")
    place.log.committing.clear()
    place.log.answering.clear()
    taken = 0

    async def send() -> None:
        nonlocal taken
        for _ in range(2000):
            await peer.socket.feed(json.dumps(frame))
            taken += 1

    sending = asyncio.ensure_future(send())
    await quiet()
    assert 10 < taken < 500
    stopped_at = taken
    await quiet()
    assert taken == stopped_at
    assert peer.socket.hung_up is None
    place.log.committing.set()
    place.log.answering.set()
    await sending


async def test_claims_of_new_names_end_at_the_servers_limit() -> None:
    place = Place()
    place.hub.quotas = Quotas(max_streams=50)
    peer = place.join(view=False)
    claims = [{"op": "claim", "stream": f"s{n}", "producer": "p"} for n in range(5000)]
    await flood(peer, claims)
    await quiet()
    assert len(peer.take("claimed")) == 50 == len(await place.log.list())
    await peer.say("claim", "s7", producer="p")  # one of ours, again
    assert len(peer.take("claimed")) == 1
    await place.close()


async def test_signs_of_life_cost_nothing(place: Place) -> None:
    peer = place.join()
    await flood(peer, [{"op": "heartbeat", "t": 1}] * 5000)
    await flood(peer, [{"op": "error", "code": "c", "message": "m"}] * 5000)
    await quiet()
    assert peer.got == []
    assert peer.socket.hung_up is None
