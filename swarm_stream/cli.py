"""``swarm-stream``: runs of a Jupyter server from a terminal: list, watch, answer, control."""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from typing import TYPE_CHECKING

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    NoSuchStreamError,
    OffsetOutOfRangeError,
    ServerUnavailableError,
    SessionStateError,
    SwarmStreamError,
)
from swarm_stream.protocol.frames import check_stream_name
from swarm_stream.runtime.controlling import press_remote
from swarm_stream.runtime.discovery import find_server, running_servers, to_read
from swarm_stream.runtime.streams import server_streams
from swarm_stream.runtime.viewing import StreamReader
from swarm_stream.views.terminal import TerminalText, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm_stream.runtime.controlling import Action
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["main"]

_DETACH_S = 2.0
_BUTTONS: dict[str, str] = {
    "pause": "hold the agents before their next chunk",
    "resume": "let the agents go on",
    "stop": "end a run after the agent that is speaking",
    "cancel": "end a run now; what was said is kept",
}
_EPILOG = """\
examples:
  swarm-stream tail trip-1a2b3c4d          all of it, then follow
  swarm-stream reply trip-1a2b3c4d "yes"   answer the oldest question of a run

The server is found by SWARM_STREAM_URL and SWARM_STREAM_TOKEN, or by its runtime file when just
one Jupyter server of yours runs here.

exit status: 0 done, 1 the run cannot do it, 2 bad usage, 3 no such stream,
4 events no longer kept, 5 server not reached or not let in, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; gives the exit status."""
    given = _parser().parse_args(arguments)
    try:
        address = _address(given.url)
        config = StreamingConfig.load()
        if given.command == "ls":
            print(server_streams(address))
            return 0
        stream = check_stream_name(given.stream)
        if given.command == "tail":
            return asyncio.run(_Tail(address, stream, config, start=given.start).run())
        data = {"text": given.text} if given.command == "reply" else None
        asyncio.run(press_remote(address, stream, given.command, config=config, data=data))
    except KeyboardInterrupt:
        return 130
    except SwarmStreamError as error:
        print(f"swarm-stream: {error}", file=sys.stderr)
        return _status(error)
    return 0


def _status(error: SwarmStreamError) -> int:
    match error:
        case SessionStateError():
            return 1
        case NoSuchStreamError():
            return 3
        case OffsetOutOfRangeError():
            return 4
        case ServerUnavailableError():
            return 5
        case _:
            return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="swarm-stream",
        description="Watch and control the runs of a Jupyter server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--url", help="the Jupyter server's base URL (its token: SWARM_STREAM_TOKEN)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("ls", help="list the streams of the server")
    tail = commands.add_parser("tail", help="show a run and follow it to its end")
    tail.add_argument("stream", metavar="STREAM")
    tail.add_argument(
        "--from",
        dest="start",
        type=int,
        default=0,
        metavar="OFFSET",
        help="first event to show (default: 0)",
    )
    for name, what in _BUTTONS.items():
        commands.add_parser(name, help=what).add_argument("stream", metavar="STREAM")
    reply = commands.add_parser("reply", help="answer the oldest question of a run")
    reply.add_argument("stream", metavar="STREAM")
    reply.add_argument("text", metavar="TEXT")
    return parser


def _address(url: str | None) -> ServerAddress:
    """Find the server, with a credential that may read.

    Raises:
        ServerUnavailableError: If there is none, or more than one.

    """
    address = to_read(find_server(url)) if url is None else find_server(url, _token())
    if address is not None:
        return address
    found = running_servers()
    if len(found) == 1:
        return found[0]
    if found:
        urls = "\n".join(f"  --url {server.url}" for server in found)
        raise ServerUnavailableError(f"more than one Jupyter server runs here; choose:\n{urls}")
    raise ServerUnavailableError(
        "no Jupyter server of yours runs here; give its address with --url, and its token in "
        "SWARM_STREAM_TOKEN"
    )


def _token() -> str | None:
    import os  # noqa: PLC0415  (the one variable that is read here)

    return os.environ.get("SWARM_STREAM_TOKEN")


class _Tail:
    """Show one run, and send what is typed as answers to its questions."""

    def __init__(
        self, address: ServerAddress, stream: str, config: StreamingConfig, *, start: int
    ) -> None:
        self._address = address
        self._stream = stream
        self._config = config
        self._text = TerminalText(colour=sys.stdout.isatty())
        self._reader = StreamReader(address, stream, config, start=start)
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._listening = False

    async def run(self) -> int:
        """Show the run to its end. Ctrl-C leaves it alone; a second one cancels it."""
        showing = asyncio.ensure_future(self._show())
        answering = asyncio.ensure_future(self._answer())
        try:
            await asyncio.wait({showing})
        except asyncio.CancelledError:
            return await self._detach()
        finally:
            showing.cancel()
            answering.cancel()
            await asyncio.gather(showing, answering, return_exceptions=True)
        showing.result()
        return 0

    async def _show(self) -> None:
        async for event in self._reader:
            text = self._text.feed(event)
            if text:
                sys.stdout.write(text)
                sys.stdout.flush()
            if self._text.asking and not self._listening and sys.stdin.isatty():
                self._listen()

    def _listen(self) -> None:
        """Read lines in a thread: nobody can end a read, so there is one, for the whole run."""
        self._listening = True
        loop = asyncio.get_running_loop()
        put: Callable[[str], object] = self._typed.put_nowait

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(put, line.rstrip("\n"))

        threading.Thread(target=read, name="swarm-stream reads the terminal", daemon=True).start()

    async def _answer(self) -> None:
        while True:
            text = await self._typed.get()
            request = next(iter(self._text.asking), None)
            if request is None:
                print("(nobody is asking)")
                continue
            data = {"text": text, "request": request}
            await self._press("reply", data)

    async def _press(self, action: Action, data: dict[str, str] | None = None) -> None:
        try:
            await press_remote(self._address, self._stream, action, config=self._config, data=data)
        except SwarmStreamError as error:
            print(printable(str(error)), file=sys.stderr)

    async def _detach(self) -> int:
        print(
            f"\nThe run goes on. Ctrl-C again within {_DETACH_S:g} s cancels it.", file=sys.stderr
        )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (this is a coroutine)
        task.uncancel()
        try:
            await asyncio.sleep(_DETACH_S)
        except asyncio.CancelledError:
            task.uncancel()
            await self._press("cancel")
        return 130


if __name__ == "__main__":
    sys.exit(main())
