"""What may happen to the wires, the server and its log, as rules of a state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.faults.wires import Client
from tests.faults.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.log_kinds import LogKind

__all__ = ["Mishaps", "few", "pick", "some", "streams"]

T = TypeVar("T")

some = st.integers(0, 11)
streams = st.sampled_from("aaab")
few = st.integers(1, 4)


def pick(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


class Mishaps(RuleBasedStateMachine):
    """A world, and all that does not depend on what runs and who watches."""

    kind: ClassVar[LogKind]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.kind)
        self.names = 0

    def name(self, letter: str) -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def free(self, clients: list[Client], stream: str, limit: int, letter: str) -> Client | None:
        """Give a client that does not know the stream, a new one if need be."""
        for client in clients:
            if stream not in client.ends:
                return client
        if len(clients) == limit:
            return None
        client = Client(self.name(letter), self.world.loop)
        clients.append(client)
        self.world.connect(client)
        return client

    # Wires.

    @property
    def flowing(self) -> list[Client]:
        return [c for c in self.world.clients if c.wire is not None and not c.frozen]

    @precondition(lambda self: self.flowing)
    @rule(number=some)
    def send(self, number: int) -> None:
        pick(self.flowing, number).send_all()

    @precondition(lambda self: self.flowing)
    @rule(number=some, count=few)
    def up(self, number: int, count: int) -> None:
        self.world.up(pick(self.flowing, number), count)

    @precondition(lambda self: self.flowing)
    @rule(number=some, count=few)
    def down(self, number: int, count: int) -> None:
        self.world.down(pick(self.flowing, number), count)

    @rule(rounds=few)
    def flow(self, rounds: int) -> None:
        """All goes well for a while."""
        for _ in range(rounds):
            for client in self.flowing:
                client.send_all()
                self.world.up(client)
                self.world.down(client)

    @precondition(lambda self: any(c.wire is not None for c in self.world.clients))
    @rule(number=some, hub_knows=st.booleans())
    def cut(self, number: int, *, hub_knows: bool) -> None:
        client = pick([c for c in self.world.clients if c.wire is not None], number)
        self.world.cut(client, hub_knows=hub_knows)

    @precondition(lambda self: any(c.wire is None for c in self.world.clients))
    @rule(number=some)
    def connect(self, number: int) -> None:
        client = pick([c for c in self.world.clients if c.wire is None], number)
        self.world.connect(client)

    @precondition(lambda self: self.world.ghosts)
    @rule(number=some, count=st.integers(0, 3))
    def ghost(self, number: int, count: int) -> None:
        """What a client sent before it gave its socket up arrives, or the socket's end does."""
        wire = pick(self.world.ghosts, number)
        for _ in range(count):
            self.world.haunt(wire)
        if count == 0 or not wire.open:
            self.world.bury(wire)

    @rule(number=some)
    def freeze(self, number: int) -> None:
        """Nothing is delivered to a client and from it, or at last again."""
        client = pick(self.world.clients, number)
        client.frozen = not client.frozen

    @precondition(lambda self: any(c.wire is not None for c in self.world.kernels))
    @rule(number=some)
    def send_again(self, number: int) -> None:
        """A kernel sends the append once more that it has just sent."""
        kernel = pick([c for c in self.world.kernels if c.wire is not None], number)
        if kernel.wire is not None and kernel.wire.up and b'"append"' in kernel.wire.up[-1]:
            kernel.wire.up.append(kernel.wire.up[-1])

    # The server and its log.

    @rule(
        what=st.sampled_from(["stop", "kill", "kill", "fill", "fill", "interrupt", "delete"]),
        stream=streams,
        sure=st.booleans(),
    )
    def upset(self, what: str, stream: str, *, sure: bool) -> None:
        """What happens now and then."""
        world = self.world
        match what:
            case "stop" | "kill":
                world.restart(orderly=what == "stop")
            case "fill":
                world.log.full = not world.log.full
            case "interrupt":
                world.interrupt(stream)
            case "delete" if sure:
                world.delete(stream)

    @rule(stream=streams, kept=st.integers(0, 10))
    def trim(self, stream: str, kept: int) -> None:
        held = self.world.truth.streams.get(stream)
        if held is not None:
            self.world.trim(stream, before=max(0, held.tail - kept))

    @rule(writes=st.booleans(), reads=st.booleans())
    def slow(self, *, writes: bool, reads: bool) -> None:
        self.world.log.slow_writes = writes
        self.world.log.slow_reads = reads

    @precondition(lambda self: self.world.log.writes_wait)
    @rule(count=st.integers(1, 6))
    def commit(self, count: int) -> None:
        self.world.commit(count)

    @precondition(lambda self: self.world.log.reads_wait)
    @rule(arrives=st.booleans())
    def read(self, *, arrives: bool) -> None:
        if arrives:
            self.world.log.arrive()
            self.world.settle()
        else:
            self.world.look()

    @rule(seconds=st.sampled_from([1, 1, 1, 11, 30]))
    def pass_time(self, seconds: int) -> None:
        self.world.pass_time(seconds)
