"""Questions to a person: asked by the run, answered from any view or call, once."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from swarm_stream.errors import InputTimeoutError, SessionStateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.writer import EventWriter

__all__ = ["Questions"]


class _Asked(NamedTuple):
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[str]
    limited: bool
    """Whether it waits no longer than for some time."""
    default: str | None


class Questions:
    """The questions of one run. ``ask`` on the run's loop, ``reply`` from any thread.

    Attributes:
        on_ask: Called on the run's loop when something is asked.

    """

    def __init__(self, stream: str, events: EventWriter) -> None:
        self._stream = stream
        self._events = events
        self._lock = threading.Lock()
        self._open: dict[str, _Asked] = {}
        self._ids = count()
        self._closed = False
        self.on_ask: Callable[[], None] = lambda: None

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the questions that nobody has answered, in the order in which they were asked."""
        return tuple(self._open)

    async def ask(
        self,
        prompt: str,
        *,
        lane: int,
        request: str | None = None,
        timeout_s: float = 0.0,
        default: str | None = None,
    ) -> str:
        """Ask, and wait for the answer, for days if need be. Cancelling takes the question back.

        Args:
            prompt: The question.
            lane: Who asks.
            request: The question's id; made if None.
            timeout_s: Seconds to wait; for ever if 0.
            default: The answer when the time is up.

        Raises:
            InputTimeoutError: If the time is up and there is no default.
            SessionStateError: If the run is over, or ends meanwhile, or nobody can answer.
            TypeError: If the default is no text.

        """
        if not isinstance(default, str | None):
            raise TypeError(f"a default answer is a text; got {default!r}")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        name = request or f"ask-{next(self._ids)}"
        with self._lock:
            if self._closed:
                raise self._over()
            self._open[name] = _Asked(loop, future, timeout_s > 0, default)
        try:
            self.on_ask()
            self._events.input_request(name, lane, prompt)
            # Not ``asyncio.timeout``: it would cancel the future that an answer may just have.
            await asyncio.wait({future}, timeout=timeout_s or None)
        except BaseException:
            if self._take(name) is not None:
                self._events.input_reply(name, "", withdrawn=True)
            raise
        if not future.done() and self._take(name) is not None:
            return self._timed_out(name, timeout_s, default)
        return await future

    def reply(self, text: str, *, request: str | None, by: str) -> str | None:
        """Answer a question, the oldest if ``request`` is None; the first answer wins.

        Gives None if it did, else why not, as a sentence.

        Raises:
            TypeError: If the answer is no text.

        """
        if not isinstance(text, str):
            raise TypeError(f"an answer is a text; got {text!r}")
        with self._lock:
            name = request if request is not None else next(iter(self._open), None)
            asked = self._open.pop(name, None) if name is not None else None
        if name is None or asked is None:
            return "nobody is waiting for this answer: it was given already, or never asked for"
        if asked.loop.is_closed():
            self._events.input_reply(name, "", withdrawn=True)
            return (
                "the event loop of this run is closed, so nobody takes the answer; cancel the run"
            )
        self._events.input_reply(name, text, by=by)
        _post(asked.loop, _set, asked.future, text)
        return None

    def give_up(self, request: str, why: str) -> None:
        """Have a question fail that nobody can answer; one with a default gets that.

        One with a limit of time goes on waiting for it.
        """
        with self._lock:
            asked = self._open.get(request)
            if asked is None or asked.limited:
                return
            del self._open[request]
        if asked.default:  # the setting's, an empty text, is for those with a limit of time
            self._events.input_reply(request, asked.default, by="the default")
            _post(asked.loop, _set, asked.future, asked.default)
            return
        self._events.input_reply(request, "", withdrawn=True)
        error = SessionStateError(f"nobody can answer in stream {self._stream!r}: {why}")
        _post(asked.loop, _fail, asked.future, error)

    def close(self) -> None:
        """Take back every question that is open, and let nobody ask any more: the run is over."""
        with self._lock:
            self._closed = True
            still, self._open = self._open, {}
        for name, asked in still.items():
            self._events.input_reply(name, "", withdrawn=True)
            _post(asked.loop, _fail, asked.future, self._over())

    def _over(self) -> SessionStateError:
        return SessionStateError(f"the run of stream {self._stream!r} is over: nobody is asked")

    def _take(self, name: str) -> _Asked | None:
        """Close a question; None if somebody has just answered it."""
        with self._lock:
            return self._open.pop(name, None)

    def _timed_out(self, name: str, timeout_s: float, default: str | None) -> str:
        by = f"the time limit of {timeout_s:g} s"
        if default is None:
            self._events.input_reply(name, "", by=by, withdrawn=True)
            raise InputTimeoutError(self._stream, timeout_s=timeout_s)
        self._events.input_reply(name, default, by=by)
        return default


def _post(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *args: object) -> None:
    # Whoever waits on a loop that is closed waits no more.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *args)


def _fail(future: asyncio.Future[str], error: SessionStateError) -> None:
    if not future.done():
        future.set_exception(error)


def _set(future: asyncio.Future[str], text: str) -> None:
    if not future.done():
        future.set_result(text)
