"""Lines of this process's standard input: typed in its terminal, or piped into it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from typing import Final

__all__ = ["STANDARD_INPUT", "Lines", "is_terminal"]


def is_terminal() -> bool:
    """Tell whether standard input is a terminal, with somebody who sees what is asked."""
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):
        return False  # there is none, or it is closed


class Lines:
    """Read standard input, a line for each who wants one. One for a process; any loop.

    Nothing is read ahead: what follows may be meant for another reader. Nobody can end a read,
    so it is done in a thread, and a line that nobody wants any more by then is kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[str] = deque()
        self._wanted: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[str | None]]] = deque()
        self._reading = False

    async def next(self) -> str | None:
        """Give the next line, without its end, or None where there is no more.

        Cancelling is safe: the line is for the next one who wants one.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str | None] = loop.create_future()
        with self._lock:
            if self._kept:
                return self._kept.popleft()
            self._wanted.append((loop, future))
            reading, self._reading = self._reading, True
        if not reading:
            name = "swarm-stream reads standard input"
            threading.Thread(target=self._read, name=name, daemon=True).start()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._hand_out(future.result())
            raise

    def _read(self) -> None:
        reading = True
        while reading:
            line = _read_line()
            if line is None:
                while self._hand_out(None):
                    pass  # at its end it is so for all
            else:
                self._hand_out(line)
            with self._lock:
                reading = self._reading = bool(self._wanted)

    def _hand_out(self, line: str | None) -> bool:
        """Give a line to the first who wants one, or keep it; tells whether somebody did."""
        with self._lock:
            while self._wanted:
                loop, future = self._wanted.popleft()
                if not future.done() and not loop.is_closed():
                    break
            else:
                if line is not None:
                    self._kept.append(line)
                return False
        try:
            loop.call_soon_threadsafe(self._give, future, line)
        except RuntimeError:  # the loop was closed just now
            self._hand_out(line)
        return True

    def _give(self, future: asyncio.Future[str | None], line: str | None) -> None:
        if future.done():
            self._hand_out(line)
        else:
            future.set_result(line)


STANDARD_INPUT: Final = Lines()


def _read_line() -> str | None:
    try:
        # Read in the background (``python script.py &``), a terminal stops the whole process.
        line = "" if is_terminal() and _in_background() else sys.stdin.readline()
    except (AttributeError, OSError, ValueError):
        return None  # there is none, it is closed, or it is no text
    return line.removesuffix("\n") if line else None


def _in_background() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp()
    except (AttributeError, OSError):
        return False  # on Windows, or it is not the terminal that controls us
