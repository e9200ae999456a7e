"""The servers of the soak: a hub in a process of its own, and a real Jupyter server."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

from tests.faults.soak_processes import Process
from tests.servers.jupyter import JupyterServer, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["HubServer", "JupyterHub"]


class HubServer(Process):
    """``soak_server``, always on the same port.

    Args:
        log_path: Where its log is; None for one in memory.
        plant: A bug to plant, or empty.

    """

    headers: Mapping[str, str] = {}
    authorization = ""
    commands = True

    def __init__(self, log_path: Path | None, *, plant: str = "") -> None:
        self.log_path = log_path
        # Keeps the port while the server is away; it never listens.
        self._guard = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._guard.bind(("127.0.0.1", 0))
        self.port: int = self._guard.getsockname()[1]
        super().__init__(
            "tests.faults.soak_server",
            f"--port={self.port}",
            f"--log={log_path or 'memory'}",
            f"--plant={plant}",
        )

    async def aclose(self) -> None:
        """End it and give the port back."""
        await self.stop()
        self._guard.close()


class JupyterHub:
    """A real Jupyter server with the extension.

    Args:
        home: Its directories.

    """

    commands = False

    def __init__(self, home: Path) -> None:
        self._server = JupyterServer(
            home,
            free_port(),
            "server",
            ("--SwarmStreamApp.heartbeat_s=0.5", "--SwarmStreamApp.silence_limit_s=1.5"),
        )
        self.port = self._server.port
        self.log_path: Path | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._server.process is not None
        return self._server.process.pid

    @property
    def headers(self) -> Mapping[str, str]:
        """What viewers send along."""
        return self._server.headers

    @property
    def authorization(self) -> str:
        """What kernels send along."""
        return f"swarm-stream {self._server.secret}"

    async def start(self) -> None:
        """Start it; returns when it serves."""
        await asyncio.to_thread(self._server.start)
        (identity,) = (self._server.home / "data" / "swarm_stream").glob("*.id")
        self.log_path = identity.with_suffix("")

    async def stop(self) -> None:
        """Stop it in order."""
        await asyncio.to_thread(self._server.stop)

    async def aclose(self) -> None:
        """End it."""
        await self.stop()

    async def kill(self) -> None:
        """End it as a crash would."""
        await asyncio.to_thread(self._server.kill)

    async def pause(self, seconds: float) -> None:
        """Stop it as a laptop's lid does, and let it go on."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    async def ask(self, command: str) -> str:
        """Refuse: it is a real server."""
        raise NotImplementedError(command)
