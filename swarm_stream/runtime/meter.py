"""What is counted while a session runs: additions into fixed histograms.

They are cheap enough for every chunk; ``tests/bench/measuring.py`` tells how cheap. Reads no clock:
``now`` is in seconds of one monotonic clock, ``time.perf_counter``, which all callers share. Where
times are taken:

* *asked*: an agent begins its turn, or goes on after a tool (``sources.autogen.tap``). What the
  agent does before it calls its model counts with the model.
* *arrived*: a source has something in its hands and comes to the gate with it. For AutoGen that is
  where the chunk leaves the agent, some 10 µs after its model client.
* *appended*: the event is in the session's buffer (``Recorder.take``).
* *acknowledged*: the server has it on disk, or the kernel in memory where there is no server, and
  the kernel knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from swarm_stream.events import model
from swarm_stream.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REASONS", "Answer", "Meter", "Pauses", "Reason"]

Reason = Literal["person", "buffer", "server", "log"]
REASONS: Final[tuple[Reason, ...]] = ("person", "buffer", "server", "log")
"""Why agents wait: a person paused them; the buffer is full, because the log is slower than they
are; because the server is away; because the log cannot write (a full disk)."""


class Pauses(NamedTuple):
    """How often agents waited for one reason, and how many seconds in all."""

    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody misses
    total_s: float


class Answer:
    """What a model says when it is called once, in one lane, as far as it can be seen from here.

    Attributes:
        lane: The lane.
        asked: When it was asked for; None where the source does not tell (iterators).
        chunks: Chunks that have arrived.
        first, last: When the first and the last did.
        gaps: Seconds between them, where somebody collects them.
        whole: Whether the run was never paused between two of them.

    """

    __slots__ = ("asked", "chunks", "first", "gaps", "lane", "last", "whole")

    def __init__(self, lane: int, asked: float | None) -> None:
        self.lane = lane
        self.asked = asked
        self.chunks = 0
        self.first = 0.0
        self.last = 0.0
        self.gaps: list[float] | None = None
        self.whole = True


class Meter:
    """The counts of one session. One writer at a time; anybody may read.

    Attributes:
        arrived: When what came to the gate last had arrived; 0 once a chunk has taken it.
        collecting: Whether the gaps of answers are kept, for who is ``told`` of them.
        told: Called with an answer that is over, when it was (None where that was not seen), and
            its usage or the error that ended it. Only of those that were asked for.

    """

    __slots__ = (
        "_ack_mark",
        "_answers",
        "_pause",
        "_resumed",
        "_speaking",
        "ack",
        "append",
        "arrived",
        "bytes",
        "chunks",
        "collecting",
        "ended",
        "first_chunk",
        "first_text",
        "gap",
        "last_chunk",
        "late",
        "paused",
        "per_token",
        "started",
        "told",
    )

    def __init__(self) -> None:
        self.started: float | None = None
        self.ended: float | None = None
        self.first_text: float | None = None
        self.last_chunk: float | None = None
        self.chunks = 0
        self.bytes = 0
        self.late = 0
        self.arrived = 0.0
        self.first_chunk = Histogram()
        self.gap = Histogram()
        self.per_token = Histogram()
        self.append = Histogram()
        self.ack = Histogram()
        self.paused: dict[Reason, Pauses] = {}
        self.collecting = False
        self.told: (
            Callable[[Answer, float | None, model.Usage | None, BaseException | None], None] | None
        ) = None
        self._pause: tuple[Reason, float] | None = None
        self._resumed = 0.0
        # One event at a time is timed until its ack: a sample costs nothing on the hot path.
        self._ack_mark: tuple[int, float] | None = None
        self._answers: dict[int, Answer] = {}
        # By segment. Those of texts that came whole have none: their pace is ours.
        self._speaking: dict[int, Answer] = {}

    def put(self, offset: int, size: int, now: float) -> None:
        """Note an event in the buffer."""
        self.bytes += size
        if self._ack_mark is None:
            self._ack_mark = (offset, now)

    def acked(self, next_offset: int, now: float) -> None:
        """Note that everything below ``next_offset`` was acknowledged."""
        mark = self._ack_mark
        if mark is not None and next_offset > mark[0]:
            self.ack.add(now - mark[1])
            self._ack_mark = None

    def chunk(self, seg: int, now: float) -> None:
        """Note a piece of text in the buffer."""
        self.chunks += 1
        self.last_chunk = now
        answer = self._speaking.get(seg)
        arrived = self.arrived
        if answer is None or not arrived:
            if self.first_text is None:
                self.first_text = now
            return
        self.arrived = 0.0
        self.append.add(now - arrived)
        if answer.chunks:
            last = answer.last
            if last < self._resumed < arrived:
                answer.whole = False  # a pause is no gap
            else:
                self.gap.add(arrived - last)
                if answer.gaps is not None:
                    answer.gaps.append(arrived - last)
        else:
            answer.first = arrived
            if answer.asked is not None:
                self.first_chunk.add(arrived - answer.asked)
            if self.first_text is None:
                self.first_text = now
        answer.last = arrived
        answer.chunks += 1

    def event(self, event: model.AnyEvent, now: float) -> None:
        """Note any other event in the buffer."""
        match event:
            case model.Open(seg=seg, lane=lane):
                answer = self._answers.get(lane)
                if answer is None:
                    answer = self._answers[lane] = self._answer(lane, None)
                self._speaking[seg] = answer
            case model.Close(seg=seg):
                self._speaking.pop(seg, None)
            case model.Usage(lane=lane):
                # It may have waited at the gate: over is over when it came there.
                self._over(lane, self.arrived or now, event)
            case _:
                pass

    def at_our_pace(self, seg: int) -> None:
        """Note that a segment's text came whole: its words are no chunks of a model's."""
        self._speaking.pop(seg, None)

    def asked(self, lane: int, now: float) -> None:
        """Note that an agent is asked to speak, or to go on after a tool."""
        self._over(lane, None)
        self._answers[lane] = self._answer(lane, now)

    def turn_over(self, lane: int, now: float, error: BaseException | None) -> None:
        """Note that an agent's turn is over."""
        self._over(lane, None if error is None else now, error=error)

    def pause_began(self, reason: Reason, now: float) -> None:
        """Note that agents wait. Several may wait for the same thing; it is counted once."""
        if self._pause is not None:
            if (self._pause[0] == "person") is (reason == "person"):
                return
            self.pause_ended(now)
        self._pause = (reason, now)

    def blame(self, reason: Reason) -> None:
        """Note what it is that keeps the buffer full, if it does: the pause is for that."""
        if self._pause is not None and self._pause[0] == "buffer":
            self._pause = (reason, self._pause[1])

    def pause_ended(self, now: float) -> None:
        """Note that they go on."""
        if self._pause is not None:
            self.paused = self.pauses(now)
            self._pause = None
            self._resumed = now

    def end(self, now: float) -> None:
        """Note that the run is over."""
        self.pause_ended(now)
        self.ended = now

    def pauses(self, now: float) -> dict[Reason, Pauses]:
        """Give the pauses by their reasons, with the one that goes on."""
        found = dict(self.paused)
        if self._pause is not None:
            reason, since = self._pause
            before = found.get(reason, Pauses(0, 0.0))
            found[reason] = Pauses(before.count + 1, before.total_s + now - since)
        return found

    def _answer(self, lane: int, asked: float | None) -> Answer:
        answer = Answer(lane, asked)
        if self.collecting and asked is not None:
            answer.gaps = []
        return answer

    def _over(
        self,
        lane: int,
        now: float | None,
        usage: model.Usage | None = None,
        error: BaseException | None = None,
    ) -> None:
        answer = self._answers.pop(lane, None)
        if answer is None:
            return
        if usage is not None:
            self._count_tokens(answer, usage)
        # Without either it was asked for, and never came: a turn that ended, or a person.
        seen = answer.chunks or usage is not None or error is not None
        if self.told is not None and answer.asked is not None and seen:
            self.told(answer, now, usage, error)

    def _count_tokens(self, answer: Answer, usage: model.Usage) -> None:
        tokens = usage.completion_tokens or 0
        # The tokens of a tool's call come after the last chunk that can be seen.
        calls = usage.finish_reason == "function_calls"
        if tokens > 1 and answer.chunks > 1 and answer.whole and not calls:
            self.per_token.add((answer.last - answer.first) / (tokens - 1))
