"""Iterators as a source: of text, of events, or of both."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from swarm_stream.errors import SourceError
from swarm_stream.sources.relay import Relay, as_event
from swarm_stream.sources.threads import Threads

if TYPE_CHECKING:
    from swarm_stream.sources.base import Run

__all__ = ["IteratorSource"]

_END = object()


class IteratorSource:
    """Stream what an iterator gives.

    * ``str``: a chunk. All chunks in a row are one segment, exactly as they came.
    * an event of ``swarm_stream.events.model``, or a dictionary with its JSON: that event, with
      an id of this run. A dictionary that is no event becomes ``raw``.

    A plain iterator is read in a thread, since it may block. Runs once. What ``run`` gives is the
    whole text where the iterator gave only text, else None.

    One that begins with a message of AutoGen's is refused: it is a wrapped ``run_stream``, of
    which nothing could be cancelled, asked or seen token by token.

    Args:
        iterator: What is read; an async iterator, or a plain one.
        title: Its name for headers and for the lane of its text; the generator's by default.

    """

    name = "iterator"
    caps = frozenset({"cancel", "stop", "pause", "backpressure", "input"})

    def __init__(
        self, iterator: AsyncIterable[Any] | Iterable[Any], *, title: str | None = None
    ) -> None:
        self.title = title or getattr(iterator, "__name__", None) or "stream"
        self._iterator = iterator
        self._reader: asyncio.Task[str | None] | None = None
        self._threads = Threads()
        self._stopping = False
        self._started = False

    @property
    def agents(self) -> list[str]:
        """One: the iterator itself."""
        return [self.title]

    @property
    def leaked(self) -> list[str]:
        """The iterator, while it blocks in its thread."""
        return list(self._threads)

    def check(self, task: object) -> None:
        """Refuse to run twice: an iterator is used up. Any task is only shown."""
        del task
        if self._started:
            raise SourceError(
                f"{self.title!r} was streamed before, and an iterator can be read only once. "
                "Make a new one, or give ss.stream the function that makes it"
            )

    async def run(self, run: Run, task: object) -> str | None:
        """Read to the end and give the whole text, or None if there was anything but text."""
        self.check(task)
        self._started = True
        self._reader = asyncio.create_task(self._read(run), name=f"swarm_stream reads {self.title}")
        try:
            return await self._reader
        finally:
            self._reader.cancel()

    def request_cancel(self) -> None:
        """Stop reading at once."""
        if self._reader is not None:
            self._reader.cancel()

    def request_stop(self) -> None:
        """Stop reading after the next item."""
        self._stopping = True

    def _items(self) -> AsyncIterator[Any]:
        if isinstance(self._iterator, AsyncIterable):
            return aiter(self._iterator)
        return _in_thread(self._iterator, self._threads.watch(f"iterator {self.title}", next))

    async def _read(self, run: Run) -> str | None:
        relay = Relay(run.events)
        said: list[str] = []
        lane: int | None = None
        seg: int | None = None
        complete = pure = False
        items = self._items()
        try:
            pure = True
            async for item in items:
                await run.gate()
                if isinstance(item, str):
                    lane = run.events.lane(self.title) if lane is None else lane
                    seg = run.events.open(lane) if seg is None else seg
                    run.events.delta(seg, item)
                    said.append(item)
                else:
                    if pure and not said:
                        _refuse_autogen(item, self.title)
                    pure = False
                    if seg is not None:
                        run.events.close(seg)
                        seg = None
                    _write(relay, run, item)
                if self._stopping or run.stopping or relay.end is not None:
                    break
            complete = True
        finally:
            if seg is not None:
                run.events.close(seg, partial=not complete)
            if hasattr(items, "aclose"):
                await items.aclose()
        return "".join(said) if pure else None


def _refuse_autogen(item: object, title: str) -> None:
    if "autogen_agentchat" not in sys.modules:
        return
    from swarm_stream.sources.autogen.history import (  # noqa: PLC0415  (AutoGen is not imported for its users' sake alone)
        is_autogen_message,
    )

    if is_autogen_message(item):
        raise SourceError(
            f"{title!r} gives AutoGen's messages ({type(item).__name__}). Give ss.stream the agent "
            "or team itself, and the task: ss.stream(agent, task='...')"
        )


def _write(relay: Relay, run: Run, item: object) -> None:
    event = as_event(item)
    if event is None:
        run.events.raw({"type": type(item).__name__, "repr": repr(item)})
    else:
        relay.write(event)


async def _in_thread(iterator: Iterable[Any], take: Callable[..., Any]) -> AsyncIterator[Any]:
    iterating = iter(iterator)
    # StopIteration cannot leave a thread, so the end is a value.
    while (item := await asyncio.to_thread(take, iterating, _END)) is not _END:
        yield item
