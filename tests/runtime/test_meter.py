"""What a session counts, with times that the test gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swarm_stream.events import model
from swarm_stream.runtime.meter import Meter

if TYPE_CHECKING:
    from swarm_stream.histogram import Histogram
    from swarm_stream.runtime.meter import Answer


class Story:
    """Tells a meter what happens; ``at`` is the time in seconds."""

    def __init__(self) -> None:
        self.meter = Meter()

    def open(self, seg: int, lane: int) -> None:
        self.meter.event(model.Open(seg=seg, lane=lane), 0.0)

    def chunk(self, seg: int, *, at: float, held_s: float = 0.0) -> None:
        self.meter.arrived = at
        self.meter.chunk(seg, at + held_s)

    def usage(self, lane: int, at: float, tokens: int, reason: str | None = "stop") -> None:
        usage = model.Usage(lane=lane, completion_tokens=tokens, finish_reason=reason)
        self.meter.event(usage, at)


@pytest.fixture
def story() -> Story:
    return Story()


def only(histogram: Histogram) -> float:
    """The one sample, by its longest."""
    assert histogram.count == 1
    return histogram.max_s


def test_the_first_chunk_is_timed_from_when_its_agent_was_asked(story: Story) -> None:
    story.meter.asked(0, 10.0)
    story.open(0, 0)
    story.chunk(0, at=10.5)
    story.chunk(0, at=10.75)
    assert only(story.meter.first_chunk) == 0.5
    assert only(story.meter.gap) == 0.25


def test_gaps_are_those_within_an_answer_and_not_between_lanes_or_turns(story: Story) -> None:
    for lane in (0, 1):
        story.meter.asked(lane, 1.0)
        story.open(lane, lane)
    story.chunk(0, at=2.0)
    story.chunk(1, at=2.1)
    story.chunk(0, at=4.0)
    assert only(story.meter.gap) == 2.0
    story.meter.asked(1, 50.0)
    story.open(2, 1)
    story.chunk(2, at=60.0)  # the first of another answer of that lane
    assert story.meter.gap.count == 1
    assert story.meter.first_chunk.count == 3


def test_reasoning_and_text_of_one_answer_belong_together(story: Story) -> None:
    story.meter.asked(0, 1.0)
    story.open(0, 0)
    story.chunk(0, at=2.0)
    story.meter.event(model.Close(seg=0), 2.0)
    story.open(1, 0)
    story.chunk(1, at=2.5)
    assert story.meter.first_chunk.count == 1
    assert only(story.meter.gap) == 0.5


def test_a_pause_is_no_gap_but_time_to_the_buffer(story: Story) -> None:
    story.meter.asked(0, 1.0)
    story.open(0, 0)
    story.chunk(0, at=2.0)
    story.meter.pause_began("person", 2.5)
    story.meter.pause_ended(102.5)
    story.chunk(0, at=2.4, held_s=100.1)  # it had come before, and waited at the gate
    assert only(story.meter.gap) == pytest.approx(0.4)
    story.chunk(0, at=103.0)
    assert story.meter.gap.count == 1  # from 2.4 to 103.0 is the pause
    story.chunk(0, at=103.25)
    assert story.meter.gap.count == 2
    assert story.meter.append.max_s == pytest.approx(100.1)
    story.usage(0, 104.0, tokens=4)
    assert story.meter.per_token.count == 0


def test_time_per_token_goes_by_the_tokens_that_the_server_counted(story: Story) -> None:
    story.meter.asked(0, 1.0)
    story.open(0, 0)
    for at in (2.0, 3.0, 4.0):
        story.chunk(0, at=at)
    story.usage(0, 4.0, tokens=9)
    assert only(story.meter.per_token) == 0.25


@pytest.mark.parametrize(
    ("chunks", "tokens", "reason"),
    [(3, 0, "stop"), (3, 1, "stop"), (1, 9, "stop"), (3, 9, "function_calls")],
)
def test_there_is_no_time_per_token_where_it_makes_no_sense(
    story: Story, chunks: int, tokens: int, reason: str
) -> None:
    story.meter.asked(0, 1.0)
    story.open(0, 0)
    for at in range(chunks):
        story.chunk(0, at=2.0 + at)
    story.usage(0, 9.0, tokens=tokens, reason=reason)
    assert story.meter.per_token.count == 0


def test_words_of_a_text_that_came_whole_are_no_chunks_of_a_model(story: Story) -> None:
    story.meter.asked(0, 1.0)
    story.meter.arrived = 2.0
    story.open(0, 0)
    story.meter.at_our_pace(0)
    for at in range(5):
        story.meter.chunk(0, 2.0 + at)
    assert story.meter.chunks == 5
    assert story.meter.first_text == 2.0
    for histogram in (story.meter.first_chunk, story.meter.gap, story.meter.append):
        assert histogram.count == 0


def test_an_iterator_that_nobody_asked_has_gaps_and_no_first_chunk(story: Story) -> None:
    story.open(0, 0)
    story.chunk(0, at=2.0)
    story.chunk(0, at=2.5)
    assert story.meter.first_chunk.count == 0
    assert only(story.meter.gap) == 0.5


def test_one_event_at_a_time_is_timed_to_its_acknowledgement(story: Story) -> None:
    meter = story.meter
    meter.put(5, 10, 1.0)
    meter.put(6, 10, 1.1)
    meter.acked(5, 1.2)  # below the one that is timed
    assert meter.ack.count == 0
    meter.acked(7, 1.5)
    assert only(meter.ack) == 0.5
    meter.acked(8, 9.0)
    assert meter.ack.count == 1
    assert meter.bytes == 20


def test_pauses_are_told_by_their_reasons(story: Story) -> None:
    meter = story.meter
    meter.pause_began("person", 1.0)
    meter.pause_began("person", 1.5)  # another agent waits for the same
    meter.pause_ended(3.0)
    meter.pause_ended(3.5)
    meter.pause_began("buffer", 5.0)
    meter.blame("log")
    meter.blame("server")  # the first who is to blame is
    meter.pause_began("person", 6.0)  # a person pauses what waited already
    assert meter.pauses(10.0) == {"person": (2, 6.0), "log": (1, 1.0)}
    meter.pause_ended(11.0)
    assert meter.pauses(99.0) == {"person": (2, 7.0), "log": (1, 1.0)}
    meter.blame("server")  # nobody waits
    assert meter.pauses(99.0) == {"person": (2, 7.0), "log": (1, 1.0)}


class Told:
    """Who is told of answers."""

    def __init__(self, meter: Meter) -> None:
        self.answers: list[tuple[Answer, float | None, object, object]] = []
        meter.told = lambda *answer: self.answers.append(answer)
        meter.collecting = True


def test_an_answer_is_told_once_when_it_is_over(story: Story) -> None:
    told = Told(story.meter)
    story.meter.asked(0, 1.0)
    story.open(0, 0)
    story.chunk(0, at=2.0)
    story.chunk(0, at=2.5)
    story.usage(0, 3.0, tokens=2)
    story.meter.asked(0, 4.0)
    story.meter.turn_over(0, 5.0, None)
    ((answer, over, usage, error),) = told.answers
    assert (answer.asked, answer.first, answer.last, answer.gaps) == (1.0, 2.0, 2.5, [0.5])
    assert over == 3.0
    assert isinstance(usage, model.Usage)
    assert error is None


def test_what_was_asked_for_and_never_came_is_told_only_where_it_failed(story: Story) -> None:
    told = Told(story.meter)
    story.meter.asked(0, 1.0)
    story.meter.asked(0, 2.0)  # a tool was called in between
    story.meter.turn_over(0, 3.0, None)
    assert not told.answers
    story.meter.asked(0, 4.0)
    failure = ConnectionError()
    story.meter.turn_over(0, 5.0, failure)
    ((answer, over, usage, error),) = told.answers
    assert (answer.asked, answer.chunks, over, usage, error) == (4.0, 0, 5.0, None, failure)


def test_a_call_that_was_not_streamed_ends_when_its_answer_came_not_when_it_was_let_through(
    story: Story,
) -> None:
    told = Told(story.meter)
    story.meter.asked(0, 1.0)
    story.meter.arrived = 2.0  # and waited there for a minute
    story.usage(0, 62.0, tokens=7)
    assert told.answers[0][1] == 2.0


def test_nobody_is_told_of_answers_that_were_not_asked_for(story: Story) -> None:
    told = Told(story.meter)
    story.open(0, 0)
    story.chunk(0, at=2.0)
    story.usage(0, 3.0, tokens=1)
    assert not told.answers
