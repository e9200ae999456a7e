"""Schedules of faults for a proxy: made from a seed, and run."""

from __future__ import annotations

import asyncio
import random
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.faults.proxy import FaultProxy

__all__ = ["KINDS", "Planned", "plan", "play"]


class Planned(NamedTuple):
    """One fault of a schedule.

    Attributes:
        at_s: Seconds after the schedule began.
        kind: One of ``KINDS``.
        for_s: How long it lasts, or waits for the right bytes.
        after_bytes: Where a frame is cut, for ``cut inside``.
        upward: Whether it is a frame to the server, for ``cut inside``.

    """

    at_s: float
    kind: str
    for_s: float = 0.0
    after_bytes: int = 0
    upward: bool = True


def plan(
    seed: int | str,
    *,
    seconds: float,
    every_s: float,
    longest_s: float = 1.0,
    kinds: Sequence[str] = (),
) -> list[Planned]:
    """Give the schedule that a seed stands for: the same one each time.

    Faults come every ``every_s`` seconds on average and one after the other.
    """
    draw = random.Random(str(seed))  # noqa: S311  (faults are no secrets)
    faults: list[Planned] = []
    at_s = draw.uniform(0, 2 * every_s)
    while at_s < seconds:
        kind = draw.choice(kinds or KINDS)
        fault = Planned(
            at_s,
            kind,
            for_s=0.0 if kind in {"cut", "reset"} else draw.uniform(0.1, 1.0) * longest_s,
            # Most frames are small: often inside the first one, sometimes far behind.
            after_bytes=int(10 ** draw.uniform(0, 4)),
            upward=draw.random() < 0.5,
        )
        faults.append(fault)
        at_s += fault.for_s + draw.uniform(0, 2 * every_s)
    return faults


# What each kind does to a proxy; ``heal`` undoes it where it lasts.
_BEGIN: Final[Mapping[str, Callable[[FaultProxy, Planned], object]]] = MappingProxyType(
    {
        "cut": lambda proxy, _: proxy.cut(),
        "reset": lambda proxy, _: proxy.reset(),
        "cut inside": lambda proxy, fault: proxy.cut_inside(fault.after_bytes, upward=fault.upward),
        "lose reply": lambda proxy, _: proxy.lose_reply(),
        "freeze": lambda proxy, _: proxy.freeze(),
        "hold": lambda proxy, _: proxy.hold(),
        "strand": lambda proxy, fault: proxy.strand(fault.for_s / 3),
        "refuse": lambda proxy, _: proxy.refuse(),
        "slow": lambda proxy, _: proxy.slow(latency_s=0.05, jitter_s=0.05),
        "trickle": lambda proxy, _: proxy.trickle(1),
    }
)

KINDS: Final = tuple(_BEGIN)
"""What a schedule is made of."""


async def play(proxy: FaultProxy, faults: Sequence[Planned]) -> None:
    """Run a schedule of faults, each one undone before the next; then heal.

    Raises:
        ValueError: If a kind is none of ``KINDS``.

    """
    began = time.monotonic()
    try:
        for fault in faults:
            await asyncio.sleep(max(0.0, began + fault.at_s - time.monotonic()))
            if fault.kind not in _BEGIN:
                raise ValueError(f"no fault is called {fault.kind!r}; there are {', '.join(KINDS)}")
            _BEGIN[fault.kind](proxy, fault)
            await asyncio.sleep(fault.for_s)
            proxy.heal()
    finally:
        proxy.heal()
