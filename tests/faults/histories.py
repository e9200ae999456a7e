"""What happened at all ends, as plain data, and what the checker says of it.

Nothing here knows of the product: these are the words in which ``checker`` is told what a model
gave, what a producer was told, what each viewer was shown, and what was done to them.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence  # noqa: TC003  (dataclasses show their types)
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "Ack",
    "Closed",
    "Fault",
    "Gone",
    "Kind",
    "Producer",
    "Role",
    "Seen",
    "Stream",
    "Viewer",
    "Violation",
    "report",
]


class Kind(enum.Enum):
    """What can be wrong."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    INVENTED = "invented"
    ACKED_THEN_LOST = "acknowledged, then lost"
    SILENT_HOLE = "silent hole"
    WRONG_END = "wrong end"


class Role(enum.Enum):
    """What an event is to the checker."""

    GIVEN = "given"
    """A payload that a model gave."""
    OWN = "own"
    """What the product says besides."""
    END = "end"
    """The last event; its payload is the outcome."""


class Seen(NamedTuple):
    """A viewer was shown an event."""

    at: float
    offset: int
    payload: str
    role: Role = Role.GIVEN


class Gone(NamedTuple):
    """A viewer was told that events are no longer kept, ``first`` to ``last``."""

    at: float
    first: int
    last: int


class Closed(NamedTuple):
    """A viewer was told that no more will come, and where the stream ends."""

    at: float
    tail: int


class Ack(NamedTuple):
    """A producer was told that everything below ``next`` is durable.

    ``claimed`` says that this was the answer to a claim, which also tells where to go on.
    """

    at: float
    next: int
    claimed: bool = False


class Fault(NamedTuple):
    """Something was done to the ends or to the network between them."""

    at: float
    kind: str
    where: str = ""


@dataclass(slots=True)
class Producer:
    """One producer of a stream.

    Attributes:
        name: Who it is.
        given: What its model gave, in order; no payload twice.
        base: Offset of its first event.
        acks: What it was told, in order.
        ended: Whether its run came to its end, so that all of ``given`` must be there.

    """

    name: str
    given: Sequence[str]
    base: int = 0
    acks: Sequence[Ack] = ()
    ended: bool = True


@dataclass(slots=True)
class Viewer:
    """One viewer, through all its connections.

    Attributes:
        name: Who it is.
        shown: What it was shown and told, in order.
        start: The first offset that it asked for.
        stayed: Whether it was there, with time to catch up, when everything was over.

    """

    name: str
    shown: Sequence[Seen | Gone | Closed]
    start: int = 0
    stayed: bool = True


@dataclass(slots=True)
class Stream:
    """All that is known of one stream.

    Attributes:
        name: The stream's name.
        producers: In the order of their epochs.
        viewers: At least one of them stayed and began at 0, or losses may go unseen.
        outcome: What its end must say; None if it must be open still.
        trimmed: Retention was asked to let go of events below this offset, and of no others.

    """

    name: str
    producers: Sequence[Producer]
    viewers: Sequence[Viewer]
    outcome: str | None = "completed"
    trimmed: int = 0


class Violation(NamedTuple):
    """A promise that was not kept."""

    kind: Kind
    stream: str
    who: str
    what: str
    at: float = 0.0


def report(
    violations: Sequence[Violation], faults: Sequence[Fault] = (), *, limit: int = 20
) -> str:
    """Give violations for people to read: how many of each kind, then the first ones.

    Each one comes with the last faults before it.
    """
    if not violations:
        return "no violations"
    counts = Counter(violation.kind.value for violation in violations)
    lines = [", ".join(f"{count} {kind}" for kind, count in counts.most_common())]
    ordered = sorted(faults)
    times = [fault.at for fault in ordered]
    for kind, stream, who, what, at in violations[:limit]:
        lines.append(f"  {kind.value}: {stream}, {who}: {what}")
        if at:
            before = ordered[max(0, bisect_right(times, at) - 3) : bisect_right(times, at)]
            for fault in before:
                lines.append(f"    {at - fault.at:.3f} s after {fault.kind} {fault.where}")
    if len(violations) > limit:
        lines.append(f"  and {len(violations) - limit} more")
    return "\n".join(lines)
