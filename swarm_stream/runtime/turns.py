"""Who works when, as a source tells its session, for the meter."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from swarm_stream.runtime.meter import Meter
    from swarm_stream.sources.base import Model

__all__ = ["Turns"]

_NOTHING: Final = nullcontext()


class Turns:
    """The ``Watcher`` of a session. On the loop that runs the source."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def turn(self, lane: int, agent: str, model: Model) -> _Turn:
        """Note that an agent begins to speak."""
        del agent, model
        return _Turn(self._meter, lane)

    def tool(self, agent: str, tool: str) -> AbstractContextManager[None]:
        """Time one call of a tool."""
        del agent, tool
        return _NOTHING

    def counted(self, model: Model, prompt: int | None, completion: int | None) -> None:
        """Note what a call took that is no answer of an agent."""


class _Turn:
    """One invocation of an agent."""

    __slots__ = ("_lane", "_meter")

    def __init__(self, meter: Meter, lane: int) -> None:
        self._meter = meter
        self._lane = lane

    def goes_on(self) -> None:
        self._meter.asked(self._lane, perf_counter())

    def end(self, error: BaseException | None) -> None:
        self._meter.turn_over(self._lane, perf_counter(), error)
