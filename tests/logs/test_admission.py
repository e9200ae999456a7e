"""The table of PROTOCOL.md, "Append", row by row and against a model that thinks in sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.logs.admission import (
    Admitted,
    BadEpoch,
    Closed,
    Fenced,
    Gap,
    Held,
    Verdict,
    admit,
    epoch_for,
)

OPEN = Held(epoch=3, next=10, closed=False)
ENDED = Held(epoch=3, next=10, closed=True)


@pytest.mark.parametrize("offset", [0, 8, 10, 11])
def test_a_lower_epoch_is_fenced_whatever_the_offset(offset: int) -> None:
    assert admit(OPEN, epoch=2, offset=offset, count=2) == Fenced(3)


@pytest.mark.parametrize("offset", [0, 8, 10, 11])
def test_a_higher_epoch_was_never_issued(offset: int) -> None:
    assert admit(OPEN, epoch=4, offset=offset, count=2) == BadEpoch(3)


def test_an_offset_beyond_next_is_a_gap() -> None:
    assert admit(OPEN, epoch=3, offset=11, count=1) == Gap(10)


@pytest.mark.parametrize(("offset", "count"), [(0, 10), (0, 1), (8, 2), (10, 0)])
def test_what_is_there_already_is_acknowledged_and_not_written(offset: int, count: int) -> None:
    assert admit(OPEN, epoch=3, offset=offset, count=count) == Admitted(skip=count, next=10)


def test_new_events_are_written_from_next_on() -> None:
    assert admit(OPEN, epoch=3, offset=10, count=5) == Admitted(skip=0, next=15)


def test_of_a_partial_overlap_only_the_new_events_are_written() -> None:
    assert admit(OPEN, epoch=3, offset=8, count=5) == Admitted(skip=2, next=13)


@pytest.mark.parametrize("epoch", [3, 4])
def test_a_closed_stream_acknowledges_a_retry(epoch: int) -> None:
    assert admit(ENDED, epoch=epoch, offset=8, count=2) == Admitted(skip=2, next=10)


def test_a_closed_stream_acknowledges_nothing_to_a_ghost() -> None:
    # Events of its own at these offsets may be others than those that are there.
    assert admit(ENDED, epoch=2, offset=8, count=2) == Fenced(3)


@pytest.mark.parametrize("epoch", [2, 3, 4])
@pytest.mark.parametrize(("offset", "count"), [(10, 1), (8, 3), (11, 1)])
def test_a_closed_stream_takes_nothing_new(epoch: int, offset: int, count: int) -> None:
    assert admit(ENDED, epoch=epoch, offset=offset, count=count) == Closed(10)


def by_sets(held: Held, epoch: int, offset: int, count: int) -> Verdict:
    """The same table, told in terms of what is held and what is offered."""
    there = set(range(held.next))
    offered = set(range(offset, offset + count))
    new = offered - there
    if held.closed and (new or offset > held.next):
        return Closed(held.next)
    if held.closed and epoch >= held.epoch:
        return Admitted(count, held.next)
    if epoch != held.epoch:
        return Fenced(held.epoch) if epoch < held.epoch else BadEpoch(held.epoch)
    after = there | offered
    if after != set(range(len(after))) or offset > held.next:
        return Gap(held.next)
    return Admitted(len(offered & there), len(after))


small = st.integers(0, 12)


@given(
    held=st.builds(Held, epoch=st.integers(1, 4), next=small, closed=st.booleans()),
    epoch=st.integers(0, 5),
    offset=small,
    count=small,
)
def test_the_table_is_what_sets_say(held: Held, epoch: int, offset: int, count: int) -> None:
    assert admit(held, epoch=epoch, offset=offset, count=count) == by_sets(
        held, epoch, offset, count
    )


def test_the_holder_keeps_its_epoch() -> None:
    assert epoch_for(OPEN, holder="a", producer="a") == 3


def test_another_producer_gets_the_next_epoch() -> None:
    assert epoch_for(OPEN, holder="a", producer="b") == 4


def test_a_new_stream_begins_above_every_deleted_one() -> None:
    assert epoch_for(Held(epoch=7, next=0, closed=False), holder=None, producer="a") == 8


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_who_had_the_stream_before_takes_nothing_back(epoch: int) -> None:
    assert epoch_for(OPEN, holder="a", producer="b", epoch=epoch) == Fenced(3)


def test_an_epoch_of_a_log_that_was_lost_is_as_good_as_none() -> None:
    assert epoch_for(OPEN, holder="a", producer="b", epoch=4) == 4
    deleted = Held(epoch=7, next=0, closed=False)
    assert epoch_for(deleted, holder=None, producer="a", epoch=7) == 8


@pytest.mark.parametrize("producer", ["a", "b"])
def test_a_closed_stream_cannot_be_claimed(producer: str) -> None:
    assert epoch_for(ENDED, holder="a", producer=producer) == Closed(10)
