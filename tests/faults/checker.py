"""Was anything lost? The judge of the fault tests: histories of all ends in, violations out.

Knows nothing of the product and imports nothing of it: only what a model gave, what a producer
was told, what each viewer was shown, and what was done to them. Pure; every history is plain data.

The rules, for one stream:

* Each viewer sees dense offsets from its start on. A jump is a hole, unless the viewer was told
  (``Gone``) and retention was indeed asked to let those events go.
* All viewers see the same event at the same offset: together they show one log.
* A producer's part of the log holds what its model gave: each payload once, in order. All of it,
  if its run ended; a beginning of it, if it was killed or another producer took over.
* What was acknowledged stays where it was, whatever happened later.
* The last event is the end, every viewer that stayed was told so, and nothing comes after it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.histories import Closed, Gone, Kind, Role, Seen, Violation

if TYPE_CHECKING:
    from tests.faults.histories import Producer, Stream, Viewer

__all__ = ["check"]


@dataclass(slots=True)
class _Case:
    """A stream under examination."""

    stream: Stream
    log: dict[int, Seen] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)

    def note(self, kind: Kind, who: str, what: str, at: float = 0.0) -> None:
        self.found.append(Violation(kind, self.stream.name, who, what, at))

    @property
    def tail(self) -> int:
        return max(self.log, default=-1) + 1


def check(stream: Stream) -> list[Violation]:
    """Give everything that is wrong with a stream's history; nothing if it is as promised.

    Raises:
        ValueError: If a payload was given twice, since then doubling cannot be told.

    """
    owner: dict[str, int] = {}
    for number, producer in enumerate(stream.producers):
        for payload in producer.given:
            if payload in owner:
                raise ValueError(f"payload {payload!r} was given twice; make each one different")
            owner[payload] = number
    case = _Case(stream)
    reached = [(viewer, _walk(case, viewer)) for viewer in stream.viewers]
    for viewer, wanted in reached:
        if viewer.stayed and wanted < case.tail:
            what = f"stopped at {wanted}, others saw {case.tail} events"
            case.note(Kind.LOST, viewer.name, what)
    for number, producer in enumerate(stream.producers):
        later = stream.producers[number + 1 :]
        limit = min((other.base for other in later), default=case.tail)
        _part(case, number, producer, limit, owner)
        _acks(case, producer, limit)
    _end(case)
    return case.found


def _walk(case: _Case, viewer: Viewer) -> int:
    """Follow one viewer through its offsets; gives the offset that it would want next."""
    wanted = viewer.start
    skipped: set[int] = set()
    closed: Closed | None = None
    for item in viewer.shown:
        if closed is not None:
            case.note(Kind.WRONG_END, viewer.name, f"shown {item} after its close", item.at)
        if isinstance(item, Closed):
            closed = item
        elif isinstance(item, Gone):
            wanted = _gone(case, viewer, item, wanted, skipped)
        else:
            wanted = _seen(case, viewer, item, wanted, skipped)
    if closed is not None and case.stream.outcome is None:
        case.note(Kind.WRONG_END, viewer.name, "told of the end of an open stream", closed.at)
    if closed is None and case.stream.outcome is not None and viewer.stayed:
        case.note(Kind.WRONG_END, viewer.name, "never told that the stream has ended")
    return wanted


def _seen(case: _Case, viewer: Viewer, item: Seen, wanted: int, skipped: set[int]) -> int:
    held = case.log.setdefault(item.offset, item)
    if held.payload != item.payload or held.role is not item.role:
        what = f"saw {item.payload!r} at {item.offset}, where others saw {held.payload!r}"
        case.note(Kind.INVENTED, viewer.name, what, item.at)
    if item.offset > wanted:
        what = f"jumped from {wanted} to {item.offset} without a word"
        case.note(Kind.SILENT_HOLE, viewer.name, what, item.at)
        skipped.update(range(wanted, item.offset))
    elif item.offset < wanted:
        kind = Kind.REORDERED if item.offset in skipped else Kind.DOUBLED
        case.note(kind, viewer.name, f"saw {item.offset} after {wanted - 1}", item.at)
        return wanted
    return item.offset + 1


def _gone(case: _Case, viewer: Viewer, item: Gone, wanted: int, skipped: set[int]) -> int:
    if item.first > wanted:
        what = f"told that {item.first} and later are gone, while it wanted {wanted}"
        case.note(Kind.SILENT_HOLE, viewer.name, what, item.at)
    elif item.first < wanted:
        what = f"told that {item.first} is gone, which it had passed"
        case.note(Kind.DOUBLED, viewer.name, what, item.at)
    if item.last >= case.stream.trimmed:
        what = (
            f"told that {item.first} to {item.last} are gone, but only those below "
            f"{case.stream.trimmed} were to be let go"
        )
        case.note(Kind.LOST, viewer.name, what, item.at)
    skipped.update(range(wanted, item.last + 1))
    return max(wanted, item.last + 1)


def _part(case: _Case, number: int, producer: Producer, limit: int, owner: dict[str, int]) -> None:
    """Compare a producer's part of the log with what its model gave."""
    place = {payload: index for index, payload in enumerate(producer.given)}
    found: dict[int, int] = {}
    last = -1
    for offset in sorted(o for o in case.log if producer.base <= o < limit):
        seen = case.log[offset]
        if seen.role is not Role.GIVEN:
            continue
        index = place.get(seen.payload)
        if index is None:
            whose = "another producer" if seen.payload in owner else "nobody"
            what = f"{seen.payload!r} at {offset} was given by {whose}"
            case.note(Kind.INVENTED, producer.name, what, seen.at)
            continue
        if index in found:
            what = f"{seen.payload!r} is at {found[index]} and at {offset}"
            case.note(Kind.DOUBLED, producer.name, what, seen.at)
            continue
        if index < last:
            what = f"{seen.payload!r} at {offset} comes after {producer.given[last]!r}"
            case.note(Kind.REORDERED, producer.name, what, seen.at)
        found[index] = offset
        last = max(last, index)
    _losses(case, producer, limit, found, last)


