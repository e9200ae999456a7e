"""The server of the soak: a hub behind plain WebSockets, in a process that may be killed.

    python -m tests.faults.soak_server --port 8000 --log /tmp/x/log.db

Takes commands on its standard input, a line each, and answers each with a line when it is done:
``restart`` (close in order and serve again over the same log), ``trim STREAM BEFORE``,
``delete STREAM``, ``block SECONDS`` (the event loop) and ``clock SECONDS`` (the wall clock jumps).
The end of the input, or SIGTERM, stops it in order.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
import time
from typing import TYPE_CHECKING

from websockets.asyncio.server import Server, ServerConnection, serve

from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.logs.sqlite import SQLiteLog
from swarm_stream.protocol.frames import SUBPROTOCOL, CloseCode
from swarm_stream.protocol.server import HangUp, Limits
from tests.faults import planted

if TYPE_CHECKING:
    from swarm_stream.logs.base import StreamLog

BUSY_TIMEOUT_S = 0.3
"""Short, so that a lock held by another program leads to refusals, not only to waiting."""


class SoakServer:
    """A log that stays, and a hub over it that may be replaced."""

    def __init__(self, log: StreamLog, port: int, limits: Limits) -> None:
        self._log = log
        self._port = port
        self._limits = limits
        self._hub: StreamHub | None = None
        self._listening: Server | None = None

    async def start(self) -> None:
        """Serve."""
        self._hub = StreamHub(self._log, server_id="soak", limits=self._limits)
        await self._hub.load()
        self._listening = await serve(
            self._handle,
            "127.0.0.1",
            self._port,
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            compression=None,
            ping_interval=None,
            close_timeout=0.5,
            max_size=2**21,
            reuse_port=True,
        )

    async def stop(self) -> None:
        """Stop in the order in which the extension does."""
        hub, listening = self._hub, self._listening
        if hub is None or listening is None:
            return
        await hub.settle()
        for socket in tuple(hub.sockets):
            socket.hang_up(HangUp(CloseCode.RESTARTING, "the server restarts; come back"))
        listening.close(close_connections=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await hub.closed()
        listening.close()
        await listening.wait_closed()
        await hub.aclose()

    async def _handle(self, connection: ServerConnection) -> None:
        hub = self._hub
        socket = hub.open_socket(may_produce=True, may_view=True, who="soak") if hub else None
        if hub is None or socket is None:
            await connection.close(CloseCode.TRY_LATER)
            return
        serving = asyncio.ensure_future(
            socket.serve(lambda frame: connection.send(frame, text=True))
        )

        async def listen() -> None:
            async for message in connection:
                await socket.feed(message)

        listening = asyncio.ensure_future(listen())
        try:
            await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done() and not serving.cancelled() and serving.exception() is None:
                why = serving.result()
                await connection.close(why.code, why.reason)
        finally:
            for task in (serving, listening):
                task.cancel()
            await asyncio.gather(serving, listening, return_exceptions=True)
            hub.close_socket(socket)

    async def obey(self, command: str) -> str:
        """Do what a line asks for; gives the answer."""
        match command.split():
            case ["restart"]:
                await self.stop()
                await self.start()
            case ["trim", stream, before]:
                head, want = -1, int(before)
                while (now := await self._log.trim(stream, before=want)) > head:
                    head = now  # a log may do it in steps
            case ["delete", stream]:
                if self._hub is not None:
                    await self._hub.delete(stream)
            case ["block", seconds]:
                time.sleep(float(seconds))  # noqa: ASYNC251  (this is the fault)
            case ["clock", seconds]:
                real, shift = time.time, float(seconds)
                time.time = lambda: real() + shift
            case _:
                raise ValueError(f"no command {command!r}")
        return f"done {command}"


async def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True, help="a file, or 'memory'")
    parser.add_argument("--heartbeat-s", type=float, default=0.5)
    parser.add_argument("--silence-s", type=float, default=1.5)
    parser.add_argument("--plant", default="")
    options = parser.parse_args()
    planted.plant(options.plant)
    logging.basicConfig(level=logging.ERROR)  # what is broken here on purpose is no news
    log: StreamLog = MemoryLog()
    if options.log != "memory":
        log = SQLiteLog(options.log, busy_timeout_s=BUSY_TIMEOUT_S)
    await log.open()
    limits = Limits(heartbeat_s=options.heartbeat_s, silence_limit_s=options.silence_s)
    server = SoakServer(log, options.port, limits)
    await server.start()
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, commands.feed_eof)
    print("ready", flush=True)  # noqa: T201  (whoever started it waits for this)
    while line := await commands.readline():
        print(await server.obey(line.decode().strip()), flush=True)  # noqa: T201
    await server.stop()
    await log.aclose()


if __name__ == "__main__":
    asyncio.run(main())
