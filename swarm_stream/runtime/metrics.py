"""What a session measures about itself, and how it is shown."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from swarm_stream.histogram import Histogram

if TYPE_CHECKING:
    from swarm_stream.runtime.channel import Channel

__all__ = ["Meter", "SessionMetrics", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionMetrics:
    """A session at one moment. Durations in seconds; None where nothing was measured yet.

    A *chunk* is what the model gave at once, one ``delta``; it need not be one token.

    Attributes:
        events: Events said so far.
        chunks: Of these, streamed chunks of text.
        bytes: Bytes of their JSON.
        acked: Events that the log has acknowledged.
        resent: Events that were sent more than once.
        reconnects: How often the connection was opened again.
        buffered: Events that wait for their acknowledgement.
        buffer_peak: The most that ever did.
        pauses: How often the agents were paused by a full buffer.
        paused_s: How long they were, by a full buffer or by a person.
        late: Events that an abandoned run said after its end; they were dropped.
        elapsed_s: Since the run began, until now or until its end.
        first_token_s: From the beginning of the run to the first chunk.
        chunks_per_s: Over the time from the first chunk to the last.
        gap_p50_s, gap_p95_s, gap_p99_s: Between one chunk and the next, over all lanes.
        ack_p50_s, ack_p95_s, ack_p99_s: From an event to its acknowledgement.

    """

    events: int
    chunks: int
    bytes: int
    acked: int
    resent: int
    reconnects: int
    buffered: int
    buffer_peak: int
    pauses: int
    paused_s: float
    late: int
    elapsed_s: float
    first_token_s: float | None
    chunks_per_s: float | None
    gap_p50_s: float | None
    gap_p95_s: float | None
    gap_p99_s: float | None
    ack_p50_s: float | None
    ack_p95_s: float | None
    ack_p99_s: float | None

    def __str__(self) -> str:
        """Give a table, a line for each figure."""
        width = max(len(entry.name) for entry in fields(self))
        return "\n".join(
            f"{entry.name:<{width}}  {_shown(entry.name, getattr(self, entry.name))}"
            for entry in fields(self)
        )


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name.endswith("_s") and not name.endswith("per_s"):
        return f"{value * 1000:.2f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


class Meter:
    """Counts while a session runs. One writer at a time; cheap enough for every chunk."""

    __slots__ = (
        "_ack_mark",
        "ack",
        "bytes",
        "chunks",
        "ended",
        "first_chunk",
        "gap",
        "last_chunk",
        "late",
        "paused_s",
        "paused_since",
        "started",
    )

    def __init__(self) -> None:
        self.started: float | None = None
        self.ended: float | None = None
        self.first_chunk: float | None = None
        self.last_chunk: float | None = None
        self.chunks = 0
        self.bytes = 0
        self.late = 0
        self.paused_s = 0.0
        self.paused_since: float | None = None
        self.gap = Histogram()
        self.ack = Histogram()
        # One event at a time is timed until its ack: a sample costs nothing on the hot path.
        self._ack_mark: tuple[int, float] | None = None

    def put(self, offset: int, size: int) -> None:
        """Note an event."""
        self.bytes += size
        if self._ack_mark is None:
            self._ack_mark = (offset, time.perf_counter())

    def chunk(self) -> None:
        """Note a chunk of text."""
        now = time.perf_counter()
        if self.last_chunk is None:
            self.first_chunk = now
        else:
            self.gap.add(now - self.last_chunk)
        self.last_chunk = now
        self.chunks += 1

    def acked(self, next_offset: int) -> None:
        """Note that everything below ``next_offset`` was acknowledged."""
        mark = self._ack_mark
        if mark is not None and next_offset > mark[0]:
            self.ack.add(time.perf_counter() - mark[1])
            self._ack_mark = None

    def pause_began(self) -> None:
        """Note that the agents wait."""
        if self.paused_since is None:
            self.paused_since = time.perf_counter()

    def pause_ended(self) -> None:
        """Note that they go on."""
        if self.paused_since is not None:
            self.paused_s += time.perf_counter() - self.paused_since
            self.paused_since = None


def measure(meter: Meter, channel: Channel, events: int) -> SessionMetrics:
    """Give a session's figures at this moment."""
    now = time.perf_counter()
    buffer = channel.buffer.metrics
    spoke_s = (meter.last_chunk or 0.0) - (meter.first_chunk or 0.0)
    waiting_s = now - meter.paused_since if meter.paused_since is not None else 0.0
    first_s = None
    if meter.first_chunk is not None and meter.started is not None:
        first_s = meter.first_chunk - meter.started
    elapsed_s = 0.0 if meter.started is None else (meter.ended or now) - meter.started
    return SessionMetrics(
        events=events,
        chunks=meter.chunks,
        bytes=meter.bytes,
        acked=buffer.acked,
        resent=channel.connection.resent,
        reconnects=channel.link.reconnects if channel.link is not None else 0,
        buffered=buffer.held,
        buffer_peak=buffer.peak,
        pauses=buffer.pauses,
        paused_s=meter.paused_s + waiting_s,
        late=meter.late,
        elapsed_s=elapsed_s,
        first_token_s=first_s,
        chunks_per_s=(meter.chunks - 1) / spoke_s if spoke_s > 0 else None,
        gap_p50_s=meter.gap.percentile_s(50),
        gap_p95_s=meter.gap.percentile_s(95),
        gap_p99_s=meter.gap.percentile_s(99),
        ack_p50_s=meter.ack.percentile_s(50),
        ack_p95_s=meter.ack.percentile_s(95),
        ack_p99_s=meter.ack.percentile_s(99),
    )
