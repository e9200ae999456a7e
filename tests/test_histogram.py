"""Percentiles are never too low, and at most a bucket too high."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.histogram import FINE_S, LEGS_S, Histogram

durations = st.floats(2e-6, 1000.0)


@given(st.lists(durations, min_size=1, max_size=60), st.sampled_from([50, 95, 99]))
def test_a_percentile_is_not_exceeded_by_its_share_and_at_most_19_percent_too_high(
    taken: list[float], percent: int
) -> None:
    histogram = Histogram()
    for duration_s in taken:
        histogram.add(duration_s)
    found = histogram.percentile_s(percent)
    exact = sorted(taken)[math.ceil(len(taken) * percent / 100) - 1]
    assert found is not None
    assert exact <= found <= exact * 2**0.25 * 1.000001


def test_what_is_outside_of_the_buckets_is_counted_in_the_outermost() -> None:
    histogram = Histogram(LEGS_S)
    histogram.add(-1.0)  # a clock that was set back
    assert histogram.counts[0] == 1
    histogram.add(LEGS_S[-1] + 70)
    assert histogram.counts[-1] == 1
    assert histogram.percentile_s(99) == LEGS_S[-1] + 70
    assert histogram.count == 2


def test_a_bucket_has_its_upper_end_as_prometheus_wants_it() -> None:
    histogram = Histogram(LEGS_S)
    for bound in LEGS_S:
        histogram.add(bound)
    assert histogram.counts == [*[1] * len(LEGS_S), 0]


def test_without_samples_there_are_no_percentiles() -> None:
    spread = Histogram().spread
    assert spread == (0, None, None, None, None)


def test_the_fine_buckets_go_from_a_microsecond_to_a_quarter_of_an_hour() -> None:
    assert FINE_S[0] == 1e-6
    assert FINE_S[-1] > 900
    assert [b / a for a, b in pairwise(FINE_S)] == pytest.approx([2**0.25] * (len(FINE_S) - 1))
