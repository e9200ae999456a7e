"""``swarm-stream``: a Jupyter server's runs in a terminal: list, watch, answer, control, save."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
from swarm_stream.runtime.checkup import check_here
from swarm_stream.runtime.checkup_server import check_runs, check_server
from swarm_stream.runtime.controlling import press_remote
from swarm_stream.runtime.discovery import server_to_read
from swarm_stream.runtime.streams import server_streams
from swarm_stream.runtime.viewing import StreamReader
from swarm_stream.views.console import Console
from swarm_stream.views.export import FORMATS, export

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from swarm_stream.runtime.controlling import Action
    from swarm_stream.runtime.discovery import ServerAddress
    from swarm_stream.views.export import Format

__all__ = ["main"]

_DETACH_S = 2.0
_BUTTONS: dict[str, str] = {
    "pause": "hold the agents before their next chunk",
    "resume": "let the agents go on",
    "stop": "end a run after the agent that is speaking",
    "cancel": "end a run now; what was said is kept",
}
_FORMS: Final[dict[str, Format]] = {
    ".html": "html", ".htm": "html", ".md": "md", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip
_EPILOG = """\
examples:
  swarm-stream tail trip-1a2b3c4d          all of it, then follow
  swarm-stream reply trip-1a2b3c4d "yes"   answer the oldest question of a run
  swarm-stream export trip-1a2b3c4d -o trip.html

The server is found by SWARM_STREAM_URL and SWARM_STREAM_TOKEN, or by its runtime file when just
one Jupyter server of yours runs here.

exit status: 0 done, 1 the run cannot do it, or doctor found a problem, 2 bad usage,
3 no such stream, 4 events no longer kept, 5 server not reached or not let in, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; gives the exit status."""
    given = _parser().parse_args(arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads has enough (``| head``). Nothing more is to be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SwarmStreamError as error:
        what = str(error)
        if isinstance(error, NoSuchStreamError):  # its own words are for a notebook
            what = f"no stream {error.stream!r} here; `swarm-stream ls` lists those there are"
        # It may hold what a server or a kernel said.
        print(f"swarm-stream: {printable(what)}", file=sys.stderr)
        return _status(error)
    except OSError as error:  # of a file that is to be written
        print(f"swarm-stream: {error}", file=sys.stderr)
        return 1


def _run(given: argparse.Namespace) -> int:
    url = getattr(given, "url", None)
    if given.command == "doctor":
        return _doctor(url)
    address = server_to_read(url)
    config = StreamingConfig.load()
    found = server_streams(address)  # also tells at once when the server is not there
    if given.command == "ls":
        print(found, flush=True)
        return 0
    stream = check_stream_name(given.stream)
    if given.command == "tail":
        return asyncio.run(_tail(address, stream, config, start=given.start))
    if given.command == "export":
        _export(address, stream, given)
        return 0
    data = {"text": given.text} if given.command == "reply" else None
    asyncio.run(press_remote(address, stream, given.command, config=config, data=data))
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
    save = add("export", "write a stream to a file: a page, Markdown, text, or its events")
    save.add_argument("stream", metavar="STREAM")
    save.add_argument(
        "--format", choices=FORMATS, help="default: by FILE's ending, else txt; jsonl: all events"
    )
    save.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    add("doctor", "say what works here and how to mend what does not")
    for name, what in _BUTTONS.items():
        add(name, what).add_argument("stream", metavar="STREAM")
    reply = add("reply", "answer the oldest question of a run")
    reply.add_argument("stream", metavar="STREAM")
    reply.add_argument("text", metavar="TEXT")
    return parser


def _export(address: ServerAddress, stream: str, given: argparse.Namespace) -> None:
    """Write a stream to a file, which is whole or is not there, or to standard output."""
    target: Path | None = given.output
    form: Format = given.format or _FORMS.get(target.suffix if target else "", "txt")
    if target is None:
        shown = sys.stdout.isatty()  # which obeys control characters

        def write(data: bytes) -> None:
            sys.stdout.buffer.write(printable(data.decode()).encode() if shown else data)

        done = export(address, stream, form, write)
        sys.stdout.flush()
    else:
        draft = target.with_name(f".{target.name}.part")
        try:
            with draft.open("wb") as file:
                done = export(address, stream, form, file.write)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    if done.gone:
        print(f"(the first {done.gone} events are no longer kept)", file=sys.stderr)
    if not done.over:
        print("(the run goes on; this is what there was by now)", file=sys.stderr)


def _doctor(url: str | None) -> int:
    """Print what works and what does not; gives the exit status."""
    problems = 0
    for title, check in (
        ("This environment", check_here),
        ("The server", lambda: check_server(url)),
        ("Runs", check_runs),
    ):
        print(title, flush=True)
        for finding in check():
            problems += finding.mark == "PROBLEM"
            what = printable(finding.what).replace("\n", f"\n{'':11}")
            print(f"  {finding.mark:<8} {what}")
            if finding.next_step:
                print(f"           → {printable(finding.next_step)}")
    print(f"{problems or 'No'} problem{'' if problems == 1 else 's'}.")
    return 1 if problems else 0


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
