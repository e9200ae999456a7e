"""What a transport can take at once goes at once, in the same order as it would otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from swarm_stream.protocol import frames
from tests.hub.peers import END, Place, delta, quiet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Place]:
    made = Place(at_once=True)
    yield made
    await made.close()


def add(place: Place, *events: dict[str, object]) -> None:
    """Add events without letting any task run."""
    info = place.log.info_now("demo")
    data = [json.dumps(event).encode() for event in events]
    place.log.append_now(
        "demo", epoch=info.epoch, offset=info.tail, events=data, closes=events[-1] == END
    )


async def test_a_viewer_who_is_up_to_date_is_sent_events_before_any_task_runs(
    place: Place,
) -> None:
    await place.fill(delta(0))
    viewers = [place.join() for _ in range(3)]
    for viewer in viewers:
        await viewer.subscribe("tail")
        viewer.take()
    add(place, delta(1), delta(2))
    add(place, delta(3))
    for viewer in viewers:
        assert viewer.events(1) == [delta(1), delta(2), delta(3)]
    assert len({id(viewer.raw[-1]) for viewer in viewers}) == 1  # encoded once


async def test_what_is_queued_goes_first(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe("tail")
    viewer.take()
    viewer.socket.send(frames.Controlled(stream="demo", id="c", ok=True))
    add(place, delta(1))
    assert viewer.take() == []
    await quiet()
    assert [frame["op"] for frame in viewer.take()] == ["controlled", "events"]


async def test_a_transport_that_is_full_gets_it_when_it_has_drained(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe("tail")
    viewer.take()
    viewer.open.clear()
    add(place, delta(1))
    await quiet()
    add(place, delta(2), delta(3))
    await quiet()
    assert viewer.take() == []
    viewer.open.set()
    await quiet()
    assert [len(frame["events"]) for frame in viewer.got] == [1, 2]
    assert viewer.events(1) == [delta(1), delta(2), delta(3)]


async def test_the_end_is_told_after_the_last_event(place: Place) -> None:
    await place.fill(delta(0))
    viewer = place.join()
    await viewer.subscribe("tail")
    viewer.take()
    add(place, delta(1), END)
    await quiet()
    assert [frame["op"] for frame in viewer.take()] == ["events", "status", "closed"]


async def test_streams_of_one_socket_all_get_their_turn(place: Place) -> None:
    viewer = place.join()
    for stream in ("a", "b"):
        await place.fill(delta(0), stream=stream)
        await viewer.subscribe("tail", stream=stream)
    viewer.take()
    viewer.open.clear()
    for stream in ("a", "b"):
        await place.add([delta(1)], stream)
    viewer.open.set()
    await quiet()
    assert [frame["stream"] for frame in viewer.take("events")] == ["a", "b"]
