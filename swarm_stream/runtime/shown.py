"""Figures as people read them: durations, sizes, ages."""

from __future__ import annotations

from typing import Final

__all__ = ["bytes_text", "duration_text"]

_SIZES: Final = ("B", "kB", "MB", "GB", "TB")
_SPANS: Final = (("d", 86_400), ("h", 3600), ("min", 60))
_LONG_S: Final = 120.0
_THOUSAND: Final = 1000


def duration_text(seconds: float) -> str:
    """Give a duration with three digits, or in whole minutes, hours or days."""
    if seconds >= _LONG_S:
        unit, size = next(span for span in _SPANS if seconds >= 2 * span[1])
        return f"{seconds / size:.0f} {unit}"
    for unit, size_s in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size_s:
            return f"{_digits(seconds / size_s)} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def bytes_text(size: float) -> str:
    """Give a size in bytes with three digits, in powers of 1,000."""
    for unit in _SIZES:
        if size < _THOUSAND or unit == _SIZES[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{_digits(size)} {unit}"
        size /= _THOUSAND
    raise AssertionError


def _digits(value: float) -> str:
    ten, hundred = 10, 100
    return f"{value:.2f}" if value < ten else f"{value:.1f}" if value < hundred else f"{value:.0f}"
