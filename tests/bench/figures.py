"""What a benchmark found: figures, the targets that they are held against, and a table of both.

A figure is the median of several rounds, with the lowest and the highest. A target is compared
round by round, within the same run: the machine is never as fast twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Figure", "Found", "limit", "percentile", "table"]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Give the value that ``percent`` of the ordered samples do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure over all rounds, and its target.

    Attributes:
        target: The target's name (``A1``), or empty where there is none.
        what: What was measured.
        unit: Of the values.
        values: One for each round.
        limits: What the target asks for, one for each round; empty without a target.
        least: Whether the target is a least value, and not a greatest.

    """

    what: str
    unit: str
    values: Sequence[float]
    target: str = ""
    limits: Sequence[float] = ()
    least: bool = False

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def share(self) -> float | None:
        """The value as a share of what it may be (or of what it must be); median of the rounds."""
        if not self.limits:
            return None
        pairs = zip(self.values, self.limits, strict=True)
        return median(value / limit if limit else float(value > 0) for value, limit in pairs)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        share = self.share
        if share is None:
            return None
        return share >= 1 if self.least else share <= 1

    @property
    def verdict(self) -> str:
        """Met or missed, and by how much."""
        share = self.share
        if share is None:
            return ""
        if self.met:
            return f"met, {share:.2f} of it"
        return f"missed, {share:.2f} of it"

    def as_json(self) -> dict[str, Any]:
        """Give all of it, for a results file."""
        return {
            "target": self.target,
            "what": self.what,
            "unit": self.unit,
            "median": self.value,
            "low": min(self.values),
            "high": max(self.values),
            "rounds": list(self.values),
            "limit": median(self.limits) if self.limits else None,
            "least": self.least,
            "share": self.share,
            "met": self.met,
        }


@dataclass(slots=True)
class Found:
    """What a group of benchmarks found.

    Attributes:
        figures: With or without targets.
        notes: Sentences about what could not be measured, or how it was.
        detail: Anything else for the results file: what plots are drawn from.

    """

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    def figure(self, what: str, unit: str, values: Iterable[float], **target: Any) -> None:
        """Add a figure."""
        self.figures.append(Figure(what=what, unit=unit, values=list(values), **target))


def limit(value: float, rounds: int) -> list[float]:
    """Give a target that is the same in each round."""
    return [value] * rounds


def _shown(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f} {unit}"


def table(groups: Mapping[str, Found]) -> str:
    """Give all figures as text, a line each, those with targets first."""
    lines = [("", "what", "median", "low .. high", "target", "")]
    figures = [figure for found in groups.values() for figure in found.figures]
    for figure in sorted(figures, key=lambda f: (not f.target, f.target)):
        goal = ""
        if figure.limits:
            sign = ">=" if figure.least else "<="
            goal = f"{sign} {_shown(median(figure.limits), figure.unit)}"
        spread = f"{_shown(min(figure.values), '')}.. {_shown(max(figure.values), '')}".strip()
        lines.append(
            (
                figure.target,
                figure.what,
                _shown(figure.value, figure.unit),
                spread,
                goal,
                figure.verdict,
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    notes = [f"note: {note}" for found in groups.values() for note in found.notes]
    return "\n".join([*rows, *notes])
