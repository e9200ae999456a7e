"""How long to wait before connecting again: full jitter, doubling to a limit.

Full jitter (a uniform draw between 0 and the bound) spreads the clients of a server that
restarts better than a fixed delay with some noise: AWS Architecture Blog, "Exponential Backoff
And Jitter" (2015). Twin of ``frontend/src/backoff.ts``.
"""

from __future__ import annotations

__all__ = ["Backoff"]


class Backoff:
    """Delays before the first, second, ... attempt to connect again.

    Args:
        first_s: Upper bound of the first delay, in seconds.
        limit_s: Upper bound of all later ones.

    """

    def __init__(self, *, first_s: float, limit_s: float) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self.attempts = 0

    def next_delay_s(self, *, draw: float) -> float:
        """Give the next delay in seconds; ``draw`` is a random number from 0 to 1."""
        # The exponent is capped so that a night of attempts does not build a huge integer.
        bound = min(self._limit_s, self._first_s * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return draw * bound

    def reset(self) -> None:
        """Start over: the connection has worked."""
        self.attempts = 0
