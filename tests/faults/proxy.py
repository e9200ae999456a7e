"""A TCP proxy between two ends that makes every fault a network can have. asyncio, nothing else.

    async with fault_proxy("127.0.0.1", port, profile="mobile", seed=7) as proxy:
        connect(f"ws://127.0.0.1:{proxy.port}/")
        proxy.freeze()
        ...
        proxy.heal()
        proxy.faults  # what happened when

Faults are methods that return at once; a schedule of them is made and run by ``schedule``. What
lasts (``freeze``, ``hold``, ``refuse``, ``slow``) lasts until ``heal``. Needs a selector loop, so
not Windows' default one.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.faults.door import Door, reach, reset
from tests.faults.histories import Fault
from tests.faults.pipes import Link, Mode, Network
from tests.faults.profiles import LOOPBACK, PROFILES, Profile

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Coroutine

__all__ = ["FaultProxy", "fault_proxy"]

_LOOK_S: Final = 0.1


class FaultProxy:
    """Stand between clients and one server. All calls on one event loop.

    Args:
        host: The server's.
        port: The server's; may be changed, for connections to come.
        profile: The network that it is when nothing else is said.
        seed: Decides all that is random.
        name: What the log of faults calls it.
        buffer_bytes: Size of the buffers that the system keeps for each socket, or None for its
            own choice. Small ones let a server feel a viewer that does not read.

    Attributes:
        faults: What happened when (seconds of the monotonic clock).
        links: The connections there are.
        accepted: Connections taken so far.

    """

    def __init__(  # noqa: PLR0913
        self,
        host: str,
        port: int,
        *,
        profile: Profile | str = LOOPBACK,
        seed: int | str = 0,
        name: str = "proxy",
        buffer_bytes: int | None = None,
    ) -> None:
        self.target = (host, port)
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.faults: list[Fault] = []
        self.links: set[Link] = set()
        self.accepted = 0
        self._name = name
        self._mode = Mode.FLOW
        self._network = Network(random.Random(str(seed)))  # noqa: S311  (faults are no secrets)
        self._buffer_bytes = buffer_bytes
        self._door = Door(self._came, buffer_bytes=buffer_bytes)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self._door.port

    async def start(self) -> None:
        """Let clients in, and begin what the profile does by itself."""
        self._door.open()
        self._shape()
        profile = self.profile
        if profile.cut_every_s:
            self._spawn(self._again_and_again(profile.cut_every_s, "cut"))
        if profile.reset_every_s:
            self._spawn(self._again_and_again(profile.reset_every_s, "reset"))
        if profile.outage_every_s:
            self._spawn(self._outages(profile.outage_every_s, profile.outage_s))
        if profile.idle_cut_s:
            self._spawn(self._cut_idle(profile.idle_cut_s))

    async def aclose(self) -> None:
        """Cut everything and stop. May be called twice."""
        self._door.close()
        for link in self.links:
            link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Faults of a moment; each gives how many connections it struck.

    def cut(self) -> int:
        """Close all connections in order: FIN."""
        return self._strike("cut", Link.close)

    def reset(self) -> int:
        """Reset all connections: RST."""
        return self._strike("reset", Link.reset)

    def cut_inside(self, after_bytes: int, *, upward: bool = True) -> None:
        """Close each connection in the middle of what it carries, ``after_bytes`` from now."""
        for link in self.links:
            pipe = link.up if upward else link.down
            if pipe is not None:
                pipe.cut_after = after_bytes

    def lose_reply(self) -> None:
        """Let a request through to the server, lose its answer, and reset the connection."""
        for link in self.links:
            link.lose_reply()

    # Faults that last until ``heal``.

    def freeze(self) -> None:
        """Make all connections half-open: no FIN, no RST, no answer; every byte is swallowed.

        The same for new ones. Connections frozen once never come back, also not by ``heal``.
        """
        self._last("freeze", Mode.SWALLOW)

    def hold(self) -> None:
        """Keep every byte and every close back: an outage after which TCP goes on by itself."""
        self._last("hold", Mode.HOLD)

    def strand(self, after_s: float) -> None:
        """Hold the connections there are, and reset their clients' sides ``after_s`` later.

        New ones flow. What was held goes on to the server at ``heal``: late, and after the client
        has long come back by another way.
        """
        links = [link for link in self.links if not link.closed]
        for link in links:
            link.set_mode(Mode.HOLD)
        self._spawn(self._kick(links, after_s))

    def refuse(self) -> None:
        """Refuse new connections, and reset those there are: the server's machine is up."""
        self._note("refuse")
        self._door.shut()
        for link in tuple(self.links):
            link.reset()

    def slow(self, *, latency_s: float, jitter_s: float = 0.0) -> None:
        """Delay every byte, on top of nothing: the profile's delay does not count meanwhile."""
        self._note("slow")
        self._network.latency_s, self._network.jitter_s = latency_s, jitter_s
        self._wake()

    def trickle(self, bytes_per_s: float) -> None:
        """Let this many bytes a second through, in each direction of each connection."""
        self._note("trickle")
        self._network.bytes_per_s = bytes_per_s
        self._wake()

    def heal(self) -> None:
        """Be the profile's network again."""
        if self._mode is not Mode.FLOW or not self._door.is_open:
            self._note("heal")
        self._mode = Mode.FLOW
        self._shape()
        if not self._door.is_open:
            self._door.open()
        for link in self.links:
            link.disarm()
            link.set_mode(Mode.FLOW)

    def _note(self, kind: str) -> None:
        self.faults.append(Fault(time.monotonic(), kind, self._name))

    def _strike(self, kind: str, how: Callable[[Link], None]) -> int:
        links = [link for link in self.links if not link.closed]
        if links:
            self._note(kind)
        for link in links:
            how(link)
        return len(links)

    def _last(self, kind: str, mode: Mode) -> None:
        self._note(kind)
        self._mode = mode
        for link in self.links:
            link.set_mode(mode)

    def _shape(self) -> None:
        profile, network = self.profile, self._network
        network.latency_s, network.jitter_s = profile.latency_s, profile.jitter_s
        network.bytes_per_s = profile.bytes_per_s
        self._wake()

    async def _kick(self, links: list[Link], after_s: float) -> None:
        await asyncio.sleep(after_s)
        if any(link.mode is Mode.HOLD for link in links):
            self._note("strand")
            for link in links:
                link.strand()

    def _wake(self) -> None:
        for link in self.links:
            link.wake()

    # Connections.

    def _came(self, accepted: socket.socket) -> None:
        self.accepted += 1
        self._spawn(self._serve(accepted))

    async def _serve(self, accepted: socket.socket) -> None:
        client = await asyncio.open_connection(sock=accepted)
        server = None
        if self._mode is not Mode.SWALLOW:
            try:
                server = await reach(self.target, buffer_bytes=self._buffer_bytes)
            except OSError:
                reset(client[1])  # the server is away: no more can be said through a proxy
                return
        link = Link(self._network, client, server, mode=self._mode, happened=self._note)
        if not self._door.is_open:
            link.reset()
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)

    # What a profile does by itself.

    async def _again_and_again(self, every_s: float, kind: str) -> None:
        while True:
            await asyncio.sleep(every_s)
            self.cut() if kind == "cut" else self.reset()

    async def _outages(self, every_s: float, for_s: float) -> None:
        while True:
            await asyncio.sleep(every_s - for_s)
            # TCP hides the outages of a mobile network: what was sent meanwhile is sent again.
            self.hold()
            await asyncio.sleep(for_s)
            self.heal()

    async def _cut_idle(self, limit_s: float) -> None:
        while True:
            await asyncio.sleep(min(_LOOK_S, limit_s))
            idle_since = asyncio.get_running_loop().time() - limit_s
            for link in tuple(self.links):
                if link.moved_at <= idle_since:
                    self._note("idle cut")
                    link.close()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def fault_proxy(  # noqa: PLR0913
    host: str,
    port: int,
    *,
    profile: Profile | str = LOOPBACK,
    seed: int | str = 0,
    name: str = "proxy",
    buffer_bytes: int | None = None,
) -> AsyncIterator[FaultProxy]:
    """Run a proxy; see ``FaultProxy``."""
    proxy = FaultProxy(host, port, profile=profile, seed=seed, name=name, buffer_bytes=buffer_bytes)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.aclose()
