"""The networks that notebook users sit on."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LOOPBACK", "PROFILES", "Profile"]


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
