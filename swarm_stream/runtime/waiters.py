"""Waiting on a loop for something that another thread makes true."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Waiters"]


class Waiters:
    """Tasks, on any loops, that wait for a condition which any thread may change.

    Whoever changes the condition calls ``wake`` afterwards. Cancelling a wait is safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition()`` is true; at once, without a switch, if it is already."""
        while not condition():
            loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = loop.create_future()
            entry = (loop, future)
            with self._lock:
                self._waiting.append(entry)
            try:
                # Looked at again after we are on the list: a wake in between finds us there.
                if condition():
                    return
                await future
            finally:
                with self._lock:
                    if entry in self._waiting:
                        self._waiting.remove(entry)

    def wake(self) -> None:
        """Have all that wait look again. From any thread; cheap when nobody waits."""
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            try:
                loop.call_soon_threadsafe(_set, future)
            except RuntimeError:
                # That loop is closed, and its task with it: nobody is left to wake.
                continue


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
