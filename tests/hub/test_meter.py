"""What the hub counts: what came, what went out, what was refused, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm_stream.hub import hot_tail
from swarm_stream.hub.hot_tail import HotTail
from swarm_stream.hub.meter import WINDOW_S, HubMeter, Rate
from swarm_stream.logs.base import Moved
from swarm_stream.protocol.frames import CloseCode
from tests.hub.peers import END, FULL, Place, delta, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Peer

E = [delta(number) for number in range(9)]


async def producing(place: Place) -> Peer:
    producer = place.join()
    await producer.claim()
    return producer


@pytest.mark.asyncio
async def test_what_is_appended_is_counted_once(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    await producer.append(0, *E[:3])
    size = meter.appended_bytes
    assert (meter.appended_events, meter.appended_frames) == (3, 1)
    assert size == (await place.log.info("demo")).size_bytes - 2  # the commas between them
    await producer.append(0, *E[:3])  # sent again after a break, all of it ...
    assert (meter.appended_events, meter.appended_bytes) == (3, size)
    await producer.append(2, *E[2:4])  # ... or the half
    assert meter.appended_events == 4
    assert meter.appended_bytes < size * 4 / 3 + 3
    assert meter.append.histogram.count == meter.appended_frames == 3
    assert meter.append.sum_s > 0


@pytest.mark.asyncio
async def test_what_is_sent_is_counted_for_each_viewer(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    viewers = [place.join() for _ in range(3)]
    for viewer in viewers:
        await viewer.subscribe()
    await producer.append(0, *E[:2])
    assert (meter.sent_events, meter.sent_frames) == (6, 3)
    assert meter.sent_bytes == sum(
        size
        for viewer in viewers
        for frame, size in zip(viewer.got, viewer.sizes, strict=True)
        if frame["op"] == "events"
    )
    assert place.hub.viewers.total == 3
    assert meter.delivery.histogram.count == 3


@pytest.mark.asyncio
async def test_what_a_viewer_catches_up_with_is_no_delivery(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    first = place.join()
    await first.subscribe()
    await producer.append(0, *E[:2])
    assert meter.delivery.histogram.count == 1
    late = place.join()
    await late.subscribe()
    assert meter.sent_frames == 2
    assert meter.delivery.histogram.count == 1  # the second was there before its viewer
    await producer.append(2, E[2])
    assert meter.delivery.histogram.count == 3


@pytest.mark.asyncio
async def test_a_viewer_that_does_not_read_makes_deliveries_long(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    slow, quick = place.join(), place.join()
    for viewer in (slow, quick):
        await viewer.subscribe()
    slow.open.clear()
    for number in range(5):
        await producer.append(number, E[number])
    before = meter.delivery.histogram.max_s
    assert meter.delivery.histogram.count == 5
    slow.open.set()
    await quiet()
    # The first was being written all the time; the second frame has the other four.
    assert meter.delivery.histogram.count == 7
    assert meter.delivery.histogram.max_s > before


def moved(tail: int) -> Moved:
    return Moved("s", (), tail, closed=False)


def test_the_time_of_a_commit_is_known_exactly_while_it_is_recent() -> None:
    hot = HotTail()
    assert hot.committed(0) is None
    hot.add(moved(3), now=1.0)
    hot.add(moved(5), now=2.0)
    assert [hot.committed(offset) for offset in range(6)] == [1.0, 1.0, 1.0, 2.0, 2.0, None]


def test_of_commits_long_ago_the_time_is_known_roughly_and_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot_tail, "MAX_TIMES", 8)
    hot = HotTail()
    for number in range(1000):
        hot.add(moved(number + 1), now=float(number))
    assert len(hot._times) <= 8
    assert hot.committed(999) == 999.0
    assert hot.committed(995) == 995.0
    assert hot.committed(0) == 0.0
    for offset in range(1000):
        when = hot.committed(offset)
        assert when is not None
        assert when >= offset


@pytest.mark.asyncio
async def test_refusals_are_counted_by_their_kind(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    await producer.append(5, E[0])
    assert meter.refused == {"gap": 1}
    viewer = place.join()
    await viewer.subscribe(77)
    await viewer.subscribe(0, stream="none")
    await viewer.say("dance")
    other = place.join()
    await other.claim("p2")
    assert meter.refused == {"gap": 1, "gone": 1, "no_such_stream": 1, "unknown_op": 1, "fenced": 1}
    place.log.broken = FULL
    await other.append(0, E[0], epoch=2)
    assert meter.refused["log_failed"] == 1
    assert place.hub.viewers.held_up == 1
    place.log.broken = None
    await other.append(0, E[0], epoch=2)
    assert place.hub.viewers.held_up == 0


@pytest.mark.asyncio
async def test_sockets_that_are_closed_and_turned_away_are_counted() -> None:
    place = Place(max_sockets=2)
    meter = place.hub.meter
    leaves, silent = place.join(), place.join()
    assert place.hub.open_socket(may_produce=True, may_view=True) is None
    assert meter.turned_away == 1
    await leaves.leave()
    silent.socket.connection._timer.heard(now=-1e9)  # nothing has come since
    silent.socket._tick()
    await silent.serving
    await silent.leave()  # counted once
    assert meter.closed == {CloseCode.NORMAL: 1, CloseCode.GOING_AWAY: 1}
    await place.close()


@pytest.mark.asyncio
async def test_a_stream_has_a_rate_while_it_has_a_producer(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    await producer.append(0, *E[:5])
    now = 1e9  # long after
    assert len(meter._rates) == 1
    assert meter.rate("demo", now) == 0
    await producer.append(5, END)
    assert not meter._rates
    other = place.join()
    await other.claim(stream="other")
    await other.append(0, E[0], stream="other")
    assert len(meter._rates) == 1
    await other.leave()
    assert not meter._rates


def test_a_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate(100.0)
    for tenth in range(10 * int(3 * WINDOW_S)):
        now = 100.0 + tenth / 10
        rate.add(2, now)
        if tenth > 10:
            assert rate.per_s(now) == pytest.approx(20, rel=0.11)
    assert rate.per_s(now + WINDOW_S) < 20
    assert rate.per_s(now + 2 * WINDOW_S) == 0


def test_a_first_event_is_no_burst() -> None:
    rate = Rate(100.0)
    rate.add(3, 100.0)
    assert rate.per_s(100.0) == 3


@pytest.mark.asyncio
async def test_the_log_s_bytes_are_counted_and_corrected(place: Place) -> None:
    producer, meter = await producing(place), place.hub.meter
    await place.hub.load()
    assert meter.log_bytes == 0
    await producer.append(0, *E)
    held = (await place.log.info("demo")).size_bytes
    assert meter.log_bytes == pytest.approx(held, rel=0.05)
    place.hub.measured(await place.log.list())
    assert meter.log_bytes == held
    await place.hub.delete("demo", size_bytes=held)
    assert meter.log_bytes == 0


@pytest.mark.asyncio
async def test_streams_are_counted_by_whether_they_have_ended(place: Place) -> None:
    quotas = place.hub.quotas
    producer = await producing(place)
    await producer.append(0, E[0])
    await producer.say("claim", "other", producer="p1")
    assert (quotas.streams, quotas.open_streams) == (2, 2)
    assert place.hub.producers.sockets == 1
    await producer.append(1, END)
    assert (quotas.streams, quotas.open_streams) == (2, 1)
    await producer.claim("late")  # refused: it has ended
    assert (quotas.streams, quotas.open_streams) == (2, 1)
    await place.hub.delete("demo")
    await place.hub.delete("other")
    assert (quotas.streams, quotas.open_streams) == (0, 0)


def test_a_retry_of_what_was_there_is_a_frame_and_no_event() -> None:
    meter = HubMeter()
    meter.appended(0, 50, 0.001)
    assert (meter.appended_frames, meter.appended_events, meter.appended_bytes) == (1, 0, 0)
