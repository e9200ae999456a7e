"""What a test must not leave behind: tasks, threads and sockets. Used by ``tests/conftest.py``.

Each is given a moment to end: a thread that was told to stop, a socket whose closing handshake
is under way. What is still there then is named.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Leftovers", "tasks_left"]

PATIENCE_S: Final = 5.0

# Of programs that live as long as pytest does.
_LASTING: Final = ("IOPub", "pytest_timeout", "ThreadPoolExecutor", "Dummy")


class Leftovers:
    """Threads and sockets that this process has now, to be compared with those it has later."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._sockets = _sockets()

    def found(self, *, but: tuple[str, ...] = ()) -> list[str]:
        """Give what has come since and does not go. Waits for it a moment, where there is any.

        ``but`` are beginnings of names of threads that may stay.
        """
        threads = _patiently(lambda: self._threads_left((*_LASTING, *but)))
        return threads + _patiently(self._sockets_left)

    def _threads_left(self, may_stay: tuple[str, ...]) -> list[str]:
        return [
            f"thread {thread.name}"
            for thread in threading.enumerate()
            if thread not in self._threads
            and thread.is_alive()
            and not thread.name.startswith(may_stay)
        ]

    def _sockets_left(self) -> list[str]:
        return sorted(_sockets() - self._sockets)


def tasks_left(before: set[asyncio.Task[object]]) -> list[str]:
    """Give the tasks of the running loop that have come since."""
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    return [repr(task) for task in left]


def _patiently(left: Callable[[], list[str]]) -> list[str]:
    found = left()
    if found:
        gc.collect()  # each time would take longer than most tests do
    deadline = time.monotonic() + PATIENCE_S
    while found and time.monotonic() < deadline:
        time.sleep(0.01)
        found = left()
    return found


def _sockets() -> set[str]:
    """Names of the open sockets of this process; none where the system does not tell."""
    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112  (a path of the system)
        return set()
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
        except OSError:
            continue  # it was closed meanwhile, or is the listing itself
        if target.startswith("socket:"):
            found.add(target)
    return found
