"""What the models of the soak say: text that tells whose it is, and which."""

from __future__ import annotations

import random
from functools import lru_cache

__all__ = ["payload", "payloads"]

_BLOCK = 64


@lru_cache(maxsize=512)
def _sizes(stream: str, label: str, block: int) -> tuple[int, ...]:
    draw = random.Random(f"{stream}/{label}/{block}")  # noqa: S311  (no secret)
    # Tokens are small; now and then comes a whole answer, larger than a socket takes at once.
    return tuple(
        draw.choice((20_000, 2_000, 200)) if draw.random() < 0.01 else draw.randrange(12)
        for _ in range(_BLOCK)
    )


def payload(stream: str, label: str, number: int) -> str:
    """Give the payload of that number, always the same and different from all others."""
    size = _sizes(stream, label, number // _BLOCK)[number % _BLOCK]
    return f"{label}#{number} " + "x" * size


def payloads(stream: str, label: str, count: int) -> list[str]:
    """Give the first ``count`` payloads of a run."""
    return [payload(stream, label, number) for number in range(count)]
