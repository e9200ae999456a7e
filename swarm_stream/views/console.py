"""A run in the terminal of this process: its text goes out, typed lines come in as answers."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING

from swarm_stream.events.plain import printable
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

    """

    def __init__(
        self,
        events: AsyncIterable[AnyEvent | Unknown],
        reply: Callable[[str, str], Awaitable[str]],
    ) -> None:
        self._events = events
        self._reply = reply
        self._text = TerminalText(colour=has_terminal())
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._listening = False

    async def show(self) -> None:
        """Show the run to its end. Cancelling leaves the run alone."""
        answering = asyncio.ensure_future(self._answer())
        try:
            async for event in self._events:
                text = self._text.feed(event)
                if text:
                    sys.stdout.write(text)
                    sys.stdout.flush()
                if self._text.asking and not self._listening and sys.stdin.isatty():
                    self._listen()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    def _listen(self) -> None:
        """Read lines in a thread: nobody can end a read, so there is one, for the whole run."""
        self._listening = True
        loop = asyncio.get_running_loop()

        def read() -> None:
            for line in sys.stdin:
                if loop.is_closed():
                    return
                loop.call_soon_threadsafe(self._typed.put_nowait, line.rstrip("\n"))

        threading.Thread(target=read, name="swarm-stream reads the terminal", daemon=True).start()

    async def _answer(self) -> None:
        while True:
            text = await self._typed.get()
            request = next(iter(self._text.asking), None)
            problem = "nobody is asking" if request is None else await self._reply(request, text)
            if problem:
                sys.stderr.write(f"({printable(problem)})\n")
