"""``swarm-stream``: runs of a Jupyter server from a terminal: list, watch, answer, control."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    NoSuchStreamError,
    OffsetOutOfRangeError,
    ServerUnavailableError,
    SessionStateError,
    SwarmStreamError,
)
from swarm_stream.events.plain import printable
from swarm_stream.protocol.frames import check_stream_name
from swarm_stream.runtime.controlling import press_remote
from swarm_stream.runtime.discovery import ENV_TOKEN, find_server, running_servers, to_read
from swarm_stream.runtime.streams import server_streams
from swarm_stream.runtime.viewing import StreamReader
from swarm_stream.views.console import Console

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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
        address = _address(getattr(given, "url", None))
        config = StreamingConfig.load()
        found = server_streams(address)  # also tells at once when the server is not there
        if given.command == "ls":
            print(found, flush=True)
            return 0
        stream = check_stream_name(given.stream)
        if given.command == "tail":
            return asyncio.run(_tail(address, stream, config, start=given.start))
        data = {"text": given.text} if given.command == "reply" else None
        asyncio.run(press_remote(address, stream, given.command, config=config, data=data))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads has enough (``| head``). Nothing more is to be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SwarmStreamError as error:
        # It may hold what a server or a kernel said.
        print(f"swarm-stream: {printable(str(error))}", file=sys.stderr)
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
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--url",
        default=argparse.SUPPRESS,
        help="the Jupyter server's base URL; its token is never in it",
    )
    parser = argparse.ArgumentParser(
        parents=[where],
        prog="swarm-stream",
        description="Watch and control the runs of a Jupyter server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, parents=[where])

    add("ls", "list the streams of the server")
    tail = add("tail", "show a run and follow it to its end")
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
        add(name, what).add_argument("stream", metavar="STREAM")
    reply = add("reply", "answer the oldest question of a run")
    reply.add_argument("stream", metavar="STREAM")
    reply.add_argument("text", metavar="TEXT")
    return parser


def _address(url: str | None) -> ServerAddress:
    """Find the server, with a credential that may read.

    Raises:
        ServerUnavailableError: If there is none, or more than one.

    """
    found = running_servers()
    token = os.environ.get(ENV_TOKEN)
    address = to_read(find_server(url)) if url is None else find_server(url, token)
    if address is not None and url is not None and token is None:
        # One of ours: its runtime file has the token.
        return next((server for server in found if server.url == address.url), address)
    if address is not None:
        return address
    if len(found) == 1:
        return found[0]
    if found:
        urls = "\n".join(f"  --url {server.url}" for server in found)
        raise ServerUnavailableError(f"more than one Jupyter server runs here; choose:\n{urls}")
    raise ServerUnavailableError(
        "no Jupyter server of yours runs here; give its address with --url, and its token in "
        "SWARM_STREAM_TOKEN"
    )


async def _tail(address: ServerAddress, stream: str, config: StreamingConfig, *, start: int) -> int:
    """Show a run to its end, and send what is typed as answers to its questions.

    Ctrl-C leaves the run alone; a second one, soon, cancels it.
    """

    async def press(action: Action, data: dict[str, Any] | None = None) -> str:
        try:
            await press_remote(address, stream, action, config=config, data=data)
        except SwarmStreamError as error:
            return str(error)
        return ""

    async def reply(request: str, text: str) -> str:
        return await press("reply", {"text": text, "request": request})

    console = Console(StreamReader(address, stream, config, start=start), reply)
    interrupts: asyncio.Queue[None] = asyncio.Queue()
    # Not on Windows, where Ctrl-C ends the program, and the run goes on as well.
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupts.put_nowait, None)
    showing = asyncio.ensure_future(console.show())
    interrupted = asyncio.ensure_future(interrupts.get())
    try:
        await asyncio.wait({showing, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        interrupted.cancel()
        showing.cancel()  # nothing more is printed
        await asyncio.gather(showing, interrupted, return_exceptions=True)
    if not showing.cancelled():
        showing.result()
        return 0
    return await _detach(press, interrupts)


async def _detach(
    press: Callable[[Action], Awaitable[str]], interrupts: asyncio.Queue[None]
) -> int:
    print(f"\nThe run goes on. Ctrl-C again within {_DETACH_S:g} s cancels it.", file=sys.stderr)
    try:
        async with asyncio.timeout(_DETACH_S):
            await interrupts.get()
    except TimeoutError:
        return 130
    problem = await press("cancel")
    print(printable(problem) or "Cancelled.", file=sys.stderr)
    return 130


if __name__ == "__main__":
    sys.exit(main())
