"""A run in the terminal of this process: its text goes out, lines come in as answers."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, TextIO

from swarm_stream.events.plain import printable
from swarm_stream.views.lines import STANDARD_INPUT, is_terminal
from swarm_stream.views.terminal import TerminalText

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from swarm_stream.events.model import AnyEvent, Unknown

__all__ = ["Console", "has_terminal"]


def has_terminal() -> bool:
    """Tell whether somebody may sit before this process: it writes to a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


class Console:
    """Show one run. One event loop.

    Args:
        events: What happens in it.
        reply: Answers a question by its id; gives what went wrong, or an empty text.
        unheard: Is told of a question that no line of standard input will answer any more.
            Without it only a terminal is read: lines that are piped may be meant for others.
        quiet: Whether only questions are shown, on standard error.

    """

    def __init__(
        self,
        events: AsyncIterable[AnyEvent | Unknown],
        reply: Callable[[str, str], Awaitable[str]],
        *,
        unheard: Callable[[str], Awaitable[None]] | None = None,
        quiet: bool = False,
    ) -> None:
        self._events = events
        self._reply = reply
        self._unheard = unheard
        self._quiet = quiet
        self._text = TerminalText(colour=not quiet and has_terminal())
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._seen: set[str] = set()

    async def show(self) -> None:
        """Show the run to its end. Cancelling leaves the run alone."""
        answering = asyncio.ensure_future(self._answer())
        try:
            async for event in self._events:
                text = self._text.feed(event)
                asked = next(reversed(self._text.asking), None)
                if not self._quiet:
                    _write(sys.stdout, text)
                if asked is not None and asked not in self._seen:
                    self._seen.add(asked)
                    self._asked.put_nowait(asked)
                    if self._quiet:
                        _write(sys.stderr, text.lstrip("\n"))
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _answer(self) -> None:
        if is_terminal():
            await self._take_typed()
        elif self._unheard is not None:
            await self._take_piped()

    async def _take_typed(self) -> None:
        """Take each line for the oldest question: whoever types sees what is asked."""
        self._asked.put_nowait(await self._asked.get())  # nothing is read before there is one
        while (line := await STANDARD_INPUT.next()) is not None:
            request = next(iter(self._text.asking), None)
            problem = "nobody is asking" if request is None else await self._reply(request, line)
            if problem:
                sys.stderr.write(f"({printable(problem)})\n")
        while self._unheard is not None:
            await self._not_heard(await self._asked.get())

    async def _take_piped(self) -> None:
        """Take a line for each question, in order, and none before it is asked."""
        line: str | None = None
        while True:
            request = await self._asked.get()
            if request not in self._text.asking:
                continue  # somebody else has answered it
            line = await STANDARD_INPUT.next() if line is None else line
            if line is None:
                await self._not_heard(request)
            elif not await self._reply(request, line):
                line = None
            # Else somebody else has answered it: the line is for the next one.

    async def _not_heard(self, request: str) -> None:
        if self._unheard is not None and request in self._text.asking:
            await self._unheard(request)


def _write(file: TextIO, text: str) -> None:
    if text:
        file.write(text)
        file.flush()
