"""A Jupyter server of one's own behind a network that can be broken, for notebooks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from swarm_stream.runtime.io_thread import IOThread
from tests.faults.profiles import LOOPBACK, Profile
from tests.faults.proxy import FaultProxy
from tests.servers.jupyter import JupyterServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.histories import Fault

__all__ = ["Lab", "Network"]

_LIMIT_S = 10.0


class Network:
    """A ``FaultProxy`` on a thread of its own: a cell that waits does not hold it up.

    Args:
        port: The server's, on this machine.
        profile: What kind of network it is.
        seed: Decides all that is random.

    """

    def __init__(self, port: int, profile: Profile = LOOPBACK, *, seed: int = 1) -> None:
        self._thread = IOThread()
        self._proxy = FaultProxy("127.0.0.1", port, profile=profile, seed=seed)
        self._thread.call(self._proxy.start(), timeout_s=_LIMIT_S)

    @property
    def url(self) -> str:
        """The server's address, by way of this network."""
        return f"http://127.0.0.1:{self._proxy.port}/"

    @property
    def faults(self) -> Sequence[Fault]:
        """What happened, and when (seconds of the monotonic clock)."""
        return tuple(self._proxy.faults)

    def cut(self) -> None:
        """Close all connections."""
        self._do(self._proxy.cut)

    def freeze(self) -> None:
        """Let nothing through and say nothing of it, until ``heal``."""
        self._do(self._proxy.freeze)

    def heal(self) -> None:
        """Be whole again."""
        self._do(self._proxy.heal)

    def close(self) -> None:
        """End. May be called twice."""
        if self._thread.alive:
            self._thread.call(self._proxy.aclose(), timeout_s=_LIMIT_S)
            self._thread.stop()

    def _do(self, fault: Callable[[], object]) -> None:
        async def do() -> None:
            fault()

        self._thread.call(do(), timeout_s=_LIMIT_S)


class Lab:
    """A Jupyter server on this machine, with directories of its own, and networks before it.

    Args:
        settings: Arguments for the server.

    """

    def __init__(self, *settings: str) -> None:
        self._home = tempfile.TemporaryDirectory()
        self.server = JupyterServer(Path(self._home.name), free_port(), "server", settings)
        self.server.start()
        self._networks: list[Network] = []

    def network(self, profile: Profile = LOOPBACK, *, seed: int = 1) -> Network:
        """Lay a network to the server."""
        self._networks.append(Network(self.server.port, profile, seed=seed))
        return self._networks[-1]

    def close(self) -> None:
        """End the networks and the server, and leave nothing behind."""
        for network in self._networks:
            network.close()
        self.server.stop()
        self._home.cleanup()
