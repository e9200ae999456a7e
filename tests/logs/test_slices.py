"""Reads are dense, within their limits, and give what was appended byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.errors import LogError
from swarm_stream.logs.base import Slice
from swarm_stream.logs.slices import cut, gather

EVENTS = [b'{"n":0}', b'"a,b"', b"[1,[2]]", '{"text":"é,]\\"🙂"}'.encode(), b"5"]

json_events = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6)


@given(
    batches=st.lists(json_events, min_size=1, max_size=6),
    base=st.integers(0, 2**53 - 100),
    data=st.data(),
)
def test_a_read_gives_a_dense_run_of_what_was_appended(
    batches: list[list[bytes]], base: int, data: st.DataObject
) -> None:
    events = [event for batch in batches for event in batch]
    records, offset = [], base
    for batch in batches:
        records.append(Slice(offset, len(batch), b",".join(batch)))
        offset += len(batch)
    start = data.draw(st.integers(0, len(events) - 1))
    max_events = data.draw(st.integers(1, len(events) + 1))
    max_bytes = data.draw(st.integers(1, 120))
    held = [r for r in records if r.offset + r.count > base + start]

    got = gather(held, base + start, max_events=max_events, max_bytes=max_bytes)

    assert got.offset == base + start
    assert 1 <= got.count <= max_events
    assert got.body == b",".join(events[start : start + got.count])
    assert len(got.body) <= max_bytes or got.count == 1


def test_records_are_joined_while_they_fit() -> None:
    records = (Slice(n, 1, b"%d" % n) for n in range(10))
    assert gather(records, 0, max_events=3, max_bytes=1000) == Slice(0, 3, b"0,1,2")


def test_no_more_records_are_taken_than_needed() -> None:
    records = iter([Slice(0, 2, b"0,1"), Slice(2, 2, b"2,3"), Slice(4, 1, b"4")])
    assert gather(records, 0, max_events=2, max_bytes=1000) == Slice(0, 2, b"0,1")
    assert next(records) == Slice(4, 1, b"4")


def test_nothing_gives_an_empty_slice() -> None:
    assert gather([], 5, max_events=3, max_bytes=10) == Slice(5, 0, b"")


@pytest.mark.parametrize("body", [b"1,2", b'{"n":1},{"n"', b"1,2,3,"])
def test_a_record_that_does_not_hold_what_it_says_is_an_error(body: bytes) -> None:
    with pytest.raises(LogError, match="damaged"):
        cut(Slice(0, 3, body), 1, max_events=9, max_bytes=99)
