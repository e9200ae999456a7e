"""The checker catches each kind of broken history, and nothing in an unbroken one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.checker import check
from tests.faults.histories import (
    Ack,
    Closed,
    Fault,
    Gone,
    Kind,
    Producer,
    Role,
    Seen,
    Stream,
    Viewer,
    Violation,
    report,
)

LOG = [
    Seen(1.0, 0, "start", Role.OWN),
    Seen(1.1, 1, "a"),
    Seen(1.2, 2, "b"),
    Seen(1.3, 3, "c"),
    Seen(1.4, 4, "completed", Role.END),
]
CLOSED = Closed(1.5, 5)
ANN = Viewer("ann", (*LOG, CLOSED))
KERNEL = Producer("kernel", "abc", acks=(Ack(1.2, 2), Ack(1.5, 5)))
GOOD = Stream("demo", [KERNEL], [ANN])


def kinds(stream: Stream) -> set[Kind]:
    return {violation.kind for violation in check(stream)}


def shown(*items: Seen | Gone | Closed, trimmed: int = 0) -> Stream:
    """The good stream with a second viewer who was shown these."""
    return replace(GOOD, viewers=[ANN, Viewer("bob", items)], trimmed=trimmed)


def logged(*payloads: str) -> Stream:
    """The good stream with this between its start and its end, in the eyes of all."""
    roles = [Role.GIVEN] * len(payloads)
    rows = [
        ("start", Role.OWN), *zip(payloads, roles, strict=True), ("completed", Role.END)
    ]  # fmt: skip
    seen = [Seen(1.0, offset, *row) for offset, row in enumerate(rows)]
    kernel = replace(KERNEL, acks=())
    viewer = Viewer("ann", (*seen, Closed(2.0, len(seen))))
    return replace(GOOD, producers=[kernel], viewers=[viewer])


def test_an_unbroken_history_passes() -> None:
    assert check(GOOD) == []


def test_viewers_may_come_late_leave_early_and_be_told_what_is_gone() -> None:
    late = Viewer("late", (*LOG[3:], CLOSED), start=3)
    left = Viewer("left", LOG[:2], stayed=False)
    told = Viewer("told", (LOG[0], Gone(2.0, 1, 2), *LOG[3:], CLOSED))
    assert check(replace(GOOD, viewers=[ANN, late, left, told], trimmed=3)) == []


def test_a_stream_that_is_open_has_no_end() -> None:
    ann = Viewer("ann", LOG[:4])
    kernel = replace(KERNEL, given="abcdef", ended=False, acks=(Ack(1.2, 4),))
    assert check(Stream("demo", [kernel], [ann], outcome=None)) == []


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("ac", Kind.LOST),
        ("ab", Kind.LOST),
        ("bc", Kind.LOST),
        ("", Kind.LOST),
        ("aabc", Kind.DOUBLED),
        ("abca", Kind.DOUBLED),
        ("bac", Kind.REORDERED),
        ("cab", Kind.REORDERED),
        ("axbc", Kind.INVENTED),
    ],
)
def test_a_log_that_is_not_what_was_given(log: str, kind: Kind) -> None:
    assert check(logged(*"abc")) == []
    assert kinds(logged(*log)) == {kind}


def test_a_viewer_that_misses_the_last_events() -> None:
    assert kinds(shown(*LOG[:3])) == {Kind.LOST, Kind.WRONG_END}


def test_a_viewer_that_sees_an_event_twice() -> None:
    assert kinds(shown(*LOG[:3], LOG[2], *LOG[3:], CLOSED)) == {Kind.DOUBLED}


def test_a_viewer_that_sees_an_event_below_its_cursor() -> None:
    stream = replace(GOOD, viewers=[ANN, Viewer("bob", (*LOG[2:], CLOSED), start=3)])
    assert kinds(stream) == {Kind.DOUBLED}


def test_a_viewer_that_jumps() -> None:
    assert kinds(shown(*LOG[:2], *LOG[3:], CLOSED)) == {Kind.SILENT_HOLE}


def test_a_viewer_that_sees_events_in_another_order() -> None:
    swapped = (LOG[0], LOG[2], LOG[1], *LOG[3:])
    assert kinds(shown(*swapped, CLOSED)) == {Kind.SILENT_HOLE, Kind.REORDERED}


def test_a_viewer_that_sees_what_nobody_else_sees() -> None:
    other = Seen(1.2, 2, "x")
    assert kinds(shown(*LOG[:2], other, *LOG[3:], CLOSED)) == {Kind.INVENTED}


def test_a_viewer_that_sees_what_the_log_does_not_keep() -> None:
    ghost = Seen(1.5, 5, "d")
    stream = replace(GOOD, viewers=[ANN, Viewer("bob", (*LOG, ghost), stayed=False)])
    assert {Kind.LOST, Kind.INVENTED} <= kinds(stream)


@pytest.mark.parametrize(
    ("gone", "trimmed", "kind"),
    [
        (Gone(2.0, 1, 2), 0, Kind.LOST),  # nothing was to be let go
        (Gone(2.0, 1, 2), 2, Kind.LOST),  # only offset 1 was
        (Gone(2.0, 2, 2), 3, Kind.SILENT_HOLE),  # and 1?
        (Gone(2.0, 0, 2), 3, Kind.DOUBLED),  # 0 was shown
    ],
)
def test_a_viewer_that_is_told_wrongly_what_is_gone(gone: Gone, trimmed: int, kind: Kind) -> None:
    assert kinds(shown(LOG[0], gone, *LOG[3:], CLOSED, trimmed=trimmed)) == {kind}


def test_what_nobody_can_see_any_more_is_not_lost_but_nothing_besides_is_excused() -> None:
    dark = Viewer("ann", (LOG[0], Gone(2.0, 1, 2), *LOG[3:], CLOSED))
    stream = replace(GOOD, viewers=[dark], trimmed=3)
    assert check(stream) == []
    more = replace(KERNEL, given="abxc")  # two offsets are dark, three payloads are not seen
    assert kinds(replace(stream, producers=[more])) == {Kind.LOST}


def test_an_ack_of_what_the_log_does_not_hold() -> None:
    kernel = replace(KERNEL, acks=(Ack(1.2, 6),))
    assert kinds(replace(GOOD, producers=[kernel])) == {Kind.ACKED_THEN_LOST}


def test_a_claim_that_goes_back_behind_an_ack() -> None:
    good = (Ack(1.2, 3), Ack(1.3, 3, claimed=True), Ack(1.4, 2))
    assert check(replace(GOOD, producers=[replace(KERNEL, acks=good)])) == []
    bad = (Ack(1.2, 3), Ack(1.3, 2, claimed=True))
    stream = replace(GOOD, producers=[replace(KERNEL, acks=bad)])
    assert kinds(stream) == {Kind.ACKED_THEN_LOST}


def test_a_stream_that_is_taken_over() -> None:
    old = Producer("old", ["a", "b", "z"], base=0, acks=(Ack(1.2, 3),), ended=False)
    new = Producer("new", ["c"], base=3, acks=(Ack(1.5, 5),))
    taken = replace(GOOD, producers=[old, new])
    assert check(taken) == []
    late = replace(old, acks=(Ack(1.2, 4),))
    assert kinds(replace(taken, producers=[late, new])) == {Kind.ACKED_THEN_LOST}
    mixed = replace(new, base=2)  # so that "b" lies in the new one's part
    assert Kind.INVENTED in kinds(replace(taken, producers=[old, mixed]))


@pytest.mark.parametrize(
    "items",
    [
        (*LOG,),  # never told
        (*LOG, CLOSED, CLOSED),
        (*LOG, Closed(1.5, 4)),
        (*LOG, Closed(1.5, 6)),
        (*LOG[:4], Closed(1.5, 4), LOG[4]),
        (*LOG[:4], Closed(1.5, 4)),
    ],
)
def test_a_viewer_that_is_told_wrongly_of_the_end(items: tuple[Seen | Closed, ...]) -> None:
    assert Kind.WRONG_END in kinds(shown(*items))


def test_a_log_with_no_end_or_another_or_one_in_the_middle() -> None:
    assert kinds(replace(GOOD, outcome="failed")) == {Kind.WRONG_END}
    no_end = Viewer("ann", (*LOG[:4], Closed(1.5, 4)))
    kernel = replace(KERNEL, acks=())
    assert kinds(replace(GOOD, producers=[kernel], viewers=[no_end])) == {Kind.WRONG_END}
    behind = Viewer("ann", (*LOG, Seen(1.6, 5, "more", Role.OWN), Closed(1.7, 6)))
    assert kinds(replace(GOOD, viewers=[behind])) == {Kind.WRONG_END}


def test_an_open_stream_that_is_said_to_have_ended() -> None:
    assert kinds(replace(GOOD, outcome=None)) == {Kind.WRONG_END}
    only_told = Viewer("ann", (*LOG[:4], Closed(1.5, 4)))
    kernel = replace(KERNEL, acks=())
    stream = Stream("demo", [kernel], [only_told], outcome=None)
    assert kinds(stream) == {Kind.WRONG_END}


def test_a_payload_that_was_given_twice_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="given twice"):
        check(replace(GOOD, producers=[replace(KERNEL, given="aba")]))


def test_a_report_says_what_happened_just_before() -> None:
    violation = Violation(Kind.LOST, "demo", "ann", "it is gone", at=10.0)
    faults = [Fault(9.5, "kill", "server"), Fault(11.0, "cut", "ann"), Fault(1.0, "cut", "bob")]
    text = report([violation] * 3, faults, limit=1)
    assert "3 lost" in text
    assert "0.500 s after kill server" in text
    assert "cut ann" not in text
    assert "and 2 more" in text
    assert report([]) == "no violations"
