"""How long clients wait, and that they do not all come back at once."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.protocol.backoff import Backoff


@given(st.floats(0.01, 1), st.floats(1, 60), st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_delays_double_up_to_the_limit_and_jitter_is_full(
    first_s: float, limit_s: float, draws: list[float]
) -> None:
    backoff = Backoff(first_s=first_s, limit_s=limit_s)
    for attempt, draw in enumerate(draws):
        bound = min(limit_s, first_s * 2**attempt)
        assert backoff.next_delay_s(draw=draw) == pytest.approx(draw * bound)


def test_a_connection_that_worked_starts_over() -> None:
    backoff = Backoff(first_s=0.1, limit_s=5)
    for _ in range(10):
        backoff.next_delay_s(draw=1)
    backoff.reset()
    assert backoff.next_delay_s(draw=1) == pytest.approx(0.1)


@pytest.mark.parametrize("away_s", [0.5, 3, 60])
def test_the_clients_of_a_server_that_restarts_are_no_herd(away_s: float) -> None:
    """All lose it at the same moment. The busiest tenth of a second sees few of them return."""
    draw = random.Random(7)  # noqa: S311  (a test to be repeated)
    came: Counter[int] = Counter()
    latest = 0.0
    for _ in range(2000):
        backoff, now = Backoff(first_s=0.1, limit_s=5), 0.0
        while now < away_s:
            now += backoff.next_delay_s(draw=draw.random())
        came[int(now * 10)] += 1
        latest = max(latest, now)
    assert max(came.values()) < 2000 * 0.3
    assert latest <= away_s + 5
