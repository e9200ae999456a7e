"""The state machine of ``test_machine``: runs and pages, in a world where anything may happen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Phase as ViewPhase
from tests.faults.healing import check_over, heal
from tests.faults.judging import judge
from tests.faults.mishaps import Mishaps, few, pick, some, streams
from tests.faults.runs import Producer
from tests.faults.views import Viewer

if TYPE_CHECKING:
    from tests.faults.log_kinds import LogKind
    from tests.faults.wires import Client

__all__ = ["Machine", "over", "profile"]

KERNELS = PAGES = 3
PRESSED = 3
"""Buttons of a view that wait for an answer: all of them fit into a socket's queue at once."""
STEPS = 60


class Machine(Mishaps):
    """See above."""

    # Runs.

    @initialize(names=st.sampled_from(["a", "ab"]))
    def begin(self, names: str) -> None:
        """A run or two and a page that watches all of it, since otherwise little happens."""
        for stream in names:
            self.produce(stream, take_over=True, early=True)
            self.watch(stream, start=0, wait=True)
        self.flow(2)
        self.emit(0, 5)
        self.flow(2)

    @rule(
        stream=streams,
        take_over=st.sampled_from([True, True, False]),
        early=st.sampled_from([False] * 4 + [True]),
    )
    def produce(self, stream: str, *, take_over: bool, early: bool) -> None:
        """A run begins, perhaps under a name that is in use, perhaps before it can be claimed."""
        world = self.world
        kernel = self.free(world.kernels, stream, KERNELS, "k")
        if kernel is None:
            return
        producer = Producer(world.truth, stream, self.name("p"), take_over=take_over, early=early)
        world.producers.append(producer)
        kernel.attach(producer)

    @property
    def running(self) -> list[tuple[Client, Producer]]:
        return [
            (kernel, end)
            for kernel in self.world.kernels
            for end in kernel.ends.values()
            if isinstance(end, Producer) and end.can_emit
        ]

    @precondition(lambda self: self.running)
    @rule(number=some, count=few)
    def emit(self, number: int, count: int) -> None:
        self.emit_to(pick(self.running, number)[1], count)

    @staticmethod
    def emit_to(producer: Producer, count: int) -> None:
        for _ in range(count):
            if producer.can_emit:
                producer.emit()

    @precondition(lambda self: self.running)
    @rule(number=some, count=few, turns=few, ups=st.integers(0, 3))
    def talk(self, number: int, count: int, turns: int, ups: int) -> None:
        """A run goes on, and so many of its frames arrive."""
        client, producer = pick(self.running, number)
        for _ in range(turns):
            self.emit_to(producer, count)
            if client in self.flowing:
                client.send_all()
                self.world.up(client, ups)
                self.world.down(client, ups)

    @precondition(lambda self: self.running)
    @rule(number=some, count=few, ups=st.integers(1, 3))
    def talk_on(self, number: int, count: int, ups: int) -> None:
        """Once more, so that it happens more often than what hinders it."""
        self.talk(number, count, 3, ups)

    @precondition(lambda self: any(client in self.flowing for client, _ in self.running))
    @rule(number=some, count=few, early=st.integers(0, 2), ups=st.integers(0, 3))
    def come_back(self, number: int, count: int, early: int, ups: int) -> None:
        """A kernel connects again and goes on, while what it sent before arrives as well."""
        world = self.world
        client, producer = pick([r for r in self.running if r[0] in self.flowing], number)
        client.send_all()
        world.cut(client, hub_knows=False)
        ghost = world.ghosts[-1]
        self.emit_to(producer, count)
        world.connect(client)
        client.send_all()
        world.up(client)
        for _ in range(early):
            world.haunt(ghost)
        world.down(client)
        client.send_all()
        for _ in range(early, 2):
            world.haunt(ghost)
        world.up(client, ups)

    @precondition(lambda self: self.running)
    @rule(number=some, sure=st.integers(0, 4))
    def end(self, number: int, sure: int) -> None:
        _, producer = pick(self.running, number)
        if sure == 0:
            producer.end()

    # Pages.

    @rule(stream=streams, start=st.sampled_from([0, 0, 3, "head", "tail"]), wait=st.booleans())
    def watch(self, stream: str, *, start: int | str, wait: bool) -> None:
        world = self.world
        page = self.free(world.pages, stream, PAGES, "v")
        if page is None:
            return
        held = world.truth.streams.get(stream)
        if isinstance(start, int):
            start = min(start, held.tail if held is not None else 0)
        again = page.wire is not None and stream in page.left
        if again and isinstance(start, str):
            return  # which of the answers that may come is to this cannot be told
        viewer = Viewer(world.truth, stream, self.name("v"), start=start, wait=wait)
        viewer.shared = again
        viewer.void = again and stream in world.truth.deleted
        world.viewers.append(viewer)
        page.attach(viewer)
        world.settle()

    @property
    def views(self) -> list[tuple[Client, Viewer]]:
        return [
            (page, end)
            for page in self.world.pages
            for end in page.ends.values()
            if isinstance(end, Viewer)
        ]

    @precondition(lambda self: self.views)
    @rule(number=some, back=st.sampled_from(["no", "cursor", "head"]))
    def leave(self, number: int, back: str) -> None:
        """A view is closed; perhaps the next cell opens it again, where it was or at 0."""
        page, viewer = pick(self.views, number)
        del page.ends[viewer.stream]
        if page.wire is not None:
            page.left.add(viewer.stream)
            if viewer.phase is not ViewPhase.CLOSED:
                page.send(frames.Unsubscribe(stream=viewer.stream))
        if back == "no" or (viewer.word is not None and back == "cursor"):
            return
        start = viewer.connection.next if back == "cursor" else 0
        self.watch(viewer.stream, start=start, wait=viewer.wait)

    @precondition(lambda self: self.views)
    @rule(number=some, times=st.integers(2, 3), looks=st.integers(0, 3))
    def scroll(self, number: int, times: int, looks: int) -> None:
        """A view leaves the page and is there again, while the log is being read for it."""
        world = self.world
        page, viewer = pick(self.views, number)
        world.log.slow_reads = True
        for _ in range(times):
            view = page.ends.get(viewer.stream)
            if isinstance(view, Viewer):
                self.leave(self.views.index((page, view)), "head")
            world.up(page)
            for _ in range(looks):
                world.look()
                world.log.arrive()
                world.settle()

    @precondition(lambda self: self.views)
    @rule(number=some)
    def press(self, number: int) -> None:
        _, viewer = pick(self.views, number)
        if len(viewer.pressed) == PRESSED:
            return
        viewer.press(frames.Control(stream=viewer.stream, id=self.name("c"), action="pause"))
        self.world.settle()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                heal(self.world)
                check_over(self.world)
                judge(self.world)
        finally:
            self.world.close()


def over(kind: LogKind) -> type[Machine]:
    """Give the machine over a kind of log."""
    return type("MachineOverLog", (Machine,), {"kind": kind})


def profile(examples: int) -> settings:
    """Give settings for so many runs."""
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
