"""Where the soak takes place: a server, kernels, and a fault proxy before each kernel and page."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol, Self

from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.soak_processes import KernelProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Place", "Server"]


class Server(Protocol):
    """What the soak needs of a server."""

    port: int
    log_path: Path | None
    """Where its log is, if it survives the process."""

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What viewers send along."""
        ...

    @property
    def authorization(self) -> str:
        """What kernels send along."""
        ...

    @property
    def commands(self) -> bool:
        """Whether it takes the commands of ``soak_server``."""
        ...

    async def start(self) -> None:
        """Start it; gives when it serves."""
        ...

    async def stop(self) -> None:
        """Stop it in order."""
        ...

    async def aclose(self) -> None:
        """Stop it for good."""
        ...

    async def kill(self) -> None:
        """End it as a crash would."""
        ...

    async def pause(self, seconds: float) -> None:
        """Stop it as a laptop's lid does, and let it go on."""
        ...

    async def ask(self, command: str) -> str:
        """Give it a command of ``soak_server``, and wait for the answer."""
        ...


class Place:
    """All processes and proxies.

    Args:
        server: Not started yet.
        kernels: How many.
        pages: How many.
        seed: Decides all that is random in the proxies.
        every_s: Seconds between faults of each proxy, on average.
        longest_s: How long faults last at most.
        plant: A bug to plant in the kernels, or empty.
        only: The kinds of faults to make; empty for all.

    Attributes:
        kernels: The processes.
        proxies: All of them; those of the kernels come first.
        listener: Told of each line that a kernel says.

    """

    def __init__(  # noqa: PLR0913
        self,
        server: Server,
        *,
        kernels: int,
        pages: int,
        seed: str,
        every_s: float,
        longest_s: float,
        plant: str = "",
        only: Sequence[str] = (),
    ) -> None:
        self.server = server
        self.every_s = every_s
        self.longest_s = longest_s
        self._only = tuple(only)
        self.kernels: list[KernelProcess] = []
        self.proxies: list[FaultProxy] = []
        self.listener: Callable[[list[str]], None] = lambda _: None
        self._counts = (kernels, pages)
        self._seed = seed
        self._plant = plant
        self._stack = AsyncExitStack()

    @property
    def page_proxies(self) -> list[FaultProxy]:
        """Those of the pages."""
        return self.proxies[self._counts[0] :]

    @property
    def headers(self) -> Mapping[str, str]:
        """What viewers send along."""
        return self.server.headers

    @property
    def direct_url(self) -> str:
        """The server's, past the proxies."""
        return _ws(self.server.port)

    def allowed(self, kinds: Iterable[str]) -> list[str]:
        """Give those kinds of faults that may be made."""
        return [kind for kind in kinds if not self._only or kind in self._only]

    def page_url(self, number: int) -> str:
        """Where a page connects."""
        return _ws(self.page_proxies[number].port)

    async def __aenter__(self) -> Self:
        """Start everything."""
        try:
            await self.server.start()
            self._stack.push_async_callback(self.server.aclose)
            kernels, pages = self._counts
            names = [f"kernel {n}" for n in range(kernels)] + [f"page {n}" for n in range(pages)]
            for name in names:
                proxy = fault_proxy(
                    "127.0.0.1",
                    self.server.port,
                    seed=f"{self._seed}/{name}",
                    name=name,
                    buffer_bytes=64 * 1024,
                )
                self.proxies.append(await self._stack.enter_async_context(proxy))
            for number in range(kernels):
                arguments = [f"--plant={self._plant}"]
                if self.server.authorization:
                    arguments.append(f"--authorization={self.server.authorization}")
                port = self.proxies[number].port
                self.kernels.append(KernelProcess(port, self._heard, *arguments))
            self._stack.push_async_callback(self._stop_kernels)
            await asyncio.gather(*(kernel.start() for kernel in self.kernels))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self._stack.aclose()

    def _heard(self, words: list[str]) -> None:
        self.listener(words)

    async def _stop_kernels(self) -> None:
        # They have nothing to lose: what they had to say was awaited.
        await asyncio.gather(*(kernel.kill() for kernel in self.kernels))


def _ws(port: int) -> str:
    return f"ws://127.0.0.1:{port}/swarm-stream/ws"
