"""Running something that may be cancelled, whatever it does when it is."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Ran", "ask_to_end", "run_cancellably"]

_log = logging.getLogger("swarm_stream.runtime")


@dataclass(slots=True)
class Ran:
    """How a run ended.

    Attributes:
        result: What it gave.
        error: What it raised, other than being cancelled.
        cancelled: Whether it was cancelled.
        leaked: Whether it goes on all the same: it was abandoned.
        from_outside: Whether the cancellation came from whoever awaits the session.

    """

    result: object = None
    error: BaseException | None = None
    cancelled: bool = False
    leaked: bool = False
    from_outside: bool = False


async def run_cancellably(
    work: Coroutine[Any, Any, object],
    *,
    cancel: asyncio.Event,
    ask: Callable[[], None],
    limit_s: float,
) -> Ran:
    """Run ``work`` to its end, or until ``cancel`` is set and has ended it by one means or other.

    ``ask()`` has the source end it (``Source.request_cancel``), within ``limit_s`` seconds; if it
    does not, the task is cancelled, and abandoned a quarter of that later. Never raises what the
    work raised; being cancelled itself does the same and is told by ``from_outside``. If ``cancel``
    is set already, nothing of the work runs.
    """
    if cancel.is_set():
        work.close()
        ask_to_end(ask)
        return Ran(cancelled=True)
    task = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(cancel.wait())
    ran = Ran()
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        ran.from_outside = True
    finally:
        asked.cancel()
    if not task.done():
        ran.cancelled = True
        ladder = asyncio.ensure_future(_end(task, ask, limit_s))
        while not ladder.done():
            try:
                await asyncio.shield(ladder)
            except asyncio.CancelledError:
                # Asked once more while it is being done: the ladder is short, let it end.
                ran.from_outside = True
        if not task.done():
            ran.leaked = True
            task.add_done_callback(_retrieve)
            return ran
    if task.cancelled():
        ran.cancelled = True
    elif (error := task.exception()) is not None:
        # What a cancelled framework raises on its way out is no failure of the run.
        ran.error = None if ran.cancelled else error
    else:
        ran.result = task.result()
    return ran


async def _end(task: asyncio.Future[object], ask: Callable[[], None], limit_s: float) -> None:
    ask_to_end(ask)
    await asyncio.wait({task}, timeout=limit_s)
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=limit_s / 4)


def ask_to_end(ask: Callable[[], None]) -> None:
    """Have a source end a run in its own way, and log what it raises there."""
    try:
        ask()
    except Exception:  # noqa: BLE001  (it is logged, and the run is ended in another way)
        # The framework's own way may run its users' code. Whatever that does, the run is to end.
        _log.exception("cancelling a run in its own way failed; it is cancelled as a task")


def _retrieve(task: asyncio.Future[object]) -> None:
    if not task.cancelled():
        task.exception()
