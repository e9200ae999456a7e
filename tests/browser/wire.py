"""The network between a browser and its server: it can be cut, frozen and refused.

A TCP proxy on a thread of its own, because Playwright has the test's. What it does to the
connections is what a person's network does: a cable that is pulled says nothing to anybody.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Wire", "wire_to"]

HOST: Final = "127.0.0.1"
CHUNK_BYTES: Final = 2**16
WAIT_S: Final = 10.0


class Wire:
    """All connections to one port. Call from any thread; each call is done when it returns.

    Attributes:
        port: Where browsers connect.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop, to_port: int) -> None:
        self.port = 0
        self._loop = loop
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._carried: dict[asyncio.Task[None], asyncio.Event] = {}
        self._refusing = False

    def freeze(self) -> None:
        """Carry nothing more over the connections that are open, and say nothing of it.

        New ones work. Those that were frozen stay so until ``cut``.
        """
        self._call(self._freeze)

    def cut(self, *, refuse: bool = False) -> None:
        """Close all connections; with ``refuse``, new ones too until ``mend``."""
        self._call(lambda: self._cut(refuse))

    def mend(self) -> None:
        """Let new connections through again."""
        self._call(self._mend)

    async def open(self) -> None:
        """Begin to listen. On the loop."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Close everything. On the loop."""
        assert self._server is not None
        self._server.close()
        tasks = tuple(self._carried)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, work: Callable[[], None]) -> None:
        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(WAIT_S)

    def _freeze(self) -> None:
        for flows in self._carried.values():
            flows.clear()

    def _cut(self, refuse: bool) -> None:  # noqa: FBT001
        self._refusing = refuse
        for task in self._carried:
            task.cancel()

    def _mend(self) -> None:
        self._refusing = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried[task] = flows = asyncio.Event()
        flows.set()
        ends = [writer]
        try:
            if self._refusing:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(HOST, self._to_port)
            ends.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(reader, far_writer, flows))
                group.create_task(_carry(far_reader, writer, flows))
        except* (OSError, asyncio.CancelledError):  # one end is gone, or the wire was cut
            for end in ends:
                end.transport.abort()
        finally:
            del self._carried[task]
            for end in ends:
                end.close()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event
) -> None:
    while True:
        data = await reader.read(CHUNK_BYTES)
        await flows.wait()
        if not data:
            writer.write_eof()
            return
        writer.write(data)
        await writer.drain()


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Put a wire before a port of this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    wire = Wire(loop, port)
    try:
        asyncio.run_coroutine_threadsafe(wire.open(), loop).result(WAIT_S)
        yield wire
    finally:
        asyncio.run_coroutine_threadsafe(wire.aclose(), loop).result(WAIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
