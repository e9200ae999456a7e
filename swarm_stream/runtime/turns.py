"""Who works when, as a source tells its session: for the meter, and for OpenTelemetry."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Final

from swarm_stream.runtime.meter import Meter
from swarm_stream.runtime.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.runtime.session import StreamingSession
    from swarm_stream.runtime.telemetry import TurnSpan
    from swarm_stream.sources.base import Model

__all__ = ["Turns"]

_NOTHING: Final = nullcontext()


class Turns:
    """The ``Watcher`` of a session. On the loop that runs the source.

    Attributes:
        meter: The session's meter.
        telemetry: What is told to OpenTelemetry as well, if anybody listens.

    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.telemetry: Telemetry | None = None

    def tell(self, session: StreamingSession, *, later: Callable[..., None]) -> None:
        """Tell OpenTelemetry as well, if it is to and listens; see ``Telemetry.begin``."""
        if not session.config.telemetry:
            return
        self.telemetry = telemetry = Telemetry.begin(session.id, session.source, later=later)
        if telemetry is not None:
            self.meter.told = telemetry.answered
            self.meter.collecting = telemetry.measures is not None

    def enter(self) -> None:
        """Note that the present task, with all that it starts, runs the source."""
        if self.telemetry is not None:
            self.telemetry.enter()

    def run_over(self, outcome: str, error: BaseException | None) -> None:
        """Note how the run ended."""
        if self.telemetry is not None:
            self.telemetry.end(outcome, error)

    def turn(self, lane: int, agent: str, model: Model) -> _Turn:
        """Note that an agent begins to speak."""
        telemetry = self.telemetry
        span = telemetry.turn(lane, agent, model) if telemetry is not None else None
        return _Turn(self.meter, lane, telemetry, span)

    def tool(self, agent: str, tool: str) -> AbstractContextManager[None]:
        """Time one call of a tool."""
        return _NOTHING if self.telemetry is None else self.telemetry.tool(agent, tool)

    def counted(self, model: Model, prompt: int | None, completion: int | None) -> None:
        """Note what a call took that is no answer of an agent."""
        if self.telemetry is not None:
            self.telemetry.counted(model, prompt, completion)


class _Turn:
    """One invocation of an agent."""

    __slots__ = ("_lane", "_meter", "_span", "_telemetry")

    def __init__(
        self, meter: Meter, lane: int, telemetry: Telemetry | None, span: TurnSpan | None
    ) -> None:
        self._meter = meter
        self._lane = lane
        self._telemetry = telemetry
        self._span = span

    def goes_on(self) -> None:
        self._meter.asked(self._lane, perf_counter())

    def end(self, error: BaseException | None) -> None:
        self._meter.turn_over(self._lane, perf_counter(), error)
        if self._telemetry is not None and self._span is not None:
            self._telemetry.turn_over(self._span, error)
