"""A server over a real log, kernels, pages, and everything that may happen between them.

One thread, one clock that stands still, no network: what the machine does not do does not happen.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from swarm_stream.errors import LogError, NoSuchStreamError
from swarm_stream.hub import hot_tail as hot_tail_module
from swarm_stream.hub import hub as hub_module
from swarm_stream.hub import socket as socket_module
from swarm_stream.hub.hub import StreamHub
from swarm_stream.protocol.server import Limits
from tests.faults.loop import StepLoop
from tests.faults.stepped_log import SteppedLog
from tests.faults.truth import SERVER, Truth
from tests.faults.views import Viewer
from tests.faults.wires import HEARTBEAT_S, ROOM, SILENCE_S, Client, Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Iterator

    from tests.faults.log_kinds import LogKind
    from tests.faults.runs import Producer

__all__ = ["World"]

QUEUE_BYTES = 1500
MAX_EVENTS = 6  # of a frame; producers begin with more, and are told so
READ_BYTES = 400  # so that a few events are several frames


class World:
    """See above.

    Attributes:
        kernels: Clients that produce.
        pages: Clients that watch.
        ghosts: Wires whose client has gone and whose hub does not know.
        producers: All that ever were; those of a kernel's ``ends`` still run.
        viewers: The same.

    """

    def __init__(self, kind: LogKind) -> None:
        self.kind = kind
        self.folder = Path(tempfile.mkdtemp())
        self.loop = StepLoop()
        self.truth = Truth(on_delete=self._deleted)
        self.kernels: list[Client] = []
        self.pages: list[Client] = []
        self.ghosts: list[Wire] = []
        self.producers: list[Producer] = []
        self.viewers: list[Viewer] = []
        self._tasks: list[asyncio.Task[None]] = []
        clock = SimpleNamespace(
            monotonic=self.loop.time, time=self.loop.time, perf_counter=self.loop.time
        )
        self._patches: list[Any] = [
            patch.object(socket_module, "time", clock),
            patch.object(hub_module, "MAX_READ_BYTES", READ_BYTES),
            patch.object(hot_tail_module, "MAX_HELD_BYTES", 2 * READ_BYTES),
        ]
        for each in self._patches:
            each.start()
        self._inner = kind.make(self.folder)
        self.loop.run_until_complete(self._inner.open())
        self._start()

    def _start(self) -> None:
        self.log = SteppedLog(self._inner, self.truth)
        limits = Limits(
            events=MAX_EVENTS,
            queue_bytes=QUEUE_BYTES,
            heartbeat_s=HEARTBEAT_S,
            silence_limit_s=SILENCE_S,
        )
        self.hub = StreamHub(self.log, server_id="srv", limits=limits)

    @property
    def clients(self) -> list[Client]:
        return [*self.kernels, *self.pages]

    @property
    def wires(self) -> Iterator[Wire]:
        yield from self.ghosts
        yield from (client.wire for client in self.clients if client.wire is not None)

    @property
    def watching(self) -> list[Viewer]:
        """Views that are still open."""
        ends = (end for page in self.pages for end in page.ends.values())
        return [end for end in ends if isinstance(end, Viewer)]

    def settle(self) -> None:
        """Let everything go as far as it can, and look whether something is wrong."""
        self.loop.drain()
        while self.log.busy:
            self.loop.run_until_complete(self.log.change())
            self.loop.drain()
        problems = [*self.loop.problems, *self.log.problems]
        assert not problems, problems
        for task in self._tasks:
            if task.done():
                task.result()
        for wire in self.wires:
            wire.raise_problems()
            assert len(wire.down) <= ROOM + 1
            queued = wire.socket.connection._out_bytes
            assert wire.socket.hung_up is not None or queued <= QUEUE_BYTES
        for page in self.pages:
            if page.wire is not None:
                page.send_all()

    def up(self, client: Client, count: int = 1000) -> None:
        """Have frames of a client arrive."""
        while count and client.wire is not None and client.wire.up:
            client.wire.deliver_up()
            self.settle()
            count -= 1

    def down(self, client: Client, count: int = 1000) -> None:
        """Have frames arrive at a client."""
        while count and client.wire is not None and client.wire.down:
            client.wire.deliver_down()
            self.settle()
            count -= 1

    def connect(self, client: Client) -> None:
        self.loop.within(lambda: client.connect(self.hub))
        self.settle()

    def cut(self, client: Client, *, hub_knows: bool) -> None:
        """Break a client's connection; what is on its way down is lost, and perhaps that up."""
        wire = client.lose()
        assert wire is not None
        if hub_knows:
            wire.close_at_hub()
        else:
            self.ghosts.append(wire)
        self.settle()

    def haunt(self, ghost: Wire) -> None:
        """Have a frame arrive that was sent before its client gave the socket up."""
        if ghost.up:
            ghost.deliver_up()
            self.settle()

    def bury(self, ghost: Wire) -> None:
        """Have the hub learn of a connection that was lost."""
        self.ghosts.remove(ghost)
        ghost.close_at_hub()
        self.settle()

    def restart(self, *, orderly: bool) -> None:
        """Stop the server, or kill it, and start another one on the same log."""
        if orderly:
            settled = self.loop.create_task(self.hub.settle())
            while not settled.done():
                self.work()
        for client in self.clients:
            wire = client.wire
            if wire is not None:
                wire.close_at_hub()
                while orderly and wire.down and client.wire is wire:
                    wire.deliver_down()  # what was queued arrives before the socket's end
                client.lose()
        for ghost in self.ghosts:
            ghost.close_at_hub()
        self.loop.drain()
        self.ghosts.clear()
        self._stop_tasks()
        self.loop.run_until_complete(self.hub.aclose())
        self.settle()
        if self.kind.survives:
            self.loop.run_until_complete(self._inner.aclose())
            self._inner = self.kind.make(self.folder)
            self.loop.run_until_complete(self._inner.open())
        self._start()
        self.settle()

    def work(self) -> None:
        """Have the log do all that waits for it."""
        self.commit(1000)
        self.look()
        self.log.arrive()
        self.settle()

    def commit(self, count: int) -> None:
        self.loop.within(lambda: self.log.commit(count))
        self.settle()

    def look(self) -> None:
        self.loop.within(self.log.look)
        self.settle()

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.loop.pass_time(1.0)
            for client in self.clients:
                wire = client.wire
                client.tick()
                if wire is not None and client.wire is None:
                    self.ghosts.append(wire)
            self.settle()

    def check_log(self) -> None:
        """Raise an error unless what can be read from the log is the truth."""
        infos = self.loop.run_until_complete(self._inner.list())
        assert {info.stream for info in infos} == self.truth.streams.keys()
        for info in infos:
            held = self.truth.streams[info.stream]
            assert (info.head, info.tail, info.closed) == (held.head, held.tail, held.closed)
            assert (info.epoch, info.producer) == (held.epoch, held.holder)
            offset = info.head
            while offset < info.tail:
                part = self.loop.run_until_complete(
                    self._inner.read(info.stream, offset, max_events=50, max_bytes=10_000)
                )
                assert part.count > 0
                assert part.body == b",".join(held.events[offset : offset + part.count])
                offset += part.count

    def close(self) -> None:
        """Stop everything, whatever state it is in."""
        for wire in self.wires:
            wire.close_at_hub()
        self._stop_tasks()
        self.loop.run_until_complete(self.hub.aclose())
        self.loop.run_until_complete(self._inner.aclose())
        for each in self._patches:
            each.stop()
        self.loop.close()
        shutil.rmtree(self.folder)

    def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self.loop.drain()

    def interrupt(self, stream: str) -> None:
        """Have the server end a run whose kernel it believes to be dead, and no later one."""
        held = self.truth.streams.get(stream)
        epoch = held.epoch if held is not None else 1

        async def end() -> None:
            ended = await self.hub.interrupt(
                stream, epoch=epoch, by=SERVER, reason="the kernel died", now_ms=9
            )
            assert not ended or held is None or held.epoch <= epoch + 1, "a later run was ended"

        self.call(end())

    def trim(self, stream: str, *, before: int) -> None:
        self.call(self.loop.within(lambda: self.log.trim(stream, before=before)))

    def delete(self, stream: str) -> None:
        self.call(self.hub.delete(stream))

    def call(self, work: Awaitable[object]) -> None:
        """Begin something that may be refused; whoever asked would ask again."""

        async def ask() -> None:
            try:
                await work
            except (NoSuchStreamError, LogError):
                return

        self._tasks.append(self.loop.create_task(ask()))
        self.settle()

    def _deleted(self, stream: str) -> None:
        """What was read and written under the name is not what comes under it from now on."""
        for producer in self.producers:
            producer.void = producer.void or producer.stream == stream
        for viewer in self.viewers:
            viewer.void = viewer.void or viewer.stream == stream
