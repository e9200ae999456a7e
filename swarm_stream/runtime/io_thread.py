"""The IO thread: one for each kernel, with its own event loop.

Tokens, heartbeats and the cancel button must not wait for a cell that computes or sleeps, so
everything that talks to the server runs here. It starts when first needed and ends with the
process, or by ``stop``.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from swarm_stream.errors import SessionStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["IOThread"]

T = TypeVar("T")

STOP_TIMEOUT_S = 5.0


class IOThread:
    """A thread that runs an event loop. All methods from any thread, unless they say otherwise.

    The thread is a daemon so that a kernel can always exit, and is joined with a limit.
    """

    def __init__(self) -> None:
        self._posted: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._woken = False
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._pid = os.getpid()
        self._thread = threading.Thread(
            target=self._main, args=(started,), name="swarm-stream-io", daemon=True
        )
        self._thread.start()
        # The future carries the loop, or why there is none, out of the thread.
        self.loop = started.result(timeout=STOP_TIMEOUT_S)

    @property
    def alive(self) -> bool:
        """Whether the loop runs, in this process."""
        return self._thread.is_alive()

    @property
    def inside(self) -> bool:
        """Whether the caller is on the IO thread."""
        return threading.current_thread() is self._thread

    def post(self, call: Callable[..., object], *args: object) -> None:
        """Have ``call(*args)`` run on the loop, soon. Does not wait.

        In the order in which it was posted, and all that gathers meanwhile at once: waking the
        loop takes a call of the system, after which this thread waits for the interpreter's lock.

        Raises:
            SessionStateError: If the thread has ended, or the process was forked.

        """
        self._check()
        self._posted.append((call, args))
        if not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self._run_posted)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; gives a future that any thread may wait on.

        Raises:
            SessionStateError: If the thread has ended, or the process was forked.

        """
        try:
            self._check()
        except SessionStateError:
            work.close()
            raise
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, work: Coroutine[Any, Any, T], *, timeout_s: float) -> T:
        """Run a coroutine on the loop and wait for it.

        Raises:
            SessionStateError: If called on the IO thread itself, which would never return.
            TimeoutError: If it takes longer than ``timeout_s``; it is cancelled then.

        """
        if self.inside:
            work.close()
            raise SessionStateError("this call waits for the IO thread and was made on it")
        future = self.submit(work)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop and join the thread, within ``STOP_TIMEOUT_S``. May be called twice."""
        if not self.alive or self.inside:
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_TIMEOUT_S)

    def _run_posted(self) -> None:
        # First: what is posted from here on wakes the loop again.
        self._woken = False
        for _ in range(len(self._posted)):
            call, args = self._posted.popleft()
            try:
                call(*args)
            except Exception as error:  # noqa: BLE001  (told as the loop tells of its own calls)
                message = f"{call!r}, posted to the IO thread, failed"
                self.loop.call_exception_handler({"message": message, "exception": error})

    def _check(self) -> None:
        # After a fork it is not alive in the child, so nobody has to ask the system who we are.
        if self._thread.is_alive():
            return
        if self._pid != os.getpid():
            raise SessionStateError(
                "this process was forked and has no IO thread; make sessions in the process "
                "that will run them, or use the 'spawn' start method"
            )
        raise SessionStateError("the IO thread has ended; restart the kernel to stream again")

    def _main(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        try:
            # Not the policy's loop: a Windows or uvloop policy is the user's choice for cells.
            loop = asyncio.SelectorEventLoop()
            asyncio.set_event_loop(loop)
        except BaseException as error:
            started.set_exception(error)
            raise
        loop.call_soon(started.set_result, loop)
        try:
            loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
