"""One producer at a time, and an ``ack`` only for what the log holds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import NoSuchStreamError
from swarm_stream.hub.socket import MAX_INFLIGHT_BYTES
from tests.hub.peers import END, FULL, delta, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Place

pytestmark = pytest.mark.asyncio


async def test_a_claim_names_the_server_and_where_to_go_on(place: Place) -> None:
    await place.fill(delta(0))
    producer = place.join()
    await producer.claim()
    assert producer.take() == [
        {
            "op": "claimed", "stream": "demo", "epoch": 2, "next": 1, "server": "srv-test",
            "producer": "p1",
        }
    ]  # fmt: skip


async def test_a_takeover_fences_the_earlier_one(place: Place) -> None:
    old, new = place.join(), place.join()
    await old.claim("p1")
    await new.claim("p2")
    assert old.take()[-1] == {"op": "fenced", "stream": "demo", "epoch": 2}
    await old.append(0, delta(0))
    assert old.take()[-1] == {"op": "fenced", "stream": "demo", "epoch": 2}
    await new.append(0, delta(0), epoch=2)
    assert new.take()[-1] == {"op": "ack", "stream": "demo", "next": 1}


async def test_a_name_with_a_live_producer_can_be_spared(place: Place) -> None:
    old, new = place.join(), place.join()
    await old.claim("p1")
    await new.claim("p2", take_over=False)
    assert new.take()[-1]["code"] == "stream_taken"
    await old.append(0, delta(0))
    assert old.take()[-1]["op"] == "ack"  # it was not disturbed
    await old.claim("p1", take_over=False)
    assert old.take()[-1]["epoch"] == 1  # its own is no other
    await old.leave()
    await new.claim("p2", take_over=False)
    assert new.take()[-1]["epoch"] == 2


async def test_a_producer_that_reconnects_before_its_old_socket_ends_stays_live(
    place: Place,
) -> None:
    viewer, old, new = place.join(), place.join(), place.join()
    await old.claim()
    await viewer.subscribe()
    await new.claim(epoch=1)
    assert new.take()[-1]["epoch"] == 1
    await old.leave()
    assert place.hub.live_streams == 1
    assert viewer.take("status")[-1]["producer"] == "live"
    await new.leave()
    assert viewer.take("status")[-1]["producer"] == "stalled"


async def test_no_ack_before_the_log_has_it_and_then_one_for_all(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    producer.take()
    place.log.committing.clear()
    for number in range(3):
        await producer.append(number, delta(number))
    assert producer.take() == []
    place.log.committing.set()
    await quiet()
    assert producer.take() == [{"op": "ack", "stream": "demo", "next": 3}]


async def test_the_socket_is_not_read_while_too_much_is_under_way(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    producer.take()
    place.log.committing.clear()
    size = 500_000
    frames = [
        {"op": "append", "stream": "demo", "epoch": 1, "offset": n, "events": [delta(n, size=size)]}
        for n in range(MAX_INFLIGHT_BYTES // size + 3)
    ]

    async def feed() -> None:
        for frame in frames:
            await producer.socket.feed(json.dumps(frame))

    feeding = asyncio.ensure_future(feed())
    await quiet()
    assert not feeding.done()
    assert producer.socket._inflight < MAX_INFLIGHT_BYTES + 2 * size
    place.log.committing.set()
    await feeding
    await quiet()
    assert producer.take()[-1]["next"] == len(frames)


async def test_a_full_disk_is_told_to_producer_and_viewers_until_it_is_over(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    await viewer.subscribe()
    producer.take(), viewer.take()
    place.log.broken = FULL
    for _ in range(3):
        await producer.append(0, delta(0))
    assert {frame["code"] for frame in producer.take()} == {"log_failed"}
    (status,) = viewer.take()  # said once
    assert status["notice"] == str(FULL)
    place.log.broken = None
    await producer.append(0, delta(0))
    assert producer.take()[-1] == {"op": "ack", "stream": "demo", "next": 1}
    assert viewer.take("status")[-1]["notice"] == ""


async def test_the_notice_goes_with_the_producer(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    await viewer.subscribe()
    place.log.broken = FULL
    await producer.append(0, delta(0))
    await producer.leave()
    status = viewer.take("status")[-1]
    assert (status["notice"], status["producer"]) == ("", "stalled")


async def test_a_bug_of_ours_says_nothing_of_itself(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    producer = place.join()
    await producer.claim()
    place.log.broken = RuntimeError("the password is swordfish")
    await producer.append(0, delta(0))
    error = producer.take()[-1]
    assert error["code"] == "internal"
    assert "swordfish" not in json.dumps(error)
    assert "append to demo failed" in caplog.text


async def test_the_end_closes_for_good(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    await viewer.subscribe()
    await producer.append(0, delta(0), END)
    assert place.hub.live_streams == 0
    assert viewer.take("status")[-1]["producer"] == "none"
    await producer.append(2, delta(2))
    assert producer.take()[-1]["code"] == "stream_closed"
    await producer.claim("p2")
    assert producer.take()[-1]["code"] == "stream_closed"


async def test_a_dead_producers_stream_is_ended_and_its_ghost_fenced(place: Place) -> None:
    producer, viewer = place.join(), place.join()
    await producer.claim()
    opened = [{"type": "open", "t": 1, "seg": seg, "lane": 0} for seg in (0, 1)]
    await producer.append(0, *opened, delta(0), {"type": "close", "t": 1, "seg": 1})
    await viewer.subscribe()
    ending = {"epoch": 1, "by": "server", "reason": "the kernel died", "now_ms": 9}
    assert await place.hub.interrupt("demo", **ending) is True
    await quiet()
    end = {"type": "end", "t": 9, "outcome": "interrupted", "reason": "the kernel died"}
    assert viewer.take("events", "closed")[-2:] == [
        {
            "op": "events",
            "stream": "demo",
            "offset": 4,
            "events": [{"type": "close", "t": 9, "seg": 0, "partial": True}, end],
        },
        {"op": "closed", "stream": "demo", "tail": 6},
    ]
    await producer.append(4, delta(1), delta(2), delta(3))
    assert producer.take()[-1]["code"] == "stream_closed"
    assert await place.hub.interrupt("demo", **ending) is False


async def test_retention_may_go_on_while_a_run_is_ended(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    await producer.append(0, delta(0))
    await producer.append(1, {"type": "open", "t": 1, "seg": 7, "lane": 0})
    place.log.committing.clear()
    interrupting = asyncio.ensure_future(
        place.hub.interrupt("demo", epoch=1, by="server", reason="the kernel died", now_ms=9)
    )
    await quiet()
    place.log.answering.clear()
    place.log.committing.set()
    await quiet()  # it has asked where the stream begins
    await place.log.trim("demo", before=1)
    place.log.answering.set()
    assert await interrupting is True
    part = place.log.read_now("demo", 2, max_events=9, max_bytes=999)
    assert b'"seg":7,"partial":true' in part.body


async def test_a_producer_that_comes_back_keeps_its_stream(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    await producer.append(0, delta(0))
    place.log.committing.clear()
    interrupting = asyncio.ensure_future(
        place.hub.interrupt("demo", epoch=1, by="server", reason="the kernel died", now_ms=9)
    )
    await quiet()
    await producer.claim()
    place.log.committing.set()
    assert await interrupting is False
    await quiet()
    assert producer.take("claimed")[-1] == {
        "op": "claimed", "stream": "demo", "epoch": 3, "next": 1, "server": "srv-test",
        "producer": "p1",
    }  # fmt: skip


async def test_nothing_comes_into_being_by_interrupting(place: Place) -> None:
    with pytest.raises(NoSuchStreamError):
        await place.hub.interrupt("demo", epoch=1, by="server", reason="", now_ms=9)
    assert await place.log.list() == []


async def test_no_more_streams_than_the_quota(place: Place) -> None:
    place.hub.quotas.max_streams = 2
    producer = place.join()
    await producer.claim(stream="one")
    await producer.claim(stream="two")
    await producer.claim(stream="three")
    refused = producer.take("error")
    assert [(frame["code"], frame["stream"]) for frame in refused] == [
        ("too_many_streams", "three")
    ]
    await producer.claim(stream="one")
    assert await place.hub.delete("two")
    await producer.claim(stream="three")
    assert not producer.take("error")


async def test_a_stream_grows_no_larger_than_its_quota_but_may_end(place: Place) -> None:
    place.hub.quotas.max_stream_bytes = 1000
    producer, viewer = place.join(), place.join()
    await producer.claim()
    await viewer.subscribe()
    await producer.append(0, delta(0, size=900))
    assert producer.take("ack")[-1]["next"] == 1
    await producer.append(1, delta(1, size=900))
    assert producer.take()[-1]["code"] == "stream_full"
    assert "max_stream_bytes" in viewer.take("status")[-1]["notice"]
    await producer.append(1, delta(1))
    assert producer.take("ack")[-1]["next"] == 2
    await producer.append(2, delta(2, size=900), END, ending=True)
    assert producer.take("ack")[-1]["next"] == 4
    assert viewer.take("status")[-1].get("notice", "") == ""


async def test_settling_waits_for_what_arrived_and_hears_no_more(place: Place) -> None:
    producer = place.join()
    await producer.claim()
    place.log.committing.clear()
    await producer.append(0, delta(0))
    settling = asyncio.ensure_future(place.hub.settle())
    await quiet()
    assert not settling.done()
    await producer.append(1, delta(1))  # too late: it goes to the next server
    place.log.committing.set()
    await settling
    await quiet()
    assert producer.take()[-1] == {"op": "ack", "stream": "demo", "next": 1}
