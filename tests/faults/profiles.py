"""The networks that notebook users sit on, and the schedules of faults that come from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["KINDS", "LOOPBACK", "PROFILES", "Planned", "Profile", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A network between two ends. Times in seconds; 0 or None stands for never and no limit.

    Attributes:
        name: What people call it.
        latency_s: Delay of each byte, in each direction.
        jitter_s: The delay varies evenly by this much up and down; order is kept.
        bytes_per_s: Bandwidth in each direction; 1 is possible.
        cut_every_s: All connections are closed in order (FIN) this often.
        reset_every_s: All connections are reset (RST) this often.
        outage_every_s: Once in this time the network is away ...
        outage_s: ... for this long: nothing is closed, nothing arrives, nothing is answered.
        idle_cut_s: A connection with no byte in either direction for this long is closed.

    """

    name: str
    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float | None = None
    cut_every_s: float = 0.0
    reset_every_s: float = 0.0
    outage_every_s: float = 0.0
    outage_s: float = 0.0
    idle_cut_s: float = 0.0


_MBIT: Final = 1e6 / 8

LOOPBACK: Final = Profile(name="loopback")

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            LOOPBACK,
            Profile(name="office", latency_s=0.020, jitter_s=0.005, bytes_per_s=50 * _MBIT),
            Profile(
                name="hotel", latency_s=0.150, jitter_s=0.080, bytes_per_s=2 * _MBIT, cut_every_s=30
            ),
            Profile(
                name="mobile",
                latency_s=0.300,
                jitter_s=0.200,
                bytes_per_s=0.5 * _MBIT,
                outage_every_s=60,
                outage_s=10,
            ),
            Profile(
                name="flaky proxy",
                latency_s=0.050,
                bytes_per_s=10 * _MBIT,
                idle_cut_s=15,
                reset_every_s=5,
            ),
        )
    }
)
"""By name: the table of networks that the product is held to."""

KINDS: Final = (
    "cut",
    "reset",
    "cut inside",
    "lose reply",
    "freeze",
    "hold",
    "refuse",
    "slow",
    "trickle",
)
"""What a schedule is made of; see ``FaultProxy.play``."""


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
    kinds: Sequence[str] = KINDS,
) -> list[Planned]:
    """Give the schedule that a seed stands for: the same one each time.

    Faults come every ``every_s`` seconds on average and one after the other.
    """
    draw = random.Random(str(seed))  # noqa: S311  (faults are no secrets)
    faults: list[Planned] = []
    at_s = draw.uniform(0, 2 * every_s)
    while at_s < seconds:
        kind = draw.choice(kinds)
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
