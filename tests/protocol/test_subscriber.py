"""A viewer's end: nothing is shown twice, out of order, or over a hole."""

from __future__ import annotations

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import (
    MAX_STRIKES,
    Missing,
    Phase,
    Shown,
    SubscriberConnection,
)


def raws(first: int, last: int) -> list[msgspec.Raw]:
    return [msgspec.Raw(b'{"n":%d}' % number) for number in range(first, last)]


def events(first: int, last: int) -> frames.Events:
    return frames.Events(stream="demo", offset=first, events=raws(first, last))


def subscribed(start: int, tail: int, *, head: int = 0) -> frames.Subscribed:
    return frames.Subscribed(
        stream="demo", start=start, head=head, tail=tail, closed=False, producer="live"
    )


def live(start: int = 0) -> SubscriberConnection:
    viewer = SubscriberConnection("demo", start=start)
    viewer.connected()
    viewer.frames_to_send()
    viewer.receive(subscribed(start, 10))
    return viewer


def test_a_hole_is_never_shown_but_asked_for_again() -> None:
    viewer = live()
    viewer.receive(events(0, 3))
    viewer.receive(events(5, 6))
    viewer.receive(events(6, 7))  # still of the old subscription
    assert viewer.take() == [Shown(0, raws(0, 3))]
    assert viewer.frames_to_send() == [frames.Subscribe(stream="demo", start=3)]
    assert (viewer.phase, viewer.holes) == (Phase.JOINING, 1)


def test_what_comes_again_is_counted_and_not_shown() -> None:
    viewer = live()
    viewer.receive(events(0, 3))
    viewer.receive(events(1, 5))
    assert [shown.offset for shown in viewer.take() if isinstance(shown, Shown)] == [0, 3]
    assert (viewer.received, viewer.doubled, viewer.next) == (5, 2, 5)


def test_what_the_log_let_go_of_is_said_and_counted() -> None:
    viewer = live()
    viewer.receive(frames.Gone(stream="demo", head=4, tail=9))
    assert viewer.take() == [Missing(0, 3)]
    assert viewer.missing == 4
    assert viewer.frames_to_send() == [frames.Subscribe(stream="demo", start=4)]


def test_a_server_that_leaves_the_same_hole_again_and_again_has_failed() -> None:
    viewer = live()
    for _ in range(MAX_STRIKES):
        viewer.receive(subscribed(0, 10))
        viewer.receive(events(2, 3))
    assert viewer.phase is Phase.FAILED
    assert viewer.failure is not None
    assert viewer.failure[0] == "hole"


def test_a_log_that_ends_before_what_was_seen_was_lost() -> None:
    viewer = live()
    viewer.receive(events(0, 5))
    viewer.lost()
    viewer.connected()
    viewer.receive(frames.Gone(stream="demo", head=0, tail=2))
    assert viewer.failure is not None
    assert viewer.failure[0] == "log_lost"


class Watching(RuleBasedStateMachine):
    """A viewer of a growing log, over a wire that loses its connection at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.viewer = SubscriberConnection("demo")
        self.tail = 0
        self.head = 0
        self.cursor: int | None = None
        self.wire: list[frames.ServerFrame] = []
        self.shown: list[int] = []
        self.said_missing: list[int] = []

    @rule(count=st.integers(1, 5))
    def grow(self, count: int) -> None:
        self.tail += count

    @rule(count=st.integers(1, 3))
    def trim(self, count: int) -> None:
        self.head = min(self.tail, self.head + count)

    @precondition(lambda self: self.viewer.phase is Phase.OFFLINE)
    @rule()
    def connect(self) -> None:
        self.viewer.connected()

    @rule()
    def server_answers(self) -> None:
        for frame in self.viewer.frames_to_send():
            assert isinstance(frame, frames.Subscribe)
            start = frame.start
            assert isinstance(start, int)
            if self.head <= start <= self.tail:
                self.cursor = start
                self.wire.append(subscribed(start, self.tail, head=self.head))
            else:
                self.cursor = None
                self.wire.append(frames.Gone(stream="demo", head=self.head, tail=self.tail))

    @precondition(lambda self: self.cursor is not None)
    @rule(limit=st.integers(1, 4))
    def server_sends(self, limit: int) -> None:
        assert self.cursor is not None
        if self.cursor < self.head:
            self.cursor = None
            self.wire.append(frames.Gone(stream="demo", head=self.head, tail=self.tail))
        elif self.cursor < self.tail:
            last = min(self.tail, self.cursor + limit)
            self.wire.append(events(self.cursor, last))
            self.cursor = last

    @rule(count=st.integers(1, 5))
    def viewer_reads(self, count: int) -> None:
        for frame in self.wire[:count]:
            self.viewer.receive(frame)
        del self.wire[:count]
        for what in self.viewer.take():
            match what:
                case Shown(offset=offset, events=batch):
                    self.shown += range(offset, offset + len(batch))
                case Missing(first=first, last=last):
                    self.said_missing += range(first, last + 1)

    @rule()
    def cut(self) -> None:
        self.viewer.lost()
        self.wire.clear()
        self.cursor = None

    @invariant()
    def every_offset_was_shown_or_said_to_be_missing_once_and_in_order(self) -> None:
        assert sorted(self.shown + self.said_missing) == list(range(self.viewer.next))
        assert self.shown == sorted(self.shown)
        assert self.viewer.doubled == 0
        assert self.viewer.phase is not Phase.FAILED


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
