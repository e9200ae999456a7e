"""Sockets come and go, some badly, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import TYPE_CHECKING

import pytest

from swarm_stream.hub import socket as hub_socket
from swarm_stream.protocol.frames import CloseCode
from swarm_stream.protocol.server import HangUp, Limits
from tests.hub.peers import Place, delta, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Peer

pytestmark = pytest.mark.asyncio

RESTART = HangUp(CloseCode.RESTARTING, "come back")


async def test_one_too_many_is_refused_until_another_goes() -> None:
    place = Place(max_sockets=2)
    first = place.join()
    place.join()
    assert place.hub.open_socket(may_produce=True, may_view=True) is None
    await first.leave()
    assert place.hub.open_socket(may_produce=True, may_view=True) is not None
    await place.close()


async def test_what_is_queued_is_sent_before_the_socket_closes(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    producer.take()
    producer.socket.acked("demo", 7)
    producer.socket.hang_up(RESTART)
    await producer.append(0, delta(0))  # is not heard any more
    assert producer.take() == [{"op": "ack", "stream": "demo", "next": 7}]
    assert producer.why == RESTART


async def test_a_socket_that_does_not_drain_is_cut(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_socket, "GRACE_S", 0.01)
    await place.fill(delta(0))
    viewer = place.join()
    viewer.open.clear()
    await viewer.subscribe()
    viewer.socket.hang_up(RESTART)
    await viewer.serving
    assert viewer.why == RESTART


async def test_a_peer_that_asks_and_does_not_read_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_socket, "GRACE_S", 0.01)
    place = Place(Limits(queue_bytes=10_000))
    rude = place.join()
    rude.open.clear()
    for _ in range(200):
        await rude.subscribe()
    await rude.serving
    assert rude.why is not None
    assert rude.why.code == CloseCode.TRY_LATER
    assert rude.socket.connection._out_bytes < 20_000
    await place.close()


@pytest.mark.parametrize(
    ("data", "code"), [("{", CloseCode.NOT_JSON), (" " * 2000, CloseCode.TOO_BIG)]
)
async def test_what_is_no_frame_closes_the_socket(data: str, code: int) -> None:
    place = Place(Limits(frame_bytes=1000))
    peer = place.join()
    await peer.socket.feed(data)
    await quiet()
    assert peer.why is not None
    assert peer.why.code == code
    await place.close()


async def test_signs_of_life_are_sent_and_wanted() -> None:
    place = Place(Limits(heartbeat_s=0.01, silence_limit_s=0.5))
    peer = place.join()
    await peer.serving
    assert {frame["op"] for frame in peer.got} == {"heartbeat"}
    assert len(peer.got) >= 3
    assert peer.why is not None
    assert peer.why.code == CloseCode.GOING_AWAY
    await place.close()


async def test_a_socket_leaves_nothing_behind(place: Place) -> None:
    await place.fill(delta(0))
    busy, other = place.join(), place.join()
    await busy.claim("p2")
    await busy.subscribe()
    await busy.say("subscribe", "unknown", **{"from": 0, "wait": True})
    await busy.leave()
    busy.socket.close()  # twice
    hub = place.hub
    assert (hub.sockets, hub.live_streams, hub.viewers.count("demo")) == ({other.socket}, 0, 0)
    assert not hub.viewers.hot
    assert not hub.viewers._waiting
    assert not hub._tasks


LAST_WORDS = {
    "claim": {"producer": "p2"},
    "claim of a new one": {"stream": "new", "producer": "p2"},
    "append": {"epoch": 2, "offset": 0, "events": [delta(0)]},
    "subscribe": {"from": 0},
    "subscribe to none": {"stream": "none", "from": 0, "wait": True},
    "control": {"id": "c1", "action": "stop"},
    "control of a dead run": {"stream": "dead", "id": "c1", "action": "stop"},
}


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 60])
@pytest.mark.parametrize("said", LAST_WORDS)
async def test_what_was_said_last_keeps_no_socket(
    place: Place, monkeypatch: pytest.MonkeyPatch, said: str, turns: int
) -> None:
    monkeypatch.setattr(hub_socket, "GRACE_S", 0)  # until then a timer has the socket
    for stream in ("demo", "dead"):
        await place.fill(stream=stream)
    producer, other = place.join(), place.join()
    await producer.claim("p1")
    await other.subscribe()
    leaver = place.join()
    if said == "append":
        await leaver.claim("p2")
    frame = {"op": said.split(maxsplit=1)[0], "stream": "demo"} | LAST_WORDS[said]
    leaver.socket.take(json.dumps(frame))
    for _ in range(turns):
        await asyncio.sleep(0)
    await leaver.leave()
    if said == "control":  # the run is going to do it, whoever asked: kept until it has
        await producer.say("controlled", id="c1", ok=True, message="")
    gone = weakref.ref(leaver.socket)
    place.peers.remove(leaver)
    del leaver
    gc.collect()
    assert gone() is None


async def test_the_hub_tells_when_the_last_socket_has_closed(place: Place) -> None:
    await asyncio.wait_for(place.hub.closed(), 1)  # there is none
    peers: list[Peer] = [place.join(), place.join()]
    closing = asyncio.ensure_future(place.hub.closed())
    for peer in peers:
        await quiet()
        assert not closing.done()
        await peer.leave()
    await asyncio.wait_for(closing, 1)


async def test_a_peer_that_is_gone_gets_no_time_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_stream.hub.socket.GRACE_S", 1e6)
    place = Place(Limits(heartbeat_s=0.01, silence_limit_s=0.05))
    peer = place.join()
    peer.open.clear()  # what is sent to it does not drain
    await peer.serving
    assert peer.why is not None
    assert peer.why.code == 1001
    await place.close()
