"""Questions to a person: asked by the run, answered from any view or call, once."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarm_stream.events.writer import EventWriter

__all__ = ["Questions"]


class Questions:
    """The questions of one run. ``ask`` on the run's loop, ``reply`` from any thread."""

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._open: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Future[str]]] = {}
        self._ids = count()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the questions that nobody has answered, in the order in which they were asked."""
        return tuple(self._open)

    async def ask(self, prompt: str, *, lane: int, request: str | None) -> str:
        """Ask, and wait for the answer, for days if need be. Cancelling takes the question back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        name = request or f"ask-{next(self._ids)}"
        with self._lock:
            self._open[name] = (loop, future)
        try:
            self._events.input_request(name, lane, prompt)
            return await future
        finally:
            with self._lock:
                self._open.pop(name, None)

    def reply(self, text: str, *, request: str | None, by: str) -> str | None:
        """Answer a question, the oldest if ``request`` is None; the first answer wins.

        Gives None if it did, else why not, as a sentence.
        """
        with self._lock:
            name = request if request is not None else next(iter(self._open), None)
            asked = self._open.pop(name, None) if name is not None else None
        if name is None or asked is None:
            return "nobody is waiting for this answer: it was given already, or never asked for"
        loop, future = asked
        self._events.input_reply(name, text, by=by)
        loop.call_soon_threadsafe(_set, future, text)
        return None


def _set(future: asyncio.Future[str], text: str) -> None:
    if not future.done():
        future.set_result(text)
