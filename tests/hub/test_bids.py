"""Claims that come while the log has not answered others: nobody is told what does not last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.peers import FULL, Place, quiet

if TYPE_CHECKING:
    from tests.hub.peers import Peer


def told(peer: Peer) -> list[str]:
    """Give what came since: ops, and the codes of errors."""
    return [frame.get("code", frame["op"]) for frame in peer.take()]


async def commit(place: Place) -> None:
    """Have the log answer all that was asked of it."""
    place.log.committing.set()
    await quiet()
    place.log.committing.clear()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("take_over", "first", "second"),
    [(False, ["claimed"], ["stream_taken"]), (True, ["claimed", "fenced"], ["claimed"])],
)
async def test_of_two_at_once_the_second_is_refused_or_takes_over(
    place: Place,
    take_over: bool,  # noqa: FBT001
    first: list[str],
    second: list[str],
) -> None:
    one, two = place.join(), place.join()
    place.log.committing.clear()
    await one.claim("p1", take_over=False)
    await two.claim("p2", take_over=take_over)
    await commit(place)
    assert (told(one), told(two)) == (first, second)


@pytest.mark.asyncio
async def test_a_producer_that_asks_on_two_sockets_is_no_other(place: Place) -> None:
    given_up, one, two = place.join(), place.join(), place.join()
    place.log.committing.clear()
    await given_up.claim("p1", take_over=False)
    await one.claim("p1", take_over=False)
    await given_up.leave()
    await two.claim("p2", take_over=False)
    await commit(place)
    assert (told(one), told(two)) == (["claimed"], ["stream_taken"])
    assert place.hub.live_streams == 1


@pytest.mark.asyncio
async def test_who_asked_and_left_does_not_have_the_name(place: Place) -> None:
    one, two = place.join(), place.join()
    place.log.committing.clear()
    await one.claim("p1", take_over=False)
    await one.leave()
    await two.claim("p2", take_over=False)
    await commit(place)
    assert told(two) == ["claimed"]


@pytest.mark.asyncio
async def test_a_claim_that_failed_keeps_nobody_out(place: Place) -> None:
    one, two = place.join(), place.join()
    place.log.committing.clear()
    place.log.refusing = FULL
    await one.claim("p1", take_over=False)
    place.log.refusing = None
    await commit(place)
    await two.claim("p2", take_over=False)
    await commit(place)
    assert (told(one), told(two)) == (["log_failed"], ["claimed"])


who = st.integers(0, 2)


@settings(deadline=None, max_examples=50)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["claim", "claim", "leave", "commit", "fail"]), who), max_size=12
    )
)
def test_those_who_spare_each_other_are_never_fenced(steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        place = Place()
        place.log.committing.clear()
        peers = [place.join() for _ in range(3)]
        heard: list[str] = []
        for step, number in steps:
            match step:
                case "claim":
                    await peers[number].claim(f"p{number}", take_over=False)
                case "leave":
                    await peers[number].leave()
                    peers[number] = place.join()
                case "commit":
                    await commit(place)
                case _:
                    place.log.refusing = None if place.log.refusing else FULL
        place.log.refusing = None
        await commit(place)
        for peer in place.peers:
            heard += told(peer)
        assert "fenced" not in heard
        for peer in peers:
            await peer.leave()
        late = place.join()
        await late.claim("late", take_over=False)
        await commit(place)
        assert told(late) == ["claimed"]
        await place.close()

    asyncio.run(run())
