"""Giving a ``World`` everything that it needs, and what must be true of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm_stream.protocol.producer import State
from tests.faults.runs import Producer
from tests.faults.truth import SERVER
from tests.faults.views import Viewer
from tests.faults.wires import ROOM, Client

if TYPE_CHECKING:
    from tests.faults.world import World

__all__ = ["check_over", "heal"]

ROUNDS = 60
"""Rounds of deliveries after which everything must have arrived."""


def heal(world: World) -> None:
    """Mend what is broken, until nothing moves any more; then read all from the beginning.

    Raises:
        AssertionError: If things still move after a bounded number of deliveries.

    """
    world.log.full = world.log.slow_reads = world.log.slow_writes = False
    world.work()
    for ghost in tuple(world.ghosts):
        world.bury(ghost)
    for stream, held in world.truth.streams.items():
        if held.holder == SERVER and not held.closed:
            world.interrupt(stream)  # who could not end a run tries again
    _calm(world)
    witness = Client("witness", world.loop)
    world.pages.append(witness)
    for stream in world.truth.streams:
        viewer = Viewer(world.truth, stream, f"witness-{stream}", start=0, wait=False)
        witness.attach(viewer)
        world.viewers.append(viewer)
    _calm(world)


def _calm(world: World) -> None:
    quiet = 0
    for _ in range(ROUNDS):
        if quiet > 2:
            return
        moved = _round(world)
        if not moved:
            world.pass_time(1)  # a retry may be due
        quiet = 0 if moved else quiet + 1
    raise AssertionError(f"still not quiet after {ROUNDS} rounds")


def _round(world: World) -> bool:
    """Connect whoever is not, and deliver a few frames to everybody; tells whether there were."""
    moved = False
    for client in world.clients:
        if client.wire is None:
            world.connect(client)
            moved = True
        elif any(isinstance(end, Viewer) and end.may_retry for end in client.ends.values()):
            world.cut(client, hub_knows=True)
            moved = True
        client.send_all()
        wire = client.wire
        moved = moved or (wire is not None and bool(wire.up or wire.down))
        world.up(client)
        world.down(client, ROOM)
    return moved


def check_over(world: World) -> None:
    """Raise an error unless all is well: everything was healed."""
    for kernel in world.kernels:
        for end in kernel.ends.values():
            assert isinstance(end, Producer)
            end.check_over()
    for page in world.pages:
        for end in page.ends.values():
            assert isinstance(end, Viewer)
            end.check_over(live=_is_live(world, end.stream))
    acted = {name for producer in world.producers for name in producer.acts}
    for viewer in world.viewers:
        for name, ok in viewer.answered.items():
            assert not ok or name in acted, f"nobody did {name}"
    world.check_log()


def _is_live(world: World, stream: str) -> bool | None:
    """Tell whether the stream's holder is there; None if it is and does not want it any more."""
    holder = world.truth.streams[stream].holder if stream in world.truth.streams else ""
    for kernel in world.kernels:
        end = kernel.ends.get(stream)
        if isinstance(end, Producer) and end.name == holder:
            return None if end.state is State.REFUSED else end.state is State.LIVE
    return False
