"""A recorded run as a source: the same events again, in their own time or faster."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from swarm_stream.errors import ConfigurationError, SourceError
from swarm_stream.events import model
from swarm_stream.sources.relay import Relay, as_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from swarm_stream.sources.base import Run

__all__ = ["RecordedSource"]


class RecordedSource:
    """Replay a run.

    Lanes, segments and order are those of the recording; the clock and the ids are this run's.
    What ``run`` gives is the recording's ``end`` event, so that the session can end as it did,
    or None where the recording has none.

    Args:
        recording: A file with one event a line as JSON, or the events: structs or dictionaries.
        speed: How many times faster than it was; None or infinity is at once.
        title: Its name for headers; the file's by default.

    Raises:
        SourceError: If the file cannot be read or has a line that is no event.
        ConfigurationError: If ``speed`` is not above 0.

    """

    name = "recorded"
    caps = frozenset({"cancel", "stop", "pause", "backpressure", "lanes"})
    leaked: Sequence[str] = ()

    def __init__(
        self,
        recording: str | Path | Iterable[Any],
        *,
        speed: float | None = 1.0,
        title: str | None = None,
    ) -> None:
        if speed is not None and not speed > 0:
            raise ConfigurationError(
                f"speed must be above 0, or None for at once; got {speed!r}. 2.0 is twice as fast"
            )
        path = Path(recording) if isinstance(recording, str | Path) else None
        read = _from_file(path) if path is not None else _from_items(recording)  # type: ignore[arg-type]  # a path was taken out above
        self.title = title or (path.stem if path is not None else "recording")
        self._events = list(read)
        self._speed = math.inf if speed is None else speed
        self._player: asyncio.Task[model.End | None] | None = None
        self._stopping = False

    @property
    def agents(self) -> list[str]:
        """The names of the recording's lanes."""
        return [e.name for e in self._events if isinstance(e, model.Lane) and e.kind != "team"]

    @property
    def task(self) -> str:
        """The task that the recorded run was given."""
        return next((e.task for e in self._events if isinstance(e, model.Start)), "")

    def check(self, task: object) -> None:
        """Accept any task: it is only shown."""
        del task

    async def run(self, run: Run, task: object) -> model.End | None:
        """Replay to the end and give the recording's ``end``."""
        self.check(task)
        self._player = asyncio.create_task(self._play(run), name=f"swarm_stream plays {self.title}")
        try:
            return await self._player
        finally:
            self._player.cancel()

    def request_cancel(self) -> None:
        """Stop at once."""
        if self._player is not None:
            self._player.cancel()

    def request_stop(self) -> None:
        """Stop when nobody is in the middle of a text."""
        self._stopping = True

    async def _play(self, run: Run) -> model.End | None:
        relay = Relay(run.events)
        loop = asyncio.get_running_loop()
        began: float | None = None
        lost_s = 0.0
        first_t = 0.0
        for event in self._events:
            if event.t and not math.isinf(self._speed):
                if began is None:
                    began, first_t = loop.time(), event.t
                due = began + lost_s + (event.t - first_t) / 1000 / self._speed
                await asyncio.sleep(max(0.0, due - loop.time()))
            held = loop.time()
            await run.gate()
            # What waited at the gate is not caught up afterwards in a burst.
            lost_s += loop.time() - held
            relay.write(event)
            if (self._stopping or run.stopping) and not run.events.open_segments:
                break
        return relay.end


def _from_file(path: Path) -> Iterator[model.AnyEvent | model.Unknown]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read ({error.strerror}). ss.record(session, path) makes such "
            "a file"
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield model.decode_event(line)
        except msgspec.DecodeError as error:
            raise SourceError(
                f"line {number} of {str(path)!r} is no event ({error}). A recording has one JSON "
                "object a line, as ss.record(session, path) writes it"
            ) from error


def _from_items(items: Iterable[Any]) -> Iterator[model.AnyEvent | model.Unknown]:
    for number, item in enumerate(items):
        event = as_event(item)
        if event is None:
            raise SourceError(
                f"item {number} of the recording is no event but {type(item).__name__}; give "
                "events or dictionaries as ss.record writes them"
            )
        yield event
