"""A thread that does jobs in groups: everything that is queued, at once, as soon as it can.

There is no timer. While one group is being done the next one gathers, so groups are of one job
when little is going on and grow with the load.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from swarm_stream.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from swarm_stream.logs.base import Moved

__all__ = ["Answer", "Done", "Engine", "Job", "Worker"]

_logger = logging.getLogger("swarm_stream.logs")

MAX_GROUP_JOBS = 1024
MAX_GROUP_BYTES = 4 * 2**20


class Job(Protocol):
    """Something to do, and the future that waits for it."""

    @property
    def future(self) -> asyncio.Future[Any]:
        """Gets the answer, on the loop. May be cancelled; the job is done all the same."""
        ...

    @property
    def weight(self) -> int:
        """Bytes that doing it takes, about."""
        ...


J_contra = TypeVar("J_contra", bound=Job, contravariant=True)
J = TypeVar("J", bound=Job)


class Answer(NamedTuple):
    """What a job's future is to be told."""

    future: asyncio.Future[Any]
    result: object = None
    error: BaseException | None = None


class Done(NamedTuple):
    """What came of a group of jobs."""

    answers: Sequence[Answer]
    moves: Sequence[Moved] = ()


class Engine(Protocol[J_contra]):
    """What a worker's thread does. Made, used and closed in that thread."""

    def handle(self, jobs: Sequence[J_contra]) -> Done:
        """Do a group of jobs, in order."""
        ...

    def idle(self) -> bool:
        """Do a little background work; tells whether there is more."""
        ...

    def close(self) -> None:
        """Give everything back; the last call."""
        ...


class Worker(Generic[J]):
    """Runs an engine in a daemon thread of its own, for one event loop.

    ``start``, ``submit`` and ``stop`` are called on the loop.

    Args:
        name: The thread's name.
        make: Makes the engine, in the thread; may raise ``LogError``.
        on_moves: Told on the loop of what a group moved, before the group's answers arrive.

    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Engine[J]],
        *,
        on_moves: Callable[[Iterable[Moved]], None] | None = None,
    ) -> None:
        self._make = make
        self._on_moves = on_moves
        self._queue: SimpleQueue[J | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._stopped: asyncio.Future[None] = self._loop.create_future()

    async def start(self) -> None:
        """Make the engine; raises what making it raised. If cancelled, it closes by itself."""
        self._thread.start()
        try:
            await asyncio.shield(self._started)
        except asyncio.CancelledError:
            self._queue.put(None)
            # Nobody waits any more, so nobody needs to hear if it fails.
            self._started.add_done_callback(asyncio.Future.exception)
            raise

    def submit(self, job: J) -> None:
        """Queue ``job``; its future gets the answer."""
        self._queue.put(job)
        if self._stopped.done():
            self._refuse_queued()

    async def stop(self, *, timeout_s: float) -> bool:
        """Do what is queued, close the engine, end the thread; tells whether it did in time."""
        self._queue.put(None)
        await asyncio.wait((self._stopped,), timeout=timeout_s)
        if not self._stopped.done():
            return False
        # It has said its last word, so this takes no time to speak of.
        await asyncio.to_thread(self._thread.join, timeout_s)
        return True

    def _run(self) -> None:
        try:
            engine = self._make()
        except Exception as error:  # noqa: BLE001 - ``start`` raises it
            self._tell(_settle, (Answer(self._started, error=error),))
            self._tell(self._ended, None)
            return
        self._tell(_settle, (Answer(self._started),))
        try:
            while (jobs := self._take(engine)) is not None:
                self._tell(self._deliver, self._handle(engine, jobs))
        finally:
            try:
                engine.close()
            except Exception:
                _logger.exception("the log could not be closed in order")
            self._tell(self._ended, None)

    def _ended(self, _: None) -> None:
        # On the loop, where jobs are submitted too, so none can slip in behind.
        self._stopped.set_result(None)
        self._refuse_queued()

    def _refuse_queued(self) -> None:
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                error = LogError("the log is closed, or its thread died; restart the server")
                _settle((Answer(job.future, error=error),))

    def _take(self, engine: Engine[J]) -> list[J] | None:
        """Wait for jobs; gives all there are up to the limits, or None when it is time to end."""
        queue = self._queue
        while queue.empty() and engine.idle():
            pass
        job = queue.get()
        if job is None:
            return None
        jobs = [job]
        weight = job.weight
        while len(jobs) < MAX_GROUP_JOBS and weight < MAX_GROUP_BYTES:
            try:
                job = queue.get_nowait()
            except Empty:
                break
            if job is None:
                queue.put(None)  # nothing comes after it, so it is the next to be taken
                break
            jobs.append(job)
            weight += job.weight
        return jobs

    def _handle(self, engine: Engine[J], jobs: Sequence[J]) -> Done:
        try:
            return engine.handle(jobs)
        except Exception as error:
            _logger.exception("the log failed; this is a bug")
            return Done([Answer(job.future, error=_internal(error)) for job in jobs])

    def _deliver(self, done: Done) -> None:
        if done.moves and self._on_moves is not None:
            self._on_moves(done.moves)
        _settle(done.answers)

    def _tell(self, call: Callable[..., None], what: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, what)
        except RuntimeError:
            # The loop was closed without closing the log: nobody is left to be told.
            _logger.debug("x the loop is closed, an answer went nowhere")


def _settle(answers: Sequence[Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue  # cancelled: whoever asked no longer wants to know
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _internal(error: Exception) -> LogError:
    failure = LogError(f"the log failed, please report this: {error!r}")
    failure.__cause__ = error
    return failure
