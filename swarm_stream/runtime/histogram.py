"""Percentiles of durations from fixed buckets: bounded memory, one addition a sample.

Buckets grow by a quarter octave from 10 µs to about 20 min, so that a percentile is right to
within 9 %. Means are not offered: they hide what a reader of a stream feels.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Histogram"]

_FIRST_S: Final = 1e-5
_PER_OCTAVE: Final = 4
_BUCKETS: Final = 108


class Histogram:
    """Count durations in seconds. Not thread safe: one writer, readers see a recent state."""

    __slots__ = ("_counts", "count", "max_s")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.max_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one duration; a negative one (a clock set back) counts as zero."""
        if duration_s <= _FIRST_S:
            index = 0
        else:
            index = min(_BUCKETS - 1, 1 + int(math.log2(duration_s / _FIRST_S) * _PER_OCTAVE))
        self._counts[index] += 1
        self.count += 1
        self.max_s = max(self.max_s, duration_s)

    def percentile_s(self, percent: float) -> float | None:
        """Give the duration that ``percent`` of the samples do not exceed, or None without any."""
        if not self.count:
            return None
        wanted = self.count * percent / 100
        seen = 0
        for index, bucket in enumerate(self._counts):
            seen += bucket
            if seen >= wanted and bucket:
                return min(self.max_s, _FIRST_S * 2 ** (index / _PER_OCTAVE))
        return self.max_s
