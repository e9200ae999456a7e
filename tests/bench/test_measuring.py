"""Measuring stays cheap, by ratios of paths that ran next to each other."""

from __future__ import annotations

from tests.bench.measuring import costs


def test_measuring_costs_less_than_what_it_measures() -> None:
    # About 1.2, 1.0 and 1.03; asking once a run has nothing to be compared with.
    chunk, listening, frame, asking = costs(rounds=5, chunks=1000)
    assert chunk.ratio < 1.75
    assert listening.ratio < 1.4
    assert frame.ratio < 1.4
    assert asking.with_ns < 20 * chunk.with_ns
