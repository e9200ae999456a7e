"""What a run tells OpenTelemetry, if anybody listens: spans, and the metrics of ``genai``.

Only where OpenTelemetry's API is installed (AutoGen brings it) and the user has set up an SDK
before the run begins; else a run finds that out once, and does nothing more. No prompt, answer,
argument or text of an error is told: names, numbers and kinds of errors.

AutoGen makes spans of its own: ``invoke_agent`` for each turn, ``execute_tool`` for each call of a
tool, and those of its runtime. They are not made twice. What is added is the span of the whole run
around them (``invoke_workflow`` for a team), the names of the run and of the model on AutoGen's
``invoke_agent`` spans, and a span for a turn that AutoGen gives none.

A model's call is timed at its agent: from when the agent is asked, or goes on after a tool, to the
chunks as they leave it. Metrics of calls are recorded on another thread when the call is over:
thousands of chunks cost some microseconds each.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from swarm_stream._version import __version__
from swarm_stream.runtime.genai import (
    AGENT,
    CONVERSATION,
    ERROR,
    OPERATION,
    SCOPE,
    WORKFLOW,
    Attributes,
    Instruments,
    describe_model,
    instruments,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.trace import Span

    from swarm_stream.events.model import Usage
    from swarm_stream.runtime.meter import Answer
    from swarm_stream.sources.base import Model, Source

__all__ = ["Telemetry", "TurnSpan"]

GAPS_AT_ONCE: Final = 250
"""Gaps that are recorded in one go: about a millisecond's worth."""


class _Api(NamedTuple):
    context: Any
    metrics: Any
    trace: Any


@cache
def _api() -> _Api | None:
    try:
        from opentelemetry import context, metrics, trace  # noqa: PLC0415  (when a run begins)
    except ImportError:
        return None
    return _Api(context, metrics, trace)


class TurnSpan(NamedTuple):
    """One turn of an agent, while it is told of."""

    agent: str
    began: float
    span: Span | None
    """A span of ours, where AutoGen has none."""
    token: Any
    """Takes the present task out of that span."""


class Telemetry:
    """What one run tells. Made by ``begin`` on the loop that runs the source, and used there."""

    def __init__(
        self,
        api: _Api,
        stream: str,
        source: Source,
        *,
        measures: Instruments | None,
        later: Callable[..., None],
    ) -> None:
        self.measures = measures
        self._api = api
        self._stream = stream
        self._later = later
        self._tracer = api.trace.get_tracer(SCOPE, __version__)
        self._models: dict[int, Attributes] = {}
        self._team = source.title if getattr(source, "is_team", False) else ""
        name, about = f"swarm_stream.run {source.title}", {CONVERSATION: stream}
        if self._team:
            name = f"invoke_workflow {self._team}"
            about |= {OPERATION: "invoke_workflow", WORKFLOW: self._team}
        self._began = time.perf_counter()
        self._span: Span = self._tracer.start_span(name, attributes=about)

    @staticmethod
    def begin(stream: str, source: Source, *, later: Callable[..., None]) -> Telemetry | None:
        """Begin to tell of a run; None where nobody listens.

        Args:
            stream: The stream's name.
            source: What is run.
            later: Has a function called with its arguments on another thread, soon.

        """
        api = _api()
        if api is None:
            return None
        meters = api.metrics.get_meter_provider()
        measures = instruments(meters) if _listens(meters) else None
        if measures is None and not _listens(api.trace.get_tracer_provider()):
            return None
        return Telemetry(api, stream, source, measures=measures, later=later)

    def enter(self) -> None:
        """Put what the present task does, and all that it starts, inside of the run's span."""
        self._api.context.attach(self._api.trace.set_span_in_context(self._span))

    def end(self, outcome: str, error: BaseException | None) -> None:
        """Tell how the run ended. ``error`` is why it failed."""
        self._span.set_attribute("swarm_stream.outcome", outcome)
        failed = {ERROR: kind_of(error)} if outcome in {"failed", "interrupted"} else {}
        self._finish(self._span, failed)
        if self.measures is not None and self._team:
            self.measures.workflow(time.perf_counter() - self._began, self._team, failed)

    def turn(self, lane: int, agent: str, model: Model) -> TurnSpan:
        """Tell that an agent begins to speak, in the present task."""
        about = describe_model(model)
        self._models[lane] = {OPERATION: "chat", **about}
        about[CONVERSATION] = self._stream
        present = self._api.trace.get_current_span()
        if getattr(present, "name", "") == f"invoke_agent {agent}":
            present.set_attributes(about)  # it is AutoGen's
            return TurnSpan(agent, time.perf_counter(), None, None)
        about |= {OPERATION: "invoke_agent", AGENT: agent}
        span: Span = self._tracer.start_span(f"invoke_agent {agent}", attributes=about)
        token = self._api.context.attach(self._api.trace.set_span_in_context(span))
        return TurnSpan(agent, time.perf_counter(), span, token)

    def turn_over(self, turn: TurnSpan, error: BaseException | None) -> None:
        """Tell that it is over. In the same task."""
        failed = {} if error is None else {ERROR: kind_of(error)}
        if turn.span is not None:
            self._finish(turn.span, failed)
            self._api.context.detach(turn.token)
        if self.measures is not None:
            self.measures.agent(time.perf_counter() - turn.began, turn.agent, failed)

    def answered(
        self, answer: Answer, over: float | None, usage: Usage | None, error: BaseException | None
    ) -> None:
        """Tell that a model's answer is over; see ``Meter.told``."""
        if self.measures is None:
            return
        about = dict(self._models[answer.lane])
        if error is not None:
            about[ERROR] = kind_of(error)
        elif answer.chunks:
            over = answer.last  # whatever came after it may have waited
        self._later(self.measures.answer, answer, over, usage, about)
        if answer.gaps:
            self._later(self._record_gaps, answer.gaps, about)

    def counted(self, model: Model, prompt: int | None, completion: int | None) -> None:
        """Tell what a call took that is no answer of an agent: a manager's."""
        if self.measures is not None:
            about = {OPERATION: "chat", **describe_model(model)}
            self.measures.tokens(about, prompt, completion)

    @contextmanager
    def tool(self, agent: str, tool: str) -> Iterator[None]:
        """Time one call of a tool."""
        began, failed = time.perf_counter(), {}
        try:
            yield
        except BaseException as error:
            failed = {ERROR: kind_of(error)}
            raise
        finally:
            if self.measures is not None:
                self.measures.tool(time.perf_counter() - began, agent, tool, failed)

    def _record_gaps(self, gaps_s: list[float], about: Attributes) -> None:
        if self.measures is not None:
            self.measures.gaps(gaps_s[:GAPS_AT_ONCE], about)
        if len(gaps_s) > GAPS_AT_ONCE:  # others want that thread as well
            self._later(self._record_gaps, gaps_s[GAPS_AT_ONCE:], about)

    def _finish(self, span: Span, failed: Attributes) -> None:
        if failed:
            span.set_attributes(failed)
            span.set_status(self._api.trace.StatusCode.ERROR)
        span.end()


def _listens(provider: object) -> bool:
    """Tell whether a provider does anything. Those of the API itself only pass on to others."""
    home = type(provider).__module__
    return not home.startswith(("opentelemetry.trace", "opentelemetry.metrics"))
