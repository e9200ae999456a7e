"""AutoGen's runtimes inside of teams: ending what runs in them when nothing else has.

Only runtimes that a team made for itself are touched. One that its user brought carries other
things too, and is theirs to end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swarm_stream.sources.autogen.walk import Node

__all__ = ["abandon_runtimes", "cancel_handlers"]


def cancel_handlers(root: Node) -> None:
    """Cancel the messages that are being handled; the runtimes count them as handled, and end."""
    for runtime in _runtimes(root):
        for task in tuple(getattr(runtime, "_background_tasks", ())):
            task.cancel()


def abandon_runtimes(root: Node) -> None:
    """Cancel the loops of runtimes that nobody is left to stop; their teams are of no more use."""
    for runtime in _runtimes(root):
        loop = getattr(getattr(runtime, "_run_context", None), "_run_task", None)
        if isinstance(loop, asyncio.Task) and not loop.done():
            cancel_handlers(root)
            loop.cancel()


def _runtimes(root: Node) -> Iterator[Any]:
    for node in root:
        if node.is_team and getattr(node.runner, "_embedded_runtime", False):
            yield getattr(node.runner, "_runtime", None)
