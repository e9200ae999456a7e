"""Which tools are at work, also after AutoGen has let go of them.

A tool call that was cancelled may go on: a plain function in its thread, or a coroutine that
takes no notice. The tools' instances are listened to for the time of a run. Runs may share a tool
(agents are often made with the same functions), so a tool is changed once, for all of them.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from autogen_core.tools import BaseTool, FunctionTool

from swarm_stream.sources.autogen.patches import Patches

if TYPE_CHECKING:
    from swarm_stream.sources.base import Watcher
    from swarm_stream.sources.threads import Threads

__all__ = ["RunningTools"]


class RunningTools:
    """The tools of one run. On the loop that runs the agents.

    Args:
        threads: Where plain functions are counted while they work.
        watcher: Who times the calls.

    """

    def __init__(self, threads: Threads, watcher: Watcher) -> None:
        self.threads = threads
        self.watcher = watcher
        self._calls: dict[asyncio.Task[Any], str] = {}
        self._watched: list[_Watched] = []

    def attach(self, tool: BaseTool[Any, Any]) -> None:
        """Begin to listen at a tool."""
        watched = _known.get(id(tool))
        if watched is None:
            watched = _known[id(tool)] = _Watched(tool)
        if watched not in self._watched:
            watched.users += 1
            self._watched.append(watched)

    def begin(self, agent: str) -> None:
        """Make the calls of the present task, and of all that it starts, calls of an agent here."""
        _caller.set(_Caller(self, agent))

    def called(self, task: asyncio.Task[Any], name: str) -> None:
        """Note that a tool was called, in ``task``."""
        self._calls[task] = name

    def returned(self, task: asyncio.Task[Any]) -> None:
        """Note that it has answered."""
        self._calls.pop(task, None)

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
        for watched in self._watched:
            watched.users -= 1
            if not watched.users:
                watched.restore()
        self._watched.clear()


class _Caller(NamedTuple):
    run: RunningTools
    agent: str


_caller: ContextVar[_Caller | None] = ContextVar("swarm_stream_tools", default=None)


class _Watched:
    """A tool that is listened to, by so many runs."""

    def __init__(self, tool: BaseTool[Any, Any]) -> None:
        self.users = 0
        self._tool = tool
        self._patches = Patches()
        # Calls whose function has not begun in its thread yet. A thread does not know who called.
        self._coming: deque[tuple[Threads, str]] = deque()
        self._lock = threading.Lock()
        original = tool.run_json

        async def run_json(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            caller, task = _caller.get(), asyncio.current_task()
            if caller is None or task is None:
                return await original(*args, **kwargs)
            name = f"tool {tool.name!r} of {caller.agent}"
            coming = (caller.run.threads, name)
            caller.run.called(task, name)
            with self._lock:
                self._coming.append(coming)
            try:
                with caller.run.watcher.tool(caller.agent, tool.name):
                    return await original(*args, **kwargs)
            finally:
                caller.run.returned(task)
                with self._lock:
                    if coming in self._coming:
                        self._coming.remove(coming)

        self._patches.put(tool, "run_json", run_json)
        if isinstance(tool, FunctionTool) and not asyncio.iscoroutinefunction(tool._func):  # noqa: SLF001
            self._patches.put(tool, "_func", self._in_thread(tool._func))  # noqa: SLF001

    def _in_thread(self, function: Any) -> Any:  # noqa: ANN401
        @functools.wraps(function)
        def watched(*args: object, **kwargs: object) -> object:
            with self._lock:
                coming = self._coming.popleft() if self._coming else None
            if coming is None:
                return function(*args, **kwargs)
            threads, name = coming
            return threads.watch(name, function)(*args, **kwargs)

        return watched

    def restore(self) -> None:
        self._patches.restore()
        _known.pop(id(self._tool), None)


# By the tool's id: it is held here, and need not be hashable.
_known: dict[int, _Watched] = {}