def _losses(case: _Case, producer: Producer, limit: int, found: dict[int, int], last: int) -> None:
    """Report payloads that are nowhere, unless they lie where nobody could see any more."""
    end = len(producer.given) if producer.ended else last + 1
    present = sorted(found)
    excused: Counter[tuple[int, int]] = Counter()
    for index in range(end):
        if index in found:
            continue
        at = bisect_right(present, index)
        before = found[present[at - 1]] if at else producer.base - 1
        after = found[present[at]] if at < len(present) else limit
        dark = sum(
            1 for o in range(before + 1, min(after, case.stream.trimmed)) if o not in case.log
        )
        excused[before, after] += 1
        if excused[before, after] > dark:
            what = (
                f"{producer.given[index]!r}, payload {index}, is not between {before} and {after}"
            )
            case.note(Kind.LOST, producer.name, what)


def _acks(case: _Case, producer: Producer, limit: int) -> None:
    highest = 0
    for ack in producer.acks:
        if ack.next > limit:
            what = f"acknowledged up to {ack.next}, but its part of the log ends at {limit}"
            case.note(Kind.ACKED_THEN_LOST, producer.name, what, ack.at)
            return
        if ack.claimed and ack.next < highest:
            what = f"acknowledged up to {highest}, then told to go on from {ack.next}"
            case.note(Kind.ACKED_THEN_LOST, producer.name, what, ack.at)
        highest = max(highest, ack.next)


def _end(case: _Case) -> None:
    ends = sorted(o for o, seen in case.log.items() if seen.role is Role.END)
    wanted = case.stream.outcome
    for viewer in case.stream.viewers:
        for item in viewer.shown:
            if isinstance(item, Closed) and item.tail != case.tail:
                what = f"told that the stream ends at {item.tail}, of {case.tail} events"
                case.note(Kind.WRONG_END, viewer.name, what, item.at)
    for offset in ends:
        seen = case.log[offset]
        if wanted is None or offset != case.tail - 1:
            what = f"an end at {offset}, of {case.tail} events"
            case.note(Kind.WRONG_END, "the log", what, seen.at)
        elif seen.payload != wanted:
            what = f"ended as {seen.payload!r} instead of {wanted!r}"
            case.note(Kind.WRONG_END, "the log", what, seen.at)
    if wanted is not None and not ends:
        case.note(Kind.WRONG_END, "the log", f"has no end after {case.tail} events")
