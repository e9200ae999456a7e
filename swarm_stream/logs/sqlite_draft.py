"""What a transaction of ``sqlite_ledger`` will write, while it is only in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from swarm_stream.logs.admission import Held

if TYPE_CHECKING:
    from swarm_stream.logs.base import Slice

__all__ = ["Draft", "Head", "Run"]


@dataclass(slots=True)
class Head:
    """A stream, as the current transaction will leave it."""

    id: int
    name: str
    epoch: int
    holder: str | None
    meta: bytes
    created_ms: float
    head: int = 0
    next: int = 0
    closed: bool = False
    size_bytes: int = 0
    updated_ms: float = 0.0
    changed: int = 0

    @property
    def held(self) -> Held:
        """What decides on an append."""
        return Held(self.epoch, self.next, self.closed)


@dataclass(slots=True)
class Run:
    """Consecutive events that will be one record."""

    head: Head
    offset: int
    count: int
    size: int
    parts: list[bytes]


@dataclass(slots=True)
class Draft:
    """What the current transaction is to write, by the stream's id."""

    claimed: dict[int, Head] = field(default_factory=dict)
    touched: dict[int, Head] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    open_run: dict[int, Run] = field(default_factory=dict)
    slices: dict[int, tuple[Head, list[Slice]]] = field(default_factory=dict)
