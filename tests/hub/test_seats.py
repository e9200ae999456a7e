"""Who has a stream: one producer, and not one that was fenced, has gone, or has no stream more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from swarm_stream.errors import LogError
from tests.hub.peers import END, FULL, delta, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Place

pytestmark = pytest.mark.asyncio


async def test_a_ghost_that_comes_back_takes_nothing_from_its_successor(place: Place) -> None:
    ghost, new = place.join(), place.join()
    await ghost.claim("p1")
    await ghost.append(0, delta(0))
    await ghost.leave()
    await new.claim("p2")
    await new.append(1, delta(1), epoch=2)
    ghost = place.join()
    await ghost.claim("p1", epoch=1)
    assert ghost.take() == [{"op": "fenced", "stream": "demo", "epoch": 2}]
    await new.append(2, delta(2), epoch=2)
    assert new.take()[-1] == {"op": "ack", "stream": "demo", "next": 3}


async def test_a_ghost_is_not_told_that_the_servers_end_is_its_own(place: Place) -> None:
    ghost = place.join()
    await ghost.claim()
    await place.hub.interrupt("demo", epoch=1, by="server", reason="the kernel died", now_ms=9)
    await ghost.append(0, END)
    assert ghost.take()[-1] == {"op": "fenced", "stream": "demo", "epoch": 2}


async def test_who_claims_while_the_server_looks_at_a_dead_run_keeps_it(place: Place) -> None:
    ghost, new = place.join(), place.join()
    await ghost.claim("p1")
    await ghost.leave()
    place.log.answering.clear()
    interrupting = asyncio.ensure_future(
        place.hub.interrupt("demo", epoch=1, by="server", reason="the kernel died", now_ms=9)
    )
    await quiet()  # it has asked whether there is such a stream
    await new.claim("p2")
    place.log.answering.set()
    assert await interrupting is False
    await new.append(0, delta(0), epoch=2)
    assert [frame["op"] for frame in new.take()] == ["claimed", "ack"]


async def test_a_run_that_could_not_be_ended_is_ended_later(place: Place) -> None:
    ghost = place.join()
    await ghost.claim("p1")
    await ghost.leave()
    ending: dict[str, Any] = {"epoch": 1, "by": "server", "reason": "the kernel died", "now_ms": 9}
    place.log.broken = FULL
    with pytest.raises(LogError):
        await place.hub.interrupt("demo", **ending)
    place.log.broken = None
    assert await place.hub.interrupt("demo", **ending) is True
    assert (await place.log.info("demo")).epoch == 2


async def test_who_claims_and_goes_leaves_the_stream_stalled(place: Place) -> None:
    old, new, viewer = place.join(), place.join(), place.join()
    await old.claim("p1")
    await viewer.subscribe()
    place.log.committing.clear()
    await new.claim("p2")
    await new.leave()
    place.log.committing.set()
    await quiet()
    assert old.take()[-1] == {"op": "fenced", "stream": "demo", "epoch": 2}
    assert viewer.take("status")[-1]["producer"] == "stalled"
    assert place.hub.live_streams == 0


async def test_a_claim_that_comes_late_leaves_the_stream_with_the_socket_that_lives(
    place: Place,
) -> None:
    given_up, new, viewer = place.join(), place.join(), place.join()
    await new.claim("p1")
    await given_up.claim("p1")  # sent before, on a socket that its client has given up since
    await viewer.subscribe()
    await viewer.say("control", id="c1", action="pause")
    await given_up.leave()
    assert viewer.take("status")[-1]["producer"] == "live"
    assert [frame["id"] for frame in new.take("control")] == ["c1"]
    await new.leave()
    assert viewer.take("status")[-1]["producer"] == "stalled"
    assert place.hub.live_streams == 0


async def test_the_name_of_a_deleted_stream_is_free(place: Place) -> None:
    old, new, viewer = place.join(), place.join(), place.join()
    await old.claim("p1")
    await viewer.say("control", id="c1", action="pause")
    await place.hub.delete("demo")
    await quiet()
    assert [frame["ok"] for frame in viewer.take("controlled")] == [False]
    assert place.hub.live_streams == 0
    await new.claim("p2", take_over=False)
    assert new.take()[-1]["epoch"] == 2


async def test_a_producer_that_has_gone_leaves_no_notice(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    await viewer.subscribe()
    place.log.broken = FULL
    place.log.committing.clear()
    await producer.append(0, delta(0))
    await producer.leave()
    place.log.committing.set()
    await quiet()
    assert viewer.take("status")[-1]["notice"] == ""


async def test_the_notice_goes_with_who_could_not_write(place: Place) -> None:
    old, new, viewer = place.join(), place.join(), place.join()
    await old.claim("p1")
    await viewer.subscribe()
    place.log.broken = FULL
    await old.append(0, delta(0))
    assert viewer.take("status")[-1]["notice"] == str(FULL)
    await new.claim("p2")
    assert viewer.take("status")[-1]["notice"] == ""
