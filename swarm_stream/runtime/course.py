"""The course of one run, from its first event to its last, whatever comes in between."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from swarm_stream.events.model import End
from swarm_stream.runtime.cancelling import Ran, ask_to_end, run_cancellably
from swarm_stream.runtime.ending import error_info, judge, tell_of_end
from swarm_stream.runtime.environment import task_text
from swarm_stream.runtime.states import SessionSignal
from swarm_stream.sources.asking import Asker, use_asker

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.model import ErrorInfo, Outcome
    from swarm_stream.runtime.buttons import Notes
    from swarm_stream.runtime.channel import Channel
    from swarm_stream.runtime.pacer import Pacer
    from swarm_stream.runtime.recorder import Recorder
    from swarm_stream.runtime.session import StreamingSession
    from swarm_stream.runtime.source_run import RunOfSession
    from swarm_stream.runtime.standing import Standing
    from swarm_stream.runtime.turns import Turns

__all__ = ["Course"]

_AWAITER: Final = "whoever awaited it"
"""Who cancelled a run when nobody pressed a button: a kernel interrupt (the square button,
Ctrl-C) or a program, by way of the await."""

_LOOP_CLOSER: Final = "whoever closed its event loop"


class Course:
    """Run a session's source. ``stop`` and ``cancel`` from any thread, the rest on the run's loop.

    However the run ends, it has a first event and a last one, its state says that it is over, and
    those who want to know are told: also when its task was cancelled before its first step, and
    when its loop was closed under it, which is found out by whoever presses a button.

    Args:
        session: Whose run it is.
        task: What it is asked to do.
        standing: The session's state.
        recorder: Where it is said that the run begins and ends.
        notes: Where it is said who ended it.
        channel: Is told of the end.
        pacer: Speaks texts that came whole.
        turns: Who works when.
        source_run: What the source gets.
        later: Has a function called on the IO thread.

    Attributes:
        on_end: Called when the run is over.
        abandoned: Whether the run is over and its task goes on.
        showing: Shows the run to the end; ``run`` waits for it.

    """

    def __init__(  # noqa: PLR0913
        self,
        session: StreamingSession,
        task: object,
        *,
        standing: Standing,
        recorder: Recorder,
        notes: Notes,
        channel: Channel,
        pacer: Pacer,
        turns: Turns,
        source_run: RunOfSession,
        later: Callable[..., None],
    ) -> None:
        self.on_end: list[Callable[[], None]] = []
        self.abandoned = False
        self.showing: asyncio.Task[None] | None = None
        self._session = session
        self._given = task
        self._standing = standing
        self._recorder = recorder
        self._notes = notes
        self._channel = channel
        self._pacer = pacer
        self._turns = turns
        self._meter = turns.meter
        self._source_run = source_run
        self._later = later
        self._cancel = asyncio.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[object]:
        """Begin; what was asked before is done first."""
        self._standing.start(loop)
        if self._standing.cancelled_by is not None:
            self._cancel.set()
        if self._standing.stopping:
            self._standing.tell(self._session.source.request_stop)
        task = loop.create_task(self._run(), name=f"swarm-stream {self._session.id}")
        task.add_done_callback(self._task_over)
        return task

    def stop(self, by: str) -> None:
        """End after the agent that is speaking."""
        if self._standing.stop():
            self._notes.add("stop", by)
            if not self._standing.tell(self._session.source.request_stop):
                self._note_cancel(_LOOP_CLOSER)
                self._cut_short()

    def cancel(self, by: str) -> None:
        """End now."""
        self._note_cancel(by)
        # Also where it is no news: the loop may have closed before the first one was heard.
        if not self._standing.done and not self._standing.tell(self._cancel.set):
            self._cut_short()

    async def _run(self) -> object:
        session = self._session
        limit_s = session.config.flush_timeout_s
        self._begin()
        ran = await run_cancellably(
            self._work(),
            cancel=self._cancel,
            ask=self._end_source,
            limit_s=session.config.cancel_timeout_s,
        )
        self.abandoned = ran.leaked
        error = self._end(ran)
        try:
            await self._channel.flush_at_end(limit_s)
        finally:
            tell_of_end(session.id, self.on_end)
        if self.showing is not None:
            await asyncio.wait({self.showing}, timeout=limit_s)
        if ran.from_outside:
            raise asyncio.CancelledError
        if error is not None:
            raise error
        return ran.result

    async def _work(self) -> object:
        use_asker(Asker(self._source_run))
        self._turns.enter()
        result = await self._session.source.run(self._source_run, self._given)
        await self._pacer.finish()
        return result

    def _end_source(self) -> None:
        self._note_cancel(_AWAITER)  # unless somebody pressed a button
        # What came whole was said: it is given at once, and nothing waits for its pace.
        self._pacer.hurry()
        self._session.source.request_cancel()

    def _begin(self) -> None:
        source = self._session.source
        self._turns.tell(self._session, later=self._later)
        self._meter.started = time.perf_counter()
        self._recorder.events.start(
            task=task_text(self._given), source=source.name, caps=source.caps
        )
        self._notes.begin()

    def _end(self, ran: Ran) -> BaseException | None:
        """Write the last event, and give what awaiting the run raises."""
        self._pacer.hurry()
        outcome, reason, error = judge(self._session, ran, refusal=self._channel.connection.refusal)
        recorded = None
        if outcome == "completed" and isinstance(ran.result, End):
            # A recording ends as the run did that it was made of.
            outcome, reason, recorded = ran.result.outcome, ran.result.reason, ran.result.error
        self._session.questions.close()
        try:
            self._write_end(outcome, reason, error_info(ran.error) or recorded, error)
        finally:
            # Over is over, also where nobody can be told: the IO thread may have ended.
            self._standing.move(SessionSignal.FAIL if outcome == "failed" else SessionSignal.END)
        return error

    def _write_end(
        self, outcome: Outcome, reason: str, info: ErrorInfo | None, error: BaseException | None
    ) -> None:
        self._recorder.events.end(outcome, reason=reason, error=info)
        self._meter.end(time.perf_counter())
        self._turns.run_over(outcome, error)
        assert self._recorder.ended is not None  # noqa: S101  (``end`` was just written)
        self._channel.end(self._recorder.ended)

    def _task_over(self, task: asyncio.Task[object]) -> None:
        # Who does not await sees the error in the view, not as noise of asyncio's.
        error = None if task.cancelled() else task.exception()
        if not self._standing.done:
            # It was cancelled before its first step, so that nothing of ``_run`` has run.
            self._cut_short(error)

    def _cut_short(self, error: BaseException | None = None) -> None:
        """End a run that cannot end by itself: its task is over, or its loop is closed."""
        if not self._standing.cut_short():
            return
        if error is None:
            self._note_cancel(_AWAITER)
        if self._meter.started is None:
            self._begin()
            ask_to_end(self._session.source.request_cancel)
        self._end(Ran(error=error, cancelled=error is None))
        tell_of_end(self._session.id, self.on_end)

    def _note_cancel(self, by: str) -> bool:
        news = self._standing.cancel(by)
        if news:
            self._notes.add("cancel", by)
        return news
