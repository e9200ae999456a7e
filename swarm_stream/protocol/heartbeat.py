"""Signs of life on a connection: when to send one, and when the peer counts as gone."""

from __future__ import annotations

__all__ = ["HeartbeatTimer"]


class HeartbeatTimer:
    """Watch one socket in both directions. All times are seconds of one monotonic clock.

    Args:
        now: The time at which the socket opened.
        interval_s: Send a heartbeat when nothing was sent for this long.
        silence_limit_s: The peer is gone when it has said nothing for this long.

    """

    def __init__(self, *, now: float, interval_s: float, silence_limit_s: float) -> None:
        self._interval_s = interval_s
        self._silence_limit_s = silence_limit_s
        self._sent_at = now
        self._heard_at = now

    def sent(self, *, now: float) -> None:
        """Note that a frame went out."""
        self._sent_at = now

    def heard(self, *, now: float) -> None:
        """Note that a frame came in."""
        self._heard_at = now

    def due(self, *, now: float) -> bool:
        """Tell whether a heartbeat should be sent."""
        return now >= self._sent_at + self._interval_s

    def gone(self, *, now: float) -> bool:
        """Tell whether the peer counts as gone."""
        return now >= self._heard_at + self._silence_limit_s

    @property
    def deadline(self) -> float:
        """When to look again."""
        return min(self._sent_at + self._interval_s, self._heard_at + self._silence_limit_s)
