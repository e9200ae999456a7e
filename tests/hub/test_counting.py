"""How many watch: told at once to who comes, soon to the others, and not once for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from swarm_stream.hub.viewers import COUNT_S
from tests.faults.loop import StepLoop
from tests.hub.peers import END, FULL, Place, delta

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from tests.hub.peers import Peer

T = TypeVar("T")


class Still:
    """A place whose clock stands still until it is moved."""

    def __init__(self) -> None:
        self.loop = StepLoop()
        self.place = self.do(self._make())

    async def _make(self) -> Place:
        place = Place()
        await place.fill(delta(0))
        return place

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def enter(self) -> Peer:
        return self.loop.within(self.place.join)

    def join(self, count: int) -> list[Peer]:
        """Have so many come and watch."""
        peers = [self.enter() for _ in range(count)]
        for peer in peers:
            self.do(peer.subscribe())
        return peers

    def wait(self) -> None:
        """Let the time pass in which all are told."""
        self.loop.pass_time(COUNT_S)

    @property
    def timers(self) -> int:
        """How many timers of the hub's own are pending."""
        handles: Any = self.loop._scheduled  # type: ignore[attr-defined]  # nothing public tells
        own = self.place.hub.viewers._tell_counts
        return sum(not handle.cancelled() and handle._callback == own for handle in handles)


@pytest.fixture
def still() -> Iterator[Still]:
    made = Still()
    yield made
    made.do(made.place.close())
    assert made.timers == 0
    made.loop.close()


def counts(peer: Peer) -> list[int]:
    return [frame["viewers"] for frame in peer.take("status")]


def test_who_comes_is_told_at_once_and_the_others_soon(still: Still) -> None:
    [one] = still.join(1)
    assert counts(one) == [1]
    [two] = still.join(1)
    assert (counts(one), counts(two)) == ([], [2])
    still.wait()
    assert counts(one) == [2]
    still.do(two.leave())
    assert counts(one) == []
    still.wait()
    assert counts(one) == [1]
    still.wait()
    assert counts(one) == []


def test_one_alone_is_told_once(still: Still) -> None:
    [one] = still.join(1)
    still.do(one.subscribe())  # again
    still.do(one.say("unsubscribe"))
    still.do(one.subscribe())
    still.wait()
    assert counts(one) == [1, 1, 1]
    assert still.timers == 0


def test_many_who_come_and_go_together_are_told_of_once(still: Still) -> None:
    peers = still.join(40)
    assert still.timers == 1
    assert [counts(peer) for peer in peers] == [[number] for number in range(1, 41)]
    still.wait()
    assert all(counts(peer) == [40] for peer in peers)
    for peer in peers[10:]:
        still.do(peer.leave())
    assert still.timers == 1
    still.wait()
    assert all(counts(peer) == [10] for peer in peers[:10])


def test_a_stream_that_ends_for_many_tells_them_once(still: Still) -> None:
    peers = still.join(40)
    still.wait()
    for peer in peers:
        peer.take()
    still.do(still.place.fill(END))
    still.wait()
    for peer in peers:
        assert sorted(frame["op"] for frame in peer.take()) == ["closed", "events", "status"]


def test_one_timer_for_all_streams(still: Still) -> None:
    still.do(still.place.fill(delta(0), stream="other"))
    here = still.join(2)
    for peer in here:
        still.do(peer.say("subscribe", "other", **{"from": 0}))
        peer.take()
    assert still.timers == 1
    still.wait()
    assert [[frame["stream"] for frame in peer.take("status")] for peer in here] == [
        ["demo", "other"]
    ] * 2


def test_a_producer_and_what_hinders_it_are_told_at_once_with_the_count(still: Still) -> None:
    one, two = still.join(2)
    one.take(), two.take()
    producer = still.enter()
    still.do(producer.claim())
    for peer in (one, two):
        status = peer.take("status")[-1]
        assert (status["producer"], status["viewers"]) == ("live", 2)
    still.wait()
    assert (counts(one), counts(two)) == ([], [])  # they know already
    still.place.log.broken = FULL
    still.do(producer.append(1, delta(1), epoch=2))
    assert one.take("status")[-1]["notice"] == str(FULL)
    still.do(producer.leave())
    status = one.take("status")[-1]
    assert (status["producer"], status["notice"]) == ("stalled", "")


def test_nobody_is_told_after_the_hub_was_closed(still: Still) -> None:
    one, two, three = still.join(3)
    still.do(still.place.hub.aclose())
    assert still.timers == 0
    still.do(three.leave())
    assert still.timers == 0
    one.take(), two.take()
    still.wait()
    assert (counts(one), counts(two)) == ([], [])
