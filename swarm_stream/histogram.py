"""Percentiles of durations from fixed buckets: bounded memory, one addition a sample.

Means are not offered: they hide what a reader of a stream feels. A percentile is given as the
upper end of its bucket, so it is never too low.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FINE_S", "LEGS_S", "Histogram", "Spread"]

FINE_S: Final = tuple(1e-6 * 2 ** (step / 4) for step in range(121))
"""Quarter octaves from 1 µs to about 18 min: percentiles are at most 19 % too high."""

LEGS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""For legs of a delivery, where many servers are added up elsewhere: few, and the same for all."""


class Spread(NamedTuple):
    """How a duration is spread. Seconds; None where there is no sample yet."""

    samples: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None


class Histogram:
    """Count durations in seconds. Not thread safe: one writer, readers see a recent state.

    Args:
        bounds: Upper ends of the buckets, which they contain; above the last is one more.

    Attributes:
        counts: Samples in each bucket.
        max_s: The longest.

    """

    __slots__ = ("bounds", "counts", "max_s")

    def __init__(self, bounds: Sequence[float] = FINE_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.max_s = 0.0

    @property
    def count(self) -> int:
        """How many durations were counted."""
        return sum(self.counts)

    def add(self, duration_s: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, duration_s)] += 1
        if duration_s > self.max_s:  # noqa: PLR1730  (max takes three times as long)
            self.max_s = duration_s

    def percentile_s(self, percent: float) -> float | None:
        """Give a duration that ``percent`` of the samples do not exceed, or None without any."""
        wanted = self.count * percent / 100
        seen = 0
        for index, samples in enumerate(self.counts):
            seen += samples
            if samples and seen >= wanted:
                end = self.bounds[index] if index < len(self.bounds) else self.max_s
                return min(self.max_s, end)
        return None

    @property
    def spread(self) -> Spread:
        """The percentiles that are shown."""
        samples = self.count
        return Spread(
            samples,
            self.percentile_s(50),
            self.percentile_s(95),
            self.percentile_s(99),
            self.max_s if samples else None,
        )
