"""A viewer gets every event once and in order, at its own pace, and nobody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm_stream.hub.hub import MAX_READ_BYTES
from tests.hub.peers import END, delta, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Place

pytestmark = pytest.mark.asyncio


async def test_a_subscription_says_what_there_is(place: Place) -> None:
    await place.fill(delta(0), delta(1))
    viewer = place.join()
    await viewer.subscribe("head")
    assert viewer.take()[:2] == [
        {
            "op": "subscribed", "stream": "demo", "from": 0, "head": 0, "tail": 2,
            "closed": False, "meta": {"title": "T"}, "producer": "stalled",
        },
        {"op": "status", "stream": "demo", "producer": "stalled", "viewers": 1, "notice": ""},
    ]  # fmt: skip


@pytest.mark.parametrize(("start", "first"), [(0, 0), (3, 3), ("head", 0), ("tail", 5)])
async def test_history_and_live_events_have_no_seam(
    place: Place, start: int | str, first: int
) -> None:
    await place.fill(*map(delta, range(5)))
    viewer = place.join()
    await viewer.subscribe(start)
    for number in range(5, 30):
        await place.fill(delta(number))
    assert viewer.events(first) == [*map(delta, range(first, 30))]


async def test_what_is_added_while_the_log_is_asked_is_not_missed(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    place.log.answering.clear()
    await viewer.subscribe("tail")  # the log's answer, tail 1, is under way ...
    await place.fill(delta(1), END)  # ... when the stream moves on and ends
    place.log.answering.set()
    await quiet()
    assert viewer.events(1) == [delta(1), END]


async def test_a_slow_viewer_gets_fewer_and_larger_frames(place: Place) -> None:
    await place.fill(delta(0))
    slow, quick = place.join(), place.join()
    for viewer in (slow, quick):
        await viewer.subscribe()
    slow.take(), quick.take()
    slow.open.clear()
    for number in range(1, 501):
        await place.fill(delta(number))
    assert len(quick.take("events")) == 500
    assert slow.socket.connection.pump.lag() == 499  # one is in its unfinished write
    assert slow.socket.connection._out_bytes == 0
    slow.open.set()
    await quiet()
    assert len([frame for frame in slow.got if frame["op"] == "events"]) <= 3
    assert slow.events(1) == [*map(delta, range(1, 501))]


async def test_a_frame_holds_no_more_than_one_read(place: Place) -> None:
    await place.fill(*(delta(number, size=50_000) for number in range(40)))
    viewer = place.join()
    await viewer.subscribe()
    assert max(viewer.sizes) < MAX_READ_BYTES + 1000
    assert len(viewer.events(0)) == 40


async def test_who_is_up_to_date_is_served_without_a_read_and_from_one_encoding(
    place: Place,
) -> None:
    await place.fill(delta(0))
    viewers = [place.join() for _ in range(3)]
    for viewer in viewers:
        await viewer.subscribe("tail")
    for number in range(1, 10):
        await place.fill(delta(number))
    assert place.log.reads == 0
    assert len({id(viewer.raw[-1]) for viewer in viewers}) == 1
    assert all(viewer.events(1) == [*map(delta, range(1, 10))] for viewer in viewers)


async def test_the_end_follows_the_last_event(place: Place) -> None:
    viewer = place.join()
    await place.fill(delta(0))
    await viewer.subscribe()
    await place.fill(END)
    assert [frame["op"] for frame in viewer.got if frame["op"] != "status"][-2:] == [
        "events",
        "closed",
    ]
    assert viewer.take()[-1] == {"op": "closed", "stream": "demo", "tail": 2}
    assert place.hub.viewers.count("demo") == 0
    await viewer.subscribe("tail")
    assert [frame["op"] for frame in viewer.take()] == ["subscribed", "status", "closed"]


@pytest.mark.parametrize("start", [2, 5, 9])
async def test_outside_of_what_is_held_is_gone(place: Place, start: int) -> None:
    await place.fill(delta(0), delta(1), delta(2))
    await place.fill(delta(3))
    place.log.trim_now("demo", before=3)
    viewer = place.join()
    await viewer.subscribe(start)
    assert viewer.take() == [{"op": "gone", "stream": "demo", "head": 3, "tail": 4}]
    await place.fill(delta(4))
    assert viewer.take() == []
    assert viewer.socket.asked == {}


async def test_what_is_trimmed_under_a_slow_viewer_is_gone_and_no_hole(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe()
    viewer.open.clear()
    for number in range(1, 2000):
        await place.add([delta(number, size=100)], "demo")
    place.log.trim_now("demo", before=1500)
    viewer.open.set()
    await quiet()
    gone = viewer.take("events", "gone")[-1]
    assert gone == {"op": "gone", "stream": "demo", "head": 1500, "tail": 2000}


async def test_a_run_that_has_ended_is_not_stalled_again_when_a_viewer_leaves(
    place: Place,
) -> None:
    await place.fill(delta(0), END)
    slow, other = place.join(), place.join()
    slow.open.clear()
    await slow.subscribe()
    await other.subscribe()
    await other.leave()
    slow.open.set()
    await quiet()
    assert {frame["producer"] for frame in slow.take("subscribed", "status")} == {"none"}


async def test_a_new_subscription_takes_the_place_of_the_old(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe("tail")
    await viewer.subscribe(0)
    assert viewer.events(0) == [delta(0)]
    assert place.hub.viewers.count("demo") == 1
    await viewer.subscribe(99)
    assert viewer.take()[-1]["op"] == "gone"
    await place.fill(delta(1))
    assert viewer.take() == []


async def test_no_events_come_before_the_answer_that_announces_them(place: Place) -> None:
    await place.fill(delta(0))
    await place.fill(delta(0), stream="other")
    viewer = place.join()
    viewer.open.clear()
    await viewer.subscribe("tail", stream="other")  # its answer does not get through ...
    await viewer.subscribe()  # ... when the next cell of the page asks
    viewer.open.set()
    await quiet()
    frames = [frame["op"] for frame in viewer.take() if frame["stream"] == "demo"]
    assert [op for op in frames if op != "status"] == ["subscribed", "events"]


@pytest.mark.parametrize("trimmed", [False, True])
async def test_what_was_read_for_an_old_subscription_is_not_sent_for_the_new(
    place: Place, *, trimmed: bool
) -> None:
    await place.fill(delta(0))
    await place.fill(delta(1))
    if trimmed:
        await place.log.trim("demo", before=1)
    viewer = place.join()
    place.log.reading.clear()
    await viewer.subscribe(1)
    if trimmed:
        await place.log.trim("demo", before=2)
    viewer.take()
    await viewer.say("unsubscribe")
    await viewer.subscribe("head")
    place.log.reading.set()
    await quiet()
    ops = [frame["op"] for frame in viewer.take() if frame["op"] != "status"]
    assert ops == (["subscribed"] if trimmed else ["subscribed", "events"])
    await place.fill(delta(2))
    assert viewer.take("events")[0]["offset"] == 2


async def test_nothing_follows_an_unsubscribe(place: Place) -> None:
    await place.fill(delta(0))
    viewer, other = place.join(), place.join()
    await viewer.subscribe()
    await other.subscribe()
    viewer.take(), other.take()
    await viewer.say("unsubscribe")
    await place.fill(delta(1))
    assert viewer.take() == []
    assert other.events(1) == [delta(1)]
    await viewer.say("unsubscribe")  # twice does nothing
    await viewer.subscribe(1)
    assert viewer.events(1) == [delta(1)]


async def test_an_unsubscribe_while_the_log_is_asked_wins(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    place.log.answering.clear()
    await viewer.subscribe()
    await viewer.say("unsubscribe")
    place.log.answering.set()
    await quiet()
    assert viewer.take() == []
    assert place.hub.viewers.count("demo") == 0


async def test_a_socket_that_goes_while_the_log_is_asked_leaves_nothing(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    place.log.answering.clear()
    await viewer.subscribe()
    await viewer.leave()
    place.log.answering.set()
    await quiet()
    assert place.hub.viewers.count("demo") == 0
    assert not place.hub.viewers.hot


async def test_a_stream_deleted_while_the_log_is_asked_leaves_nothing(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    place.log.answering.clear()
    await viewer.subscribe("tail")
    await place.hub.delete("demo")
    place.log.answering.set()
    await quiet()
    assert viewer.take()[-1]["code"] == "no_such_stream"
    assert place.hub.viewers.count("demo") == 0


async def test_viewers_are_told_that_a_stream_was_deleted(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe()
    assert await place.hub.delete("demo") is True
    await quiet()
    assert viewer.take()[-1]["code"] == "no_such_stream"
    assert await place.hub.delete("demo") is False
