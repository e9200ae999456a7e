"""What a hub counts: plain numbers, and two legs of the way of an event.

Reads no clock: durations and ``now`` are in seconds of ``time.perf_counter``. The legs:

* *append*: from a frame's arrival in the hub until it is durable and the hub knows, which is when
  its ``ack`` is queued.
* *delivery*: from then until a frame with the event was written to a viewer's socket, which the
  transport says when it has drained. By the first event of each frame: it has waited longest. What
  a viewer catches up with was there before the viewer, and is not timed.
"""

from __future__ import annotations

from typing import Final

from swarm_stream.histogram import LEGS_S, Histogram

__all__ = ["HubMeter", "Leg", "Rate"]

WINDOW_S: Final = 5.0
"""Seconds over which rates are taken."""


class Leg:
    """How long something took, each time."""

    __slots__ = ("histogram", "sum_s")

    def __init__(self) -> None:
        self.histogram = Histogram(LEGS_S)
        self.sum_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count one time."""
        self.histogram.add(duration_s)
        self.sum_s += duration_s


class Rate:
    """Events a second over the last few seconds, in two numbers: this window's and the last's."""

    __slots__ = ("_before", "_born", "_count", "_since")

    def __init__(self, now: float) -> None:
        self._born = self._since = now
        self._count = self._before = 0

    def add(self, events: int, now: float) -> None:
        """Count events."""
        self._turn(now)
        self._count += events

    def per_s(self, now: float) -> float:
        """Give the rate."""
        self._turn(now)
        left = 1 - (now - self._since) / WINDOW_S
        span_s = min(WINDOW_S, max(1.0, now - self._born))
        return (self._count + self._before * left) / span_s

    def _turn(self, now: float) -> None:
        windows = int((now - self._since) / WINDOW_S)
        if windows > 0:
            self._before = self._count if windows == 1 else 0
            self._count = 0
            self._since += windows * WINDOW_S


class HubMeter:
    """The counts of one hub, since it was made. On its loop.

    Attributes:
        appended_events, appended_bytes, appended_frames: Taken into the log, each once.
        sent_events, sent_bytes, sent_frames: Written to viewers' sockets, for each of them.
        append, delivery: The legs.
        refused: By the code of an ``error``, or ``gone``, ``gap`` and ``fenced``, how many were
            told.
        closed: By close code, sockets that were closed.
        turned_away: Sockets for which there was no room.
        log_bytes: Bytes of events in the log, about: retention corrects it.

    """

    def __init__(self) -> None:
        self.appended_events = 0
        self.appended_bytes = 0
        self.appended_frames = 0
        self.append = Leg()
        self.sent_events = 0
        self.sent_bytes = 0
        self.sent_frames = 0
        self.delivery = Leg()
        self.refused: dict[str, int] = {}
        self.closed: dict[int, int] = {}
        self.turned_away = 0
        self.log_bytes = 0
        self._rates: dict[str, Rate] = {}

    def appended(self, events: int, size: int, duration_s: float) -> None:
        """Note a frame of a producer that is durable; ``events`` are those that were new."""
        self.append.add(duration_s)
        self.appended_frames += 1
        if events:
            self.appended_events += events
            self.appended_bytes += size
            self.log_bytes += size

    def came(self, stream: str, events: int, now: float) -> None:
        """Note events of a stream that goes on."""
        rate = self._rates.get(stream)
        if rate is None:
            rate = self._rates[stream] = Rate(now)
        rate.add(events, now)

    def sent(self, events: int, size: int) -> None:
        """Note a frame of events that was written to a viewer's socket."""
        self.sent_frames += 1
        self.sent_events += events
        self.sent_bytes += size

    def hung_up(self, code: int) -> None:
        """Note that a socket is closed."""
        self.closed[code] = self.closed.get(code, 0) + 1

    def rate(self, stream: str, now: float) -> float:
        """Give how many events a second a stream got over the last seconds."""
        rate = self._rates.get(stream)
        return 0.0 if rate is None else rate.per_s(now)

    def over(self, stream: str) -> None:
        """Forget the rate of a stream that gets no more."""
        self._rates.pop(stream, None)
