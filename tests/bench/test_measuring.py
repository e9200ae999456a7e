"""Measuring stays cheap, by ratios of paths that ran next to each other."""

from __future__ import annotations

from tests.bench.measuring import costs


def test_measuring_costs_less_than_what_it_measures() -> None:
    chunk, frame = costs(rounds=5, chunks=1000)  # about 1.2 and 1.03
    assert chunk.ratio < 1.75
    assert frame.ratio < 1.4
