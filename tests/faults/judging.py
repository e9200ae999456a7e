"""The histories of a ``World``, for the checker that knows nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm_stream.protocol.subscriber import Phase, Shown
from tests.faults import histories
from tests.faults.checker import check
from tests.faults.histories import Role
from tests.faults.truth import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.runs import Producer
    from tests.faults.views import Viewer
    from tests.faults.world import World

__all__ = ["judge"]


def judge(world: World) -> None:
    """Have the checker look at every stream that was not deleted."""
    for name, held in world.truth.streams.items():
        if name in world.truth.deleted or held.head == held.tail:
            continue  # of what nobody could see there is nothing to say
        history = _stream(world, name)
        violations = check(history)
        assert not violations, histories.report(violations)


def _stream(world: World, name: str) -> histories.Stream:
    held = world.truth.streams[name]
    writers = [
        producer
        for producer in world.producers
        if producer.stream == name and producer.name in held.wrote
    ]
    writers.sort(key=lambda producer: held.wrote.index(producer.name))
    return histories.Stream(
        name=name,
        producers=[_producer(producer) for producer in writers],
        viewers=[
            _viewer(viewer, stayed=viewer in world.watching)
            for viewer in world.viewers
            if viewer.stream == name and viewer.start is not None
        ],
        outcome=said(held.events[-1]).outcome if held.closed else None,
        trimmed=held.trimmed,
    )


def _producer(producer: Producer) -> histories.Producer:
    held = producer.truth.streams[producer.stream]
    given = [raw.decode() for raw in producer.made if said(raw).type != "end"]
    return histories.Producer(
        producer.name,
        given,
        base=producer.origin,
        acks=[histories.Ack(0.0, next_offset, claimed) for next_offset, claimed in producer.acks],
        ended=producer.ended and held.closed and held.holder == producer.name,
    )


def _viewer(viewer: Viewer, *, stayed: bool) -> histories.Viewer:
    assert viewer.start is not None
    return histories.Viewer(viewer.name, list(_shown(viewer)), start=viewer.start, stayed=stayed)


def _shown(viewer: Viewer) -> Iterator[histories.Seen | histories.Gone | histories.Closed]:
    for what in viewer.history:
        if isinstance(what, Shown):
            for index, raw in enumerate(what.events):
                about = said(raw)
                # Those of the server tell of nobody who made them.
                role = Role.GIVEN if about.p else Role.OWN
                text = bytes(raw).decode()
                if about.type == "end":
                    role, text = Role.END, about.outcome
                yield histories.Seen(0.0, what.offset + index, text, role)
        else:
            yield histories.Gone(0.0, what.first, what.last)
    if viewer.phase is Phase.CLOSED:
        yield histories.Closed(0.0, viewer.connection.tail or 0)
