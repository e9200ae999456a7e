"""A server, a fault proxy before it, and clients: bytes only, no WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.faults.proxy import FaultProxy, fault_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.profiles import Profile

__all__ = ["SOON_S", "Peer", "Place", "Server", "place"]

SOON_S = 0.2
"""Long enough for what must not happen to happen, were it to."""


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hears(self, data: bytes) -> bool:
        return await self.reader.readexactly(len(data)) == data

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SOON_S):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


class Server:
    """A server that hands its connections to the test."""

    def __init__(self) -> None:
        self.port = 0
        self.came: asyncio.Queue[Peer] = asyncio.Queue()
        self.peers: list[Peer] = []
        self.chatty = False
        self.talking: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self.came.put_nowait(peer)
        if self.chatty:
            self.talking.add(asyncio.ensure_future(self.talk(peer)))

    async def talk(self, peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            while not peer.writer.is_closing():
                await peer.say(b"y")
                await asyncio.sleep(0.01)


@asynccontextmanager
async def a_server() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.take, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for peer in server.peers:
            peer.writer.transport.abort()
        await listening.wait_closed()
        for task in server.talking:
            task.cancel()
        await asyncio.gather(*server.talking, return_exceptions=True)


class Place:
    """A server, a proxy before it, and clients."""

    def __init__(self, server: Server, proxy: FaultProxy) -> None:
        self.server = server
        self.proxy = proxy
        self.clients: list[Peer] = []

    async def client(self) -> Peer:
        self.clients.append(Peer(*await asyncio.open_connection("127.0.0.1", self.proxy.port)))
        return self.clients[-1]

    async def pair(self) -> tuple[Peer, Peer]:
        client = await self.client()
        mine = client.writer.get_extra_info("sockname")
        while True:
            ends = [link._writers for link in self.proxy.links if len(link._writers) > 1]
            found = [up for down, up in ends if down.get_extra_info("peername") == mine]
            if found:
                break
            await asyncio.sleep(0)
        wanted = found[0].get_extra_info("sockname")
        while True:  # earlier clients may still be coming in
            server = await self.server.came.get()
            if server.writer.get_extra_info("peername") == wanted:
                return client, server

    def happened(self) -> list[str]:
        return [fault.kind for fault in self.proxy.faults]


@asynccontextmanager
async def place(
    profile: Profile | str = "loopback", *, seed: int = 0, buffer_bytes: int | None = None
) -> AsyncIterator[Place]:
    async with (
        a_server() as server,
        fault_proxy(
            "127.0.0.1", server.port, profile=profile, seed=seed, buffer_bytes=buffer_bytes
        ) as proxy,
    ):
        where = Place(server, proxy)
        try:
            yield where
        finally:
            for client in where.clients:
                client.writer.transport.abort()
