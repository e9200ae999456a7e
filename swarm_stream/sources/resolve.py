"""Find the source for whatever a user gives to ``ss.stream``."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from swarm_stream.errors import SourceError
from swarm_stream.sources.history import HistorySource, is_message
from swarm_stream.sources.iterators import IteratorSource
from swarm_stream.sources.recorded import RecordedSource

if TYPE_CHECKING:
    from swarm_stream.sources.base import Run, Source

__all__ = ["DeferredSource", "resolve", "take_state"]

_ACCEPTED = (
    "Give an AutoGen agent or team, a function without arguments that makes one, an (async) "
    "iterator of texts or events, a list of chat messages, or the path of a recorded run (.jsonl)"
)


def resolve(given: object) -> Source:
    """Give the source for a user's object.

    A function is called at once; what an ``async def`` gives is awaited when it runs.

    Raises:
        SourceError: If it is nothing that can be run; names what can.

    """
    found = _resolve(given)
    if found is not None:
        return found
    if isinstance(given, type):
        raise SourceError(f"{given.__name__} is a class, not an instance of one. {_ACCEPTED}")
    if callable(given):
        return _made_by(given)
    raise SourceError(f"cannot stream {type(given).__name__}. {_ACCEPTED}")


def _resolve(given: Any) -> Source | None:  # noqa: ANN401
    if _is_source(given):
        return cast("Source", given)
    if (autogen := _autogen(given)) is not None:
        return autogen
    if isinstance(given, Path) or (isinstance(given, str) and given.endswith(".jsonl")):
        return RecordedSource(given)
    if isinstance(given, str):
        raise SourceError(
            f"a text alone cannot be streamed; it looks like the task: ss.stream(agent, "
            f"task=...). {_ACCEPTED}"
        )
    if isinstance(given, list | tuple):
        return _from_list(given)
    if isinstance(given, AsyncIterable | Iterator):
        return IteratorSource(given)
    return None


def _from_list(given: list[Any] | tuple[Any, ...]) -> Source:
    if not given:
        raise SourceError(f"the list is empty. {_ACCEPTED}")
    if all(map(is_message, given)):
        return HistorySource(given)
    if "autogen_agentchat" in sys.modules:
        from swarm_stream.sources.autogen.history import (  # noqa: PLC0415  (AutoGen is not imported for its users' sake alone)
            AutoGenTeller,
            is_autogen_message,
        )
        from swarm_stream.sources.autogen.walk import Runner  # noqa: PLC0415

        if any(isinstance(entry, Runner) for entry in given):
            raise SourceError(
                "a list of agents is no team yet. Make one of them, and give ss.stream that: "
                "RoundRobinGroupChat([planner, critic], max_turns=4)"
            )

        if all(is_message(entry) or is_autogen_message(entry) for entry in given):
            return HistorySource(given, tell=AutoGenTeller())
    if all(isinstance(entry, str) for entry in given):
        return IteratorSource(iter(given))
    return RecordedSource(given)


def _autogen(given: object) -> Source | None:
    # Who has an agent has imported AutoGen; nobody else should wait for it.
    if "autogen_agentchat" not in sys.modules:
        return None
    from swarm_stream.sources.autogen.adapter import AutoGenStreamingAdapter  # noqa: PLC0415
    from swarm_stream.sources.autogen.walk import Runner, runner_behind  # noqa: PLC0415

    if (runner := runner_behind(given)) is not None:
        raise SourceError(
            f"this is a stream of AutoGen's own, which ss.stream starts by itself. Give it the "
            f"agent or team, {runner.name!r}, and the task: ss.stream(agent, task='...')"
        )
    return AutoGenStreamingAdapter(given) if isinstance(given, Runner) else None


def _is_source(given: object) -> bool:
    needed = ("name", "title", "agents", "caps", "run", "request_cancel", "request_stop")
    return not isinstance(given, type) and all(hasattr(given, name) for name in needed)


def _made_by(function: Callable[[], Any]) -> Source:
    name = getattr(function, "__name__", type(function).__name__)
    try:
        needed = [
            parameter.name
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):
        needed = []  # a built-in that does not say
    if needed:
        raise SourceError(
            f"{name}() needs {', '.join(needed)}. Call it yourself, or give a function without "
            f"arguments: lambda: {name}(...)"
        )
    made = function()
    if inspect.isawaitable(made):
        return DeferredSource(made, title=name)
    found = _resolve(made)
    if found is None:
        raise SourceError(f"{name}() gave {type(made).__name__}. {_ACCEPTED}")
    return found


class DeferredSource:
    """What an ``async def`` will give once it is awaited, in the run.

    Until then nothing is known of it, so all that a source may be able to do is promised.
    """

    name = "deferred"
    caps = frozenset({"cancel", "stop", "pause", "backpressure", "input", "lanes"})

    def __init__(self, making: Awaitable[object], *, title: str) -> None:
        self.title = title
        self._making = making
        self._waiting: asyncio.Future[object] | None = None
        self._source: Source | None = None
        self._cancelled = False
        self._stopping = False
        self._earlier: object = None

    @property
    def agents(self) -> list[str]:
        """The agents, once they are made."""
        return [] if self._source is None else list(self._source.agents)

    @property
    def leaked(self) -> Sequence[str]:
        """What the source leaves behind."""
        return () if self._source is None else self._source.leaked

    def check(self, task: object) -> None:
        """Accept any task: what is made checks it when it runs."""
        del task

    async def run(self, run: Run, task: object) -> object:
        """Await the source, then run it."""
        too_late = self._cancelled
        if too_late:
            raise asyncio.CancelledError
        self._waiting = asyncio.ensure_future(self._making)
        self._source = source = resolve(await self._waiting)
        if self._earlier is not None:
            take_state(source, self._earlier)
        if self._stopping:
            source.request_stop()
        if self._cancelled:
            source.request_cancel()
        return await source.run(run, task)

    def continue_from(self, earlier: object) -> None:
        """Have what will be made begin with the state of an earlier source."""
        self._earlier = earlier

    @property
    def made(self) -> Source | None:
        """The source, once it is made."""
        return self._source

    def request_cancel(self) -> None:
        """Cancel what was made, or will be."""
        self._cancelled = True
        if self._source is not None:
            self._source.request_cancel()
        elif self._waiting is not None:
            self._waiting.cancel()
        elif isinstance(self._making, asyncio.Future):
            self._making.cancel()
        elif isinstance(self._making, Coroutine):
            self._making.close()  # or Python wonders why nobody awaited it

    def request_stop(self) -> None:
        """Stop what was made, or will be."""
        self._stopping = True
        if self._source is not None:
            self._source.request_stop()


def take_state(source: Source, earlier: object) -> None:
    """Have a source begin with the state in which an earlier one, which is over, left its agents.

    Raises:
        SourceError: If one of them has no such state, or they do not fit.

    """
    if isinstance(earlier, DeferredSource):
        earlier = earlier.made
    take = getattr(source, "continue_from", None)
    if take is None:
        raise SourceError(
            f"{source.title} has no state to begin with; continue_from= is for AutoGen agents and "
            "teams, and for functions that make one"
        )
    take(earlier)
