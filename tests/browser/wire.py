"""The network between a browser and its server: it can be cut, frozen and refused.

The fault proxy on a thread of its own, because Playwright has the test's.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.faults.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

__all__ = ["Wire", "wire_to"]

HOST: Final = "127.0.0.1"
WAIT_S: Final = 10.0


class Wire:
    """All connections to one port. Call from the test's thread; a call is done when it returns.

    Attributes:
        port: Where browsers connect.

    """

    def __init__(self, proxy: FaultProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop
        self.run(proxy.start())
        self.port = proxy.port

    def freeze(self) -> None:
        """Make half-open what is open, for good, as a cable that is pulled does. New ones work."""
        self._do(self._proxy.freeze, self._proxy.heal)

    def cut(self) -> None:
        """Close what is open. New ones work."""
        self._do(self._proxy.cut)

    def refuse(self) -> None:
        """Reset what is open, and refuse new ones until ``heal``."""
        self._do(self._proxy.refuse)

    def heal(self) -> None:
        """Let new ones through again."""
        self._do(self._proxy.heal)

    def run(self, work: Coroutine[object, object, None]) -> None:
        """Run something on the proxy's loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def _do(self, *faults: Callable[[], object]) -> None:
        async def work() -> None:
            for fault in faults:
                fault()

        self.run(work())


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Put a wire before a port of this machine."""
    loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    proxy = FaultProxy(HOST, port)
    try:
        wire = Wire(proxy, loop)
        try:
            yield wire
        finally:
            wire.run(proxy.aclose())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
