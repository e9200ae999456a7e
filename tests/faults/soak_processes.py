"""The processes of the soak: servers and kernels that are killed, stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KernelProcess", "Process"]

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


class Process:
    """A Python program that is told things line by line, and answers.

    Args:
        module: What is run.
        *arguments: Its arguments.
        heard: Called with each line that it says.

    """

    def __init__(
        self, module: str, *arguments: str, heard: Callable[[list[str]], None] | None = None
    ) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._heard = heard
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self.ready_at = 0.0

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            RuntimeError: If it is not.

        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SWARM_STREAM_")}
        environment["PYTHONPATH"] = str(ROOT)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            cwd=ROOT,
        )
        self._lines = asyncio.Queue()
        self._reading = asyncio.ensure_future(self._read(self._process))
        line = await asyncio.wait_for(self._lines.get(), START_S)
        if line != "ready":
            raise RuntimeError(f"{self._command} did not start; its errors are above")
        self.ready_at = time.monotonic()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            text = line.decode().strip()
            if self._heard is not None and text != "ready":
                self._heard(text.split(" "))
            else:
                await self._lines.put(text)
        await self._lines.put("")

    def say(self, command: str) -> None:
        """Give a command."""
        if self._process is not None and self._process.stdin is not None and self.alive:
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(f"{command}\n".encode())

    async def ask(self, command: str) -> str:
        """Give a command and wait until it is done; empty if the process ended meanwhile."""
        self.say(command)
        return await self._lines.get()

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self.alive:
            os.kill(self.pid, number)

    async def pause(self, seconds: float) -> None:
        """Stop it as a laptop's lid does, and let it go on."""
        self.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """Ask it to end, and wait."""
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended(), 20)
        except TimeoutError:
            await self.kill()

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)


class KernelProcess(Process):
    """A kernel of the soak, ``soak_kernel``."""

    def __init__(self, port: int, heard: Callable[[list[str]], None], *arguments: str) -> None:
        super().__init__(
            "tests.faults.soak_kernel",
            f"--url=http://127.0.0.1:{port}/",
            *arguments,
            heard=heard,
        )
