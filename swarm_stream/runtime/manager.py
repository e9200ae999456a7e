"""``StreamingManager``: the sessions of a process: made, named, limited, watched, ended."""

from __future__ import annotations

import atexit
import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import (
    NoSuchStreamError,
    SessionStateError,
    SourceError,
    StreamNameTakenError,
    SwarmStreamError,
)
from swarm_stream.protocol.frames import check_stream_name
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.session import StreamingSession
from swarm_stream.sources.resolve import resolve, take_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from swarm_stream.sources.base import Source

__all__ = ["NO_TASK", "SessionStatus", "StreamingManager", "slug"]

_log = logging.getLogger("swarm_stream.runtime")

EXIT_LIMIT_S: Final = 2.0
"""Seconds that the connection and its thread have to end with the process."""

NO_TASK: Final = object()
"""Stands for a task that was left out; None is a task, too: go on where you stopped."""

SERVER_LIMIT_S: Final = 1.0
"""Seconds that the first view waits to learn about the server."""

_NOT_ALLOWED: Final = re.compile(r"[^A-Za-z0-9._~]+")
_SLUG_CHARS: Final = 40


def slug(text: str, *, limit: int = _SLUG_CHARS) -> str:
    """Make a stream's name from any text: what is not allowed becomes ``-``."""
    return _NOT_ALLOWED.sub("-", text).strip("-")[:limit].strip("-") or "run"


class SessionStatus(dict[str, object]):
    """One line of ``StreamingManager.status``: a plain dict with a fixed order of keys."""


