"""Which tools are at work, also after AutoGen has let go of them.

A tool call that was cancelled may go on: a plain function in its thread, or a coroutine that
takes no notice. The tools' instances are listened to for the time of a run. Runs may share a tool
(agents are often made with the same functions), so a tool is changed once, for all of them.
"""

from __future__ import annotations

import asyncio
import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from autogen_core.tools import BaseTool, FunctionTool

from swarm_stream.sources.autogen.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autogen_core import CancellationToken

    from swarm_stream.sources.threads import Threads

__all__ = ["RunningTools"]


class RunningTools:
    """The tools of one run. On the loop that runs the agents.

    Args:
        threads: Where plain functions are counted while they work.

    """

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self._calls: dict[asyncio.Task[Any], str] = {}
        self._watched: list[tuple[_Watched, str]] = []
        self._called: set[str] = set()

    def attach(self, tool: BaseTool[Any, Any], agent: str) -> None:
        """Begin to listen at a tool."""
        watched = _known.get(tool)
        if watched is None:
            watched = _known[tool] = _Watched(tool)
        watched.users.append(self)
        self._watched.append((watched, f"tool {tool.name!r} of {agent}"))

    def begin(self) -> None:
        """Make the calls of the present task, and of all that it starts, calls of this run."""
        _running.set(self)

    def called(self, watched: _Watched, task: asyncio.Task[Any]) -> None:
        """Note that a tool was called, in ``task``."""
        name = self.name_of(watched)
        self._called.add(name)
        self._calls[task] = name

    def returned(self, task: asyncio.Task[Any]) -> None:
        """Note that it has answered."""
        self._calls.pop(task, None)

    def name_of(self, watched: _Watched) -> str:
        """Give a tool's name in this run."""
        return next((name for one, name in self._watched if one is watched), "a tool")

    def called_here(self, watched: _Watched) -> bool:
        """Whether this run called a tool: another one may share it."""
        return self.name_of(watched) in self._called

    def cancel(self) -> set[asyncio.Task[Any]]:
        """Cancel the calls that are under way, and give their tasks."""
        for task in self._calls:
            task.cancel()
        return set(self._calls)

    @property
    def running(self) -> list[str]:
        """Names of the calls that are under way on the loop; threads are in ``threads``."""
        return list(self._calls.values())

    def detach(self) -> None:
        """Stop listening: every tool is as it was, once no other run listens."""
        for watched, _ in self._watched:
            watched.users.remove(self)
            if not watched.users:
                watched.restore()
        self._watched.clear()


_running: ContextVar[RunningTools | None] = ContextVar("swarm_stream_tools", default=None)


class _Watched:
    """A tool that is listened to."""

    def __init__(self, tool: BaseTool[Any, Any]) -> None:
        self.users: list[RunningTools] = []
        self._patches = Patches()
        self._tool = tool
        original = tool.run_json

        async def run_json(
            args: Mapping[str, Any],
            cancellation_token: CancellationToken,
            call_id: str | None = None,
        ) -> Any:  # noqa: ANN401
            run = _running.get()
            task = asyncio.current_task()
            if run is None or run not in self.users or task is None:
                return await original(args, cancellation_token, call_id)
            run.called(self, task)
            try:
                return await original(args, cancellation_token, call_id)
            finally:
                run.returned(task)

        self._patches.put(tool, "run_json", run_json)
        if isinstance(tool, FunctionTool) and not asyncio.iscoroutinefunction(tool._func):  # noqa: SLF001
            self._patches.put(tool, "_func", self._in_thread(tool._func))  # noqa: SLF001

    def _in_thread(self, function: Any) -> Any:  # noqa: ANN401
        # The thread does not know for which run it works: for all that called the tool.
        @functools.wraps(function)
        def watched(*args: object, **kwargs: object) -> object:
            users = [user for user in tuple(self.users) if user.called_here(self)]
            keys = [(user.threads, user.threads.enter(user.name_of(self))) for user in users]
            try:
                return function(*args, **kwargs)
            finally:
                for threads, key in keys:
                    threads.leave(key)

        return watched

    def restore(self) -> None:
        self._patches.restore()
        _known.pop(self._tool, None)


_known: WeakKeyDictionary[BaseTool[Any, Any], _Watched] = WeakKeyDictionary()
