"""``StreamingSession``: one run, from its source to everybody who watches it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from swarm_stream.errors import ProducerFencedError, SessionStateError
from swarm_stream.runtime.asking import Questions
from swarm_stream.runtime.buttons import Buttons, Notes
from swarm_stream.runtime.channel import Channel
from swarm_stream.runtime.course import Course
from swarm_stream.runtime.environment import check_loop, task_text
from swarm_stream.runtime.gate import Gate
from swarm_stream.runtime.metrics import SessionMetrics, measure
from swarm_stream.runtime.pacer import Pacer
from swarm_stream.runtime.recorder import Recorder
from swarm_stream.runtime.source_run import RunOfSession
from swarm_stream.runtime.standing import Standing
from swarm_stream.runtime.turns import Turns
from swarm_stream.sources.asking import Asker, as_input_func

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator

    from swarm_stream.config import StreamingConfig
    from swarm_stream.events.fold import Transcript
    from swarm_stream.events.model import AnyEvent, Unknown
    from swarm_stream.protocol import frames
    from swarm_stream.runtime.environment import Runtime
    from swarm_stream.runtime.states import SessionState
    from swarm_stream.sources.base import Source

__all__ = ["StreamingSession"]


class StreamingSession:
    """A run that is streamed: one stream, one producer. Made by ``ss.stream``.

    ``await session`` gives the framework's own result, or raises what the run raised. Cancelling
    that await cancels the run. Letting go of the session, or closing its views, does not.

    Methods may be called from any thread, but ``start`` and ``await``: those belong to the loop
    that runs the source.

    Attributes:
        id: The stream's name: ``ss.attach(id)`` takes it.
        config: The settings.
        source: What is run.
        gate: What holds the run while it is paused.

    """

    view_factory: ClassVar[Callable[[StreamingSession], object] | None] = None
    """How ``view`` is made; set by the floor above, which knows about widgets."""

    def __init__(  # noqa: PLR0913
        self,
        source: Source,
        *,
        task: object,
        stream: str,
        config: StreamingConfig,
        runtime: Runtime,
        take_over: bool = True,
    ) -> None:
        self.id = stream
        self._standing = Standing()
        self.config = config
        self.source = source
        # A recording has a task of its own, which is only shown.
        given = getattr(source, "task", None) if task is None else task
        self._runtime = runtime
        self._turns = Turns()
        self._meter = self._turns.meter
        self._channel = Channel(
            stream,
            producer=f"{runtime.process}-{uuid4().hex[:12]}",
            meta=runtime.describe(source, task_text(given)),
            config=config,
            io=runtime.io,
            local=runtime.local,
            link=runtime.link,
            take_over=take_over,
            on_acked=lambda offset: self._meter.acked(offset, time.perf_counter()),
            on_change=self._channel_changed,
            on_control=self._control_arrived,
        )
        self._recorder = Recorder(self._channel.buffer, self._meter)
        self.gate = Gate(
            self._channel.buffer,
            self._meter,
            why_full=lambda: self._channel.why_full,
            chunks_per_s=config.max_tokens_per_second if config.pace_live else 0,
            move=self._standing.move_while_running,
        )
        self._pacer = Pacer(self._recorder, self.gate.hold, config.max_tokens_per_second)
        self._recorder.before = self._pacer.before
        self._questions = Questions(stream, self._recorder.events)
        self._source_run = RunOfSession(self, self._recorder, self._pacer, self._turns)
        self._buttons = Buttons(self)
        self._notes = Notes(stream, self._recorder.events)
        self._course = Course(
            self,
            given,
            standing=self._standing,
            recorder=self._recorder,
            notes=self._notes,
            channel=self._channel,
            pacer=self._pacer,
            turns=self._turns,
            source_run=self._source_run,
            later=runtime.io.post,
        )
        self._task: asyncio.Task[object] | None = None
        self._view: object | None = None

    def __repr__(self) -> str:
        """Show the stream and the state."""
        return f"<StreamingSession {self.id} {self.state.value}>"

    def __await__(self) -> Generator[Any, None, object]:
        """Wait for the run's own result."""
        if self._task is None:
            raise SessionStateError("this session was not started; ss.stream(...) starts one")
        return self._task.__await__()

    # What users read.

    @property
    def state(self) -> SessionState:
        """IDLE, STREAMING, PAUSED, ERROR or CLOSED."""
        return self._standing.state

    @property
    def transcript(self) -> Transcript:
        """Everything said so far, as readers see it. It grows while the run goes on."""
        return self._recorder.transcript

    @property
    def metrics(self) -> SessionMetrics:
        """What was measured so far."""
        return measure(self._meter, self._channel, self._recorder.transcript.count)

    @property
    def notice(self) -> str:
        """What keeps events from the log or the view from the server, or an empty string."""
        return self._channel.notice

    @property
    def view(self) -> object:
        """A widget for composing, made when first asked for; None before ``ss`` was imported."""
        if self._view is None and StreamingSession.view_factory is not None:
            self._view = StreamingSession.view_factory(self)
        return self._view

    @property
    def paused_by(self) -> str:
        """Who paused the run, ``buffer`` while the log cannot keep up, or an empty string."""
        return self.gate.held_by

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self._standing.done

    @property
    def handed_in(self) -> bool:
        """Whether the run is over and the log has all of it."""
        return self.done and not self.unacked

    @property
    def unacked(self) -> int:
        """Events that the log has not acknowledged yet."""
        return len(self._channel.buffer)

    @property
    def may_be_acked(self) -> bool:
        """Whether there is something that the log does not have and may yet get."""
        return self.unacked > 0 and self._channel.hopeful

    @property
    def idle_s(self) -> float:
        """Seconds since the run last said something; 0 while it waits for a person or is paused.

        0 before it begins, too.
        """
        begun = self._meter.started is not None
        if self._questions.waiting or self.gate.closed or self.done or not begun:
            return 0.0
        return time.perf_counter() - self._recorder.said_at

    @property
    def has_server(self) -> bool:
        """Whether a server has the stream, or may yet have it."""
        return not self._channel.served_locally

    @property
    def served_by(self) -> str:
        """Id of the server that has the stream, or an empty string while the kernel serves it."""
        return "" if self._channel.served_locally else self._channel.connection.server

    async def events(self, start: int = 0) -> AsyncIterator[AnyEvent | Unknown]:
        """Give events from offset ``start`` on: what was said, then what is being said.

        Ends after the run's last event. May be read any number of times, on any loop.

        Raises:
            OffsetOutOfRangeError: If this process no longer holds events from ``start`` on.

        """
        async for event in self._runtime.read_local(self._channel.here or self.id, start):
            yield event

    @property
    def cancelled_by(self) -> str:
        """Who cancelled the run, or an empty string."""
        return self._standing.cancelled_by or ""

    @property
    def leaked(self) -> list[str]:
        """Names of what still works although the run is over: mostly functions in threads."""
        left = list(getattr(self.source, "leaked", ()))
        return left or [self.source.title] if self._course.abandoned else left

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was asked for."""
        return self._standing.stopping

    @property
    def questions(self) -> Questions:
        """What the run asks of people."""
        return self._questions

    @property
    def input_func(self) -> Callable[..., Awaitable[str]]:
        """An ``input_func`` for AutoGen's ``UserProxyAgent``: asks whoever watches this run."""

        async def ask(prompt: str, cancellation_token: object = None) -> str:
            # An agent of this run asks in its own lane, by AutoGen's id; others in the run's.
            asker = Asker.of(self._source_run)
            return await asker(prompt, cancellation_token=cancellation_token)

        return as_input_func(ask)

    # What users do.

    def start(self) -> None:
        """Begin the run on the running loop; ``ss.stream`` does it.

        One that was cancelled before, or whose stream another producer took, is over at once.

        Raises:
            SessionStateError: If it was started before, or no loop is running.

        """
        self._task = self._course.start(check_loop())
        if (begun := getattr(self.source, "begun", None)) is not None:
            begun(self._task)  # it refuses a second run of the same agents from now on
        self.gate.begin()

    def pause(self, *, by: str = "you") -> None:
        """Hold the agents before their next chunk. The model's server may go on for a moment."""
        if self.done or self.gate.closed:
            return
        self._notes.add("pause", by)
        self.gate.close(by)

    def resume(self, *, by: str = "you") -> None:
        """Let the agents go on."""
        if self.done or not self.gate.closed:
            return
        self._notes.add("resume", by)
        self.gate.open()

    def stop(self, *, by: str = "you") -> None:
        """End the run after the agent that is speaking. Its result is what was reached."""
        self._course.stop(by)

    def cancel(self, *, by: str = "you") -> None:
        """End the run now. What was said stays; ``await`` raises ``StreamCancelledError``.

        So ends, at once, a run whose event loop was closed under it; ``stop`` does that, too.
        """
        self._course.cancel(by)

    def reply(self, text: str, *, request: str | None = None, by: str = "you") -> None:
        """Answer the question that the run waits for, the oldest if there are several.

        Raises:
            SessionStateError: If nobody is waiting for an answer.
            TypeError: If the answer is no text.

        """
        problem = self._questions.reply(text, request=request, by=by)
        if problem is not None:
            raise SessionStateError(problem)

    async def flush(self, timeout_s: float | None = None) -> int:
        """Wait until everything said so far is durable; gives how many events that is.

        Raises:
            FlushTimeoutError: If it is not within ``timeout_s`` (the config's, if None).

        """
        limit = self.config.flush_timeout_s if timeout_s is None else timeout_s
        return await self._channel.flush(limit)

    def shown_by(self, showing: asyncio.Task[None]) -> None:
        """Have ``await session`` wait for who shows it, so that the last word is seen."""
        self._course.showing = showing

    def on_end(self, call: Callable[[], None]) -> None:
        """Have ``call()`` run on the session's loop when the run is over.

        Where that loop is closed it runs in the thread that finds that out.
        """
        self._course.on_end.append(call)

    # How it works.

    async def claimed(self) -> None:
        """Wait until the server has answered the claim; see ``Channel.claimed``."""
        await self._channel.claimed()

    def open(self) -> None:
        """Open the channel: on the IO thread."""
        self._channel.open()

    def host(self) -> None:
        """Have the kernel's own hub serve it, too: on the IO thread, before ``start``."""
        self._channel.host()

    def give_up(self) -> None:
        """Leave the stream to another session of this process: on the IO thread."""
        self._channel.give_up()

    def close(self) -> None:
        """Close the channel: on the IO thread."""
        self._channel.close()

    def _channel_changed(self) -> None:
        if self._channel.buffer.paused:
            self._meter.blame(self._channel.why_full)
        if isinstance(self._channel.connection.refusal, ProducerFencedError):
            self.cancel(by="another producer of this stream")

    def _control_arrived(self, frame: frames.Control) -> None:
        self._channel.answer(self._buttons.pressed(frame))
