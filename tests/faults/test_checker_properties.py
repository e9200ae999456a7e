"""Any correct history passes the checker; with any one thing broken in it, it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.faults.checker import check
from tests.faults.correct_histories import World, worlds
from tests.faults.histories import Ack, Closed, Gone, Kind, Role, Seen, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.correct_histories import Item


@given(world=worlds())
def test_a_correct_history_passes(world: World) -> None:
    assert check(world.stream()) == []


@given(world=worlds())
def test_it_passes_too_where_nobody_saw_what_retention_let_go(world: World) -> None:
    world.readers = [(0, None, 0, world.trimmed)]
    assert check(world.stream()) == []


# Below: one mutation each, and the kind that it must be reported as.


def some_seen(data: st.DataObject, world: World, *roles: Role) -> tuple[Stream, int, int, Seen]:
    """Choose an event that a viewer was shown: the stream, the viewer, where, and what."""
    stream = world.stream()
    places = [
        (number, at, item)
        for number, viewer in enumerate(stream.viewers)
        for at, item in enumerate(viewer.shown)
        if isinstance(item, Seen) and item.role in (roles or tuple(Role))
    ]
    assume(places)
    number, at, item = data.draw(st.sampled_from(places))
    return stream, number, at, item


def show(stream: Stream, number: int, shown: list[Item]) -> Stream:
    viewers = list(stream.viewers)
    viewers[number] = replace(viewers[number], shown=shown)
    return replace(stream, viewers=viewers)


def leave_one_out(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream, number, at, _ = some_seen(data, world)
    shown = list(stream.viewers[number].shown)
    assume(any(isinstance(item, Seen) for item in shown[at + 1 :]))
    del shown[at]
    return show(stream, number, shown), Kind.SILENT_HOLE


def leave_the_rest_out(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream, number, at, _ = some_seen(data, world)
    assume(stream.viewers[number].stayed and stream.viewers[0] is not stream.viewers[number])
    return show(stream, number, list(stream.viewers[number].shown[:at])), Kind.LOST


def show_twice(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream, number, at, item = some_seen(data, world)
    shown = list(stream.viewers[number].shown)
    later = data.draw(st.integers(at + 1, len(shown)))
    shown.insert(later, item)
    return show(stream, number, shown), Kind.DOUBLED


def show_swapped(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream, number, at, _ = some_seen(data, world)
    shown = list(stream.viewers[number].shown)
    assume(at + 1 < len(shown) and isinstance(shown[at + 1], Seen))
    shown[at], shown[at + 1] = shown[at + 1], shown[at]
    return show(stream, number, shown), Kind.REORDERED


def show_another(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream, number, at, item = some_seen(data, world, Role.GIVEN)
    shown = list(stream.viewers[number].shown)
    shown[at] = item._replace(payload="9.9")
    return show(stream, number, shown), Kind.INVENTED


def say_nothing_of_what_is_gone(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream = world.stream()
    told = [
        (number, at)
        for number, viewer in enumerate(stream.viewers)
        for at, item in enumerate(viewer.shown)
        if isinstance(item, Gone) and any(isinstance(i, Seen) for i in viewer.shown[at + 1 :])
    ]
    assume(told)
    number, at = data.draw(st.sampled_from(told))
    shown = list(stream.viewers[number].shown)
    del shown[at]
    return show(stream, number, shown), Kind.SILENT_HOLE


def let_go_of_too_much(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream = world.stream()
    told = [v for v in stream.viewers if any(isinstance(item, Gone) for item in v.shown)]
    assume(told)
    return replace(stream, trimmed=stream.trimmed - 1), Kind.LOST


def some_payload(data: st.DataObject, world: World) -> tuple[int, int]:
    places = [
        (number, at)
        for number, part in enumerate(world.parts)
        for at, (_, role) in enumerate(part)
        if role is Role.GIVEN
    ]
    assume(places)
    return data.draw(st.sampled_from(places))


def lose_from_the_log(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    number, at = some_payload(data, world)
    part = world.parts[number]
    ended = world.outcome is not None and number == len(world.parts) - 1
    assume(ended or any(role is Role.GIVEN for _, role in part[at + 1 :]))
    del part[at]
    return world.stream(), Kind.LOST


def double_in_the_log(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    number, at = some_payload(data, world)
    part = world.parts[number]
    part.insert(data.draw(st.integers(at + 1, len(part))), part[at])
    return world.stream(), Kind.DOUBLED


def reorder_in_the_log(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    number, at = some_payload(data, world)
    part = world.parts[number]
    others = [n for n, (_, role) in enumerate(part) if role is Role.GIVEN and n > at]
    assume(others)
    other = data.draw(st.sampled_from(others))
    part[at], part[other] = part[other], part[at]
    return world.stream(), Kind.REORDERED


def invent_in_the_log(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    number = data.draw(st.integers(0, len(world.parts) - 1))
    part = world.parts[number]
    other = data.draw(st.sampled_from([p for g in world.given for p in g] + ["9.9"]))
    assume(other not in world.given[number])
    part.insert(data.draw(st.integers(0, len(part))), (other, Role.GIVEN))
    return world.stream(), Kind.INVENTED


def acknowledge_too_much(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream = world.stream()
    number = data.draw(st.integers(0, len(stream.producers) - 1))
    producer = stream.producers[number]
    producers = list(stream.producers)
    beyond = Ack(99.0, world.base(number + 1) + 1)
    producers[number] = replace(producer, acks=[*producer.acks, beyond])
    return replace(stream, producers=producers), Kind.ACKED_THEN_LOST


def go_back_behind_an_ack(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    stream = world.stream()
    number = data.draw(st.integers(0, len(stream.producers) - 1))
    producer = stream.producers[number]
    back = Ack(99.0, data.draw(st.integers(0, producer.acks[-1].next - 1)), claimed=True)
    producers = list(stream.producers)
    producers[number] = replace(producer, acks=[*producer.acks, back])
    return replace(stream, producers=producers), Kind.ACKED_THEN_LOST


def end_otherwise(data: st.DataObject, world: World) -> tuple[Stream, Kind]:
    assume(world.outcome is not None)
    how = data.draw(st.sampled_from(["another", "none", "early", "untold", "mistold"]))
    part = world.parts[-1]
    match how:
        case "another":
            part[-1] = ("failed", Role.END)
        case "none":
            part[-1] = ("tool", Role.OWN)
        case "early":
            part.append(("tool", Role.OWN))
        case _:
            stream = world.stream()
            told = [n for n, viewer in enumerate(stream.viewers) if viewer.stayed]
            number = data.draw(st.sampled_from(told))
            shown = list(stream.viewers[number].shown)
            last = shown.pop()
            assert isinstance(last, Closed)
            if how == "mistold":
                shown.append(last._replace(tail=last.tail + data.draw(st.sampled_from([-1, 1]))))
            return show(stream, number, shown), Kind.WRONG_END
    return world.stream(), Kind.WRONG_END


MUTATIONS = [
    leave_one_out,
    leave_the_rest_out,
    show_twice,
    show_swapped,
    show_another,
    say_nothing_of_what_is_gone,
    let_go_of_too_much,
    lose_from_the_log,
    double_in_the_log,
    reorder_in_the_log,
    invent_in_the_log,
    acknowledge_too_much,
    go_back_behind_an_ack,
    end_otherwise,
]


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
@given(world=worlds(), data=st.data())
def test_one_thing_broken_is_caught(
    mutate: Callable[[st.DataObject, World], tuple[Stream, Kind]], world: World, data: st.DataObject
) -> None:
    stream, kind = mutate(data, world)
    assert kind in {violation.kind for violation in check(stream)}
