"""Correct histories of a stream, for hypothesis: one log, those who wrote it, those who read it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.faults.histories import Ack, Closed, Gone, Producer, Role, Seen, Stream, Viewer

__all__ = ["Item", "World", "worlds"]

Row = tuple[str, Role]
Item = Seen | Gone | Closed
small = st.integers(0, 5)


@dataclass
class World:
    """What a correct history is made of: one log, those who wrote it and those who read it."""

    parts: list[list[Row]]
    given: list[list[str]]
    readers: list[tuple[int, int | None, int, int]]  # start, until where, what was gone for them
    outcome: str | None
    trimmed: int

    @property
    def log(self) -> list[Row]:
        return [row for part in self.parts for row in part]

    def base(self, number: int) -> int:
        return sum(len(part) for part in self.parts[:number])

    def reader(self, number: int) -> Viewer:
        start, until, dark, light = self.readers[number]
        log = self.log
        stayed = until is None
        until = len(log) if until is None else min(until, len(log))
        shown: list[Item] = []
        for offset in range(start, until):
            if dark <= offset < light:
                if offset == max(start, dark):
                    shown.append(Gone(offset, offset, light - 1))
                continue
            shown.append(Seen(offset, offset, *log[offset]))
        if stayed and self.outcome is not None:
            shown.append(Closed(until, until))
        return Viewer(f"viewer {number}", shown, start=start, stayed=stayed)

    def stream(self) -> Stream:
        producers = []
        for number, payloads in enumerate(self.given):
            base = self.base(number)
            ended = self.outcome is not None and number == len(self.given) - 1
            acks = [
                Ack(at, base + at, claimed=at % 3 == 0) for at in range(len(self.parts[number]) + 1)
            ]
            producers.append(Producer(f"producer {number}", payloads, base, acks, ended))
        viewers = [self.reader(number) for number in range(len(self.readers))]
        return Stream("demo", producers, viewers, self.outcome, self.trimmed)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Correct histories; the first two viewers stay, and the first one sees everything."""
    outcome = draw(st.sampled_from(["completed", None]))
    parts: list[list[Row]] = []
    given: list[list[str]] = []
    count = draw(st.integers(1, 3))
    for number in range(count):
        payloads = [f"{number}.{index}" for index in range(draw(small))]
        ended = outcome is not None and number == count - 1
        kept = payloads if ended else payloads[: draw(st.integers(0, len(payloads)))]
        part: list[Row] = [("start", Role.OWN)]
        for payload in kept:
            part.append((payload, Role.GIVEN))
            part += [("tool", Role.OWN)] * draw(st.integers(0, 1))
        if ended and outcome is not None:
            part.append((outcome, Role.END))
        parts.append(part)
        given.append(payloads)
    size = sum(map(len, parts))
    trimmed = draw(st.integers(0, size - 1))
    dark = draw(st.integers(0, trimmed))
    readers: list[tuple[int, int | None, int, int]] = [(0, None, 0, 0), (0, None, dark, trimmed)]
    for _ in range(draw(st.integers(0, 1))):
        start = draw(st.integers(0, size))
        dark = draw(st.integers(0, trimmed))
        until = draw(st.none() | st.integers(start, size))
        readers.append((start, until, dark, trimmed))
    return World(parts, given, readers, outcome, trimmed)
