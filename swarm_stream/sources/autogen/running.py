"""Which agents and teams have a run: from its start, not only once AutoGen or the tap work."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from autogen_agentchat.base import Team

from swarm_stream.errors import SessionStateError

if TYPE_CHECKING:
    import asyncio

    from swarm_stream.sources.autogen.walk import Node, Runner

__all__ = ["begin", "check_free", "over"]

_begun: WeakKeyDictionary[Node, asyncio.Task[object]] = WeakKeyDictionary()


def begin(root: Node, task: asyncio.Task[object]) -> None:
    """Keep what is in ``root`` from other runs, until ``over`` or the end of ``task``."""
    _begun[root] = task
    # The task holds ``root``, so that the entry would keep itself.
    task.add_done_callback(lambda _: over(root))


def over(root: Node) -> None:
    """Let others run what is in ``root``."""
    _begun.pop(root, None)


def check_free(root: Node) -> None:
    """Refuse what is in another run.

    Raises:
        SessionStateError: If it is.

    """
    ours = {id(node.runner) for node in root}
    for other, task in tuple(_begun.items()):
        if other is root or task.done():
            continue
        for node in other:
            if id(node.runner) in ours:
                raise _runs(node.runner)
    for node in root:
        if isinstance(node.runner, Team) and getattr(node.runner, "_is_running", False):
            raise _runs(node.runner)


def _runs(runner: Runner) -> SessionStateError:
    what = "team" if isinstance(runner, Team) else "agent"
    return SessionStateError(
        f"{what} {runner.name!r} is already running. Wait for that run or cancel it, or give "
        f"ss.stream a function that makes a fresh {what}"
    )