class StreamingManager:
    """Make sessions, and keep an eye on them. Any thread; sessions start on the caller's loop.

    Args:
        config: Settings of sessions that bring none of their own.
        runtime: What the sessions share; made when the first one is.

    """

    def __init__(
        self, config: StreamingConfig | None = None, *, runtime: Runtime | None = None
    ) -> None:
        self.config = config or StreamingConfig.load()
        self._runtime = runtime
        self._sessions: dict[str, StreamingSession] = {}
        self._lock = threading.Lock()
        self._watch: threading.Timer | None = None
        self._registered = False

    @property
    def runtime(self) -> Runtime:
        """The IO thread and what lives there; made when first asked for."""
        with self._lock:
            if self._runtime is None or not self._runtime.io.alive:
                self._runtime = Runtime(self.config)
            if not self._registered:
                atexit.register(self.shut_down)
                self._registered = True
            return self._runtime

    def __iter__(self) -> Iterator[StreamingSession]:
        """The sessions of this process, in the order in which they were made."""
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        """How many sessions there are, with those that are over."""
        return len(self._sessions)

    def __getitem__(self, stream: str) -> StreamingSession:
        """Give a session of this process.

        Raises:
            NoSuchStreamError: If this process made no stream of that name.

        """
        try:
            return self._sessions[stream]
        except KeyError:
            raise NoSuchStreamError(stream) from None

    @property
    def active(self) -> list[StreamingSession]:
        """Sessions whose run is not over."""
        return [session for session in self if not session.done]

    def create(  # noqa: PLR0913
        self,
        source: object,
        *,
        task: object = NO_TASK,
        name: str | None = None,
        config: StreamingConfig | None = None,
        take_over: bool = False,
        continue_from: StreamingSession | None = None,
    ) -> StreamingSession:
        """Make a session for what a user gave, without starting it.

        With a ``name`` this waits (``claim_timeout_s``) to hear whether the server lets us have it.

        Raises:
            SourceError: If ``source`` is nothing that can be run, or the task does not fit it.
            StreamNameError: If the name has characters that are not allowed.
            StreamNameTakenError: If a live producer has the name and ``take_over`` is False, or
                a session of this process that has not handed everything in.
            StreamClosedError: If a stream of that name has ended.
            ProducerFencedError: If somebody else takes the name over meanwhile.
            SessionStateError: If too many sessions run, or ``continue_from`` has not ended.

        """
        found = resolve(source)
        if continue_from is not None:
            _continue(found, continue_from)
        if task is NO_TASK:
            if getattr(found, "needs_task", False):
                raise SourceError(
                    f"{found.title} has no task; give one: ss.stream(..., task='...'). To go on "
                    "with a team that has stopped, say so: task=None"
                )
            task = None
        found.check(task)
        config = config or self.config
        stream = check_stream_name(name) if name is not None else self._new_name(found.title)
        runtime = self.runtime
        session = StreamingSession(
            found, task=task, stream=stream, config=config, runtime=runtime, take_over=take_over
        )
        earlier = self._enter(session, take_over=take_over)
        try:
            runtime.io.call(_open(session, earlier), timeout_s=config.connect_timeout_s)
            if name is not None:
                self._wait_for_claim(session, runtime)
            runtime.io.call(_host(session), timeout_s=config.connect_timeout_s)
        except BaseException:
            runtime.io.post(session.close)
            self._leave(session, earlier)
            raise
        if config.idle_timeout_s:
            self._watch_idle(config.idle_timeout_s)
        return session

    def status(self) -> list[SessionStatus]:
        """Give one line for each session of this process."""
        lines = []
        for session in self:
            metrics = session.metrics
            lines.append(
                SessionStatus(
                    stream=session.id,
                    title=session.source.title,
                    state=session.state.value,
                    events=metrics.events,
                    chunks=metrics.chunks,
                    bytes=metrics.bytes,
                    viewers=metrics.viewers,
                    acked=metrics.acked,
                    buffered=metrics.buffered,
                    elapsed_s=round(metrics.elapsed_s, 3),
                    age_s=_age_s(session.transcript.first_t),
                    notice=session.notice,
                )
            )
        return lines

    def cancel_all(self, *, by: str = "you") -> int:
        """Cancel every run that is not over; gives how many."""
        active = self.active
        for session in active:
            session.cancel(by=by)
        return len(active)

    def forget(self, stream: str) -> None:
        """Let go of a session that is over; its stream stays in the log.

        Raises:
            NoSuchStreamError: If this process made no stream of that name.
            SessionStateError: If its run goes on.

        """
        session = self[stream]
        if not session.done:
            raise SessionStateError(f"stream {stream!r} goes on; cancel it first")
        with self._lock:
            del self._sessions[stream]

    def shut_down(self) -> None:
        """End what is shared, waiting a moment for the last acknowledgements. May be called twice.

        Called when the process ends.
        """
        with self._lock:
            runtime, self._runtime = self._runtime, None
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
        if runtime is None or not runtime.io.alive:
            return
        deadline = time.monotonic() + self.config.flush_timeout_s
        while any(session.may_be_acked for session in self) and time.monotonic() < deadline:
            time.sleep(0.01)  # the interpreter is ending: there is no loop to wait on
        for session in self:
            if session.unacked:
                _log.warning(
                    "stream %s: the process ends, and %d events did not reach the server",
                    session.id,
                    session.unacked,
                )
        runtime.stop(timeout_s=EXIT_LIMIT_S)

    def wait_for_server(self, session: StreamingSession) -> None:
        """Wait a moment until it is known whether a server has the stream, and which one."""
        try:
            self.runtime.io.call(session.claimed(), timeout_s=SERVER_LIMIT_S)
        except (TimeoutError, SwarmStreamError):
            # The view finds out by itself; ``session.notice`` says what is wrong.
            return

    def _new_name(self, title: str) -> str:
        return f"{slug(title)}-{uuid4().hex[:8]}"

    def _enter(self, session: StreamingSession, *, take_over: bool) -> StreamingSession | None:
        """Give a session its place before it is opened; gives who had its name before."""
        limit = session.config.max_streams
        with self._lock:
            earlier = self._sessions.get(session.id)
            if earlier is not None and not take_over and not earlier.handed_in:
                raise StreamNameTakenError(session.id)
            for old in [key for key, value in self._sessions.items() if value.handed_in]:
                # Over and handed in: only the log needs to know it now.
                if len(self._sessions) > limit:
                    del self._sessions[old]
            if len(self.active) >= limit:
                raise SessionStateError(
                    f"{limit} runs go on already; cancel some with ss.manager().cancel_all(), or "
                    "raise StreamingConfig.max_streams"
                )
            self._sessions[session.id] = session
        return earlier

    def _leave(self, session: StreamingSession, earlier: StreamingSession | None) -> None:
        """Take back the place of a session that could not be opened."""
        with self._lock:
            if self._sessions.get(session.id) is session:
                del self._sessions[session.id]
                if earlier is not None:
                    self._sessions[session.id] = earlier

    def _wait_for_claim(self, session: StreamingSession, runtime: Runtime) -> None:
        try:
            runtime.io.call(session.claimed(), timeout_s=session.config.claim_timeout_s)
        except TimeoutError:
            # The server is away. The run may begin; a refusal later is told by the view.
            _log.info("stream %s: the server has not answered the claim yet", session.id)

    def _watch_idle(self, timeout_s: float) -> None:
        with self._lock:
            if self._watch is not None:
                return
            self._watch = threading.Timer(min(1.0, timeout_s / 4), self._look_for_idle)
            self._watch.daemon = True
            self._watch.start()

    def _look_for_idle(self) -> None:
        with self._lock:
            self._watch = None
        limits = [s.config.idle_timeout_s for s in self.active if s.config.idle_timeout_s]
        for session in self.active:
            limit = session.config.idle_timeout_s
            if limit and session.idle_s >= limit:
                session.cancel(by=f"the idle timeout of {limit:g} s")
        if limits:
            self._watch_idle(min(limits))


def _age_s(began_ms: float | None) -> float:
    # By the wall clock, as events are; it may have been set since.
    return 0.0 if began_ms is None else max(0.0, time.time() - began_ms / 1000)


def _continue(source: Source, earlier: StreamingSession) -> None:
    if not isinstance(earlier, StreamingSession):
        raise SourceError(
            "continue_from takes a session of this kernel, as ss.stream gave it: what agents know "
            "is in their kernel, not in the stream"
        )
    if not earlier.done:
        raise SessionStateError(
            f"stream {earlier.id!r} goes on; wait for its end or cancel it before you continue "
            "from it"
        )
    take_state(source, earlier.source)


async def _open(session: StreamingSession, earlier: StreamingSession | None) -> None:
    if earlier is not None:
        # One connection carries one producer of a stream, and this process has one connection.
        earlier.give_up()
    session.open()


async def _host(session: StreamingSession) -> None:
    session.host()
