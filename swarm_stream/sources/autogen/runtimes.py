"""AutoGen's runtimes inside of teams: ending what runs in them when nothing else has.

Only runtimes that a team made for itself are touched. One that its user brought carries other
things too, and is theirs to end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swarm_stream.sources.autogen.patches import Patches
    from swarm_stream.sources.autogen.walk import Node

__all__ = ["Runtimes", "retrieve"]


def retrieve(task: asyncio.Future[Any]) -> None:
    """Take a task's exception, so that asyncio does not complain that nobody has."""
    if not task.cancelled():
        task.exception()


class Runtimes:
    """The runtimes of one run's teams. On the loop that runs the agents."""

    def __init__(self, root: Node) -> None:
        teams: list[Any] = [
            node.runner
            for node in root
            if node.is_team and getattr(node.runner, "_embedded_runtime", False)
        ]
        self._all: list[Any] = [team._runtime for team in teams]  # noqa: SLF001
        self._names = [team.name for team in teams]
        self._loops: set[asyncio.Task[Any]] = set()

    def quieten(self, patches: Patches) -> None:
        """Keep AutoGen's noise from the user: what its tasks raise on their way out.

        A runtime that is stopped while messages are handled counts them twice, and says
        ``task_done() called too many times``. Real errors are raised by the run itself.
        """
        for runtime in self._all:
            tasks = getattr(runtime, "_background_tasks", None)
            if isinstance(tasks, set):
                patches.put(runtime, "_background_tasks", _QuietTasks(tasks))

    def cancel_handlers(self) -> None:
        """Cancel the messages that are being handled; the runtimes count them as handled."""
        for runtime in self._all:
            for task in tuple(getattr(runtime, "_background_tasks", ())):
                task.cancel()

    async def let_go(self, timeout_s: float) -> list[str]:
        """End what is still handled, and give the names of the teams where that is not possible.

        It is a manager that calls a model, mostly: agents are ended by the tap.
        """
        pending = {
            task for runtime in self._all for task in getattr(runtime, "_background_tasks", ())
        }
        if pending:
            self.cancel_handlers()
            await asyncio.wait(pending, timeout=timeout_s)
        return [
            f"manager of {name}"
            for name, runtime in zip(self._names, self._all, strict=True)
            if any(not task.done() for task in getattr(runtime, "_background_tasks", ()))
        ]

    def note_loops(self) -> None:
        """Remember the tasks of the runtimes: one that is cut while it stops forgets its own."""
        for runtime in self._all:
            loop = getattr(getattr(runtime, "_run_context", None), "_run_task", None)
            if isinstance(loop, asyncio.Task):
                self._loops.add(loop)

    def abandon(self) -> None:
        """End the runtimes that nobody is left to stop; their teams are of no more use."""
        self.note_loops()
        if any(not loop.done() for loop in self._loops):
            self.cancel_handlers()
        for loop in self._loops:
            loop.cancel()


class _QuietTasks(set[asyncio.Task[Any]]):
    """A runtime's own set of tasks, but nobody hears what they raise."""

    def __init__(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        super().__init__(tasks)

    def add(self, task: asyncio.Task[Any]) -> None:
        super().add(task)
        task.add_done_callback(retrieve)
