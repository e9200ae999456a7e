"""What the hub counted, in Jupyter's own ``/metrics``, for Prometheus.

Read when Prometheus asks, from the plain numbers of ``hub.meter``; nothing here is touched while
events flow. A process has one registry and may have several servers (tests do): one collector
adds their hubs up. Streams are never labels: there is no end of them.

Who may read ``/metrics`` is Jupyter's own setting, ``ServerApp.authenticate_prometheus``.
"""

from __future__ import annotations

import threading
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from swarm_stream.hub.meter import Leg
from swarm_stream.protocol.frames import CloseCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import CollectorRegistry

    from swarm_stream.hub.hub import StreamHub

__all__ = ["HubCollector", "publish", "withdraw"]

PREFIX: Final = "swarm_stream_"

_CLOSED: Final[Mapping[int, str]] = {
    CloseCode.NORMAL: "left",
    CloseCode.GOING_AWAY: "silent",
    CloseCode.NOT_JSON: "not_json",
    CloseCode.TOO_BIG: "too_big",
    CloseCode.FAILED: "failed",
    CloseCode.RESTARTING: "restarting",
    CloseCode.TRY_LATER: "not_reading",
}


class HubCollector(Collector):
    """Gives the sums over some hubs. On the loop of the hubs, as Jupyter's ``/metrics`` does.

    Args:
        registry: Where it is as long as there is a hub.

    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._hubs: list[StreamHub] = []
        self._lock = threading.Lock()

    def add(self, hub: StreamHub) -> None:
        """Give a hub's numbers, too."""
        with self._lock:
            self._hubs.append(hub)
            if len(self._hubs) == 1:
                self._registry.register(self)

    def remove(self, hub: StreamHub) -> None:
        """Give them no more. May be called twice."""
        with self._lock:
            if hub not in self._hubs:
                return
            self._hubs.remove(hub)
            if not self._hubs:
                self._registry.unregister(self)

    def describe(self) -> Iterable[Metric]:
        """Give what there is, without numbers: for the registry's check of names."""
        return _metrics(())

    def collect(self) -> Iterable[Metric]:
        """Give the numbers."""
        return _metrics(tuple(self._hubs))


_collector: Final = HubCollector()

publish = _collector.add
"""Show a hub's numbers in ``/metrics``."""

withdraw = _collector.remove
"""Show them no more."""


def _metrics(hubs: tuple[StreamHub, ...]) -> Iterator[Metric]:
    yield from _present(hubs)
    yield from _flow(hubs)
    yield from _trouble(hubs)


def _present(hubs: tuple[StreamHub, ...]) -> Iterator[Metric]:
    """How things are now."""
    streams = sum(hub.quotas.streams for hub in hubs)
    unended = sum(hub.quotas.open_streams for hub in hubs)
    live = sum(hub.live_streams for hub in hubs)
    by_state = GaugeMetricFamily(
        PREFIX + "streams",
        "Streams by state: their producer is live, it is away (stalled), they have ended.",
        labels=["state"],
    )
    for state, number in (
        ("live", live),
        ("stalled", max(0, unended - live)),
        ("ended", streams - unended),
    ):
        by_state.add_metric([state], number)
    yield by_state
    yield _gauge("producers", "Sockets that write streams.", sum(h.producers.sockets for h in hubs))
    yield _gauge("subscriptions", "Streams read by sockets.", sum(h.viewers.total for h in hubs))
    viewers = sum(bool(socket.asked) for hub in hubs for socket in tuple(hub.sockets))
    yield _gauge("viewers", "Sockets that read streams.", viewers)
    yield _gauge("sockets", "Sockets that are open.", sum(len(hub.sockets) for hub in hubs))
    yield _gauge(
        "held_up_streams",
        "Streams whose events cannot get into the log (a full disk, a limit).",
        sum(hub.viewers.held_up for hub in hubs),
    )
    yield _gauge(
        "log_bytes",
        "Bytes of events in the log; corrected with each sweep of retention.",
        sum(hub.meter.log_bytes for hub in hubs),
    )


def _flow(hubs: tuple[StreamHub, ...]) -> Iterator[Metric]:
    """What has passed through."""
    meters = [hub.meter for hub in hubs]
    taken, given = "taken into the log", "written to viewers, for each of them"
    yield _counter("appended_events", f"Events {taken}.", sum(m.appended_events for m in meters))
    yield _counter(
        "appended_bytes", f"Bytes of events {taken}.", sum(m.appended_bytes for m in meters)
    )
    yield _counter(
        "appended_frames", f"Frames of events {taken}.", sum(m.appended_frames for m in meters)
    )
    yield _counter("sent_events", f"Events {given}.", sum(m.sent_events for m in meters))
    yield _counter(
        "sent_bytes", f"Bytes of frames of events {given}.", sum(m.sent_bytes for m in meters)
    )
    yield _counter("sent_frames", f"Frames of events {given}.", sum(m.sent_frames for m in meters))
    yield _histogram(
        "append_seconds",
        "From the arrival of a frame of events until they are durable.",
        [meter.append for meter in meters],
    )
    yield _histogram(
        "delivery_seconds",
        "From when an event is durable until it was written to a viewer's socket, by frame.",
        [meter.delivery for meter in meters],
    )


def _trouble(hubs: tuple[StreamHub, ...]) -> Iterator[Metric]:
    """What was refused, and who was let go."""
    refused = CounterMetricFamily(
        PREFIX + "refused",
        "Requests that were refused, and events that are gone, missing or fenced off.",
        labels=["reason"],
    )
    told: Counter[str] = sum((Counter(hub.meter.refused) for hub in hubs), Counter())
    for reason, number in told.items():
        refused.add_metric([reason], number)
    yield refused
    closed = CounterMetricFamily(
        PREFIX + "closed_sockets",
        "Sockets that were closed, by reason; silent: no heartbeat came.",
        labels=["reason"],
    )
    codes: Counter[int] = sum((Counter(hub.meter.closed) for hub in hubs), Counter())
    for code, reason in _CLOSED.items():
        closed.add_metric([reason], codes[code])
    yield closed
    yield _counter(
        "turned_away_sockets",
        "Sockets for which there was no room.",
        sum(hub.meter.turned_away for hub in hubs),
    )


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, what, value=value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, what, value=value)


def _histogram(name: str, what: str, legs: list[Leg]) -> Metric:
    bounds = (*Leg().histogram.bounds, float("inf"))
    counts = [0] * len(bounds)
    for leg in legs:
        counts = [sum(pair) for pair in zip(counts, leg.histogram.counts, strict=True)]
    buckets = [
        (str(bound) if bound != float("inf") else "+Inf", number)
        for bound, number in zip(bounds, accumulate(counts), strict=True)
    ]
    sum_s = sum(leg.sum_s for leg in legs)
    return HistogramMetricFamily(PREFIX + name, what, buckets=buckets, sum_value=sum_s)
