"""``session.metrics``: what a session measured about itself, and how that is shown.

The terms, as they are used here and in the README:

* *chunk*: what a model gave at once. It need not be one token, so it is not called one.
* *time to first token*: from when an agent is asked until the first chunk of its answer.
* *inter-token latency*: from one chunk of an answer to the next; the *gap* of the figures.
* *TPOT*, time per output token: from the first chunk of an answer to its last, shared out among
  its tokens but the first, as the model's server counted them.
* *delivery*: the way of a chunk from the model to whoever watches. A kernel sees two legs of it:
  to the buffer, and on to the log and back (the acknowledgement). The server's own ``/metrics``
  has the leg to the viewers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from swarm_stream.runtime.meter import REASONS, Pauses, Reason
from swarm_stream.runtime.shown import bytes_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm_stream.histogram import Spread
    from swarm_stream.runtime.channel import Channel
    from swarm_stream.runtime.meter import Meter

__all__ = ["SessionMetrics", "measure"]

_REASONS: Final[Mapping[Reason, str]] = {
    "person": "by a person",
    "buffer": "as the log was slow",
    "server": "as the server was away",
    "log": "as the log could not write",
}
_SPREADS: Final = (
    ("first_chunk", "to the first chunk of an answer"),
    ("gap", "from chunk to chunk"),
    ("per_token", "per token"),
    ("append", "from the model to the buffer"),
    ("ack", "from the buffer to the log and back"),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SessionMetrics:
    """A session at one moment; shown as a table. Seconds, bytes; None where nothing was measured.

    See ``runtime.meter`` for where each time is taken, and the head of this module for the terms.

    Attributes:
        elapsed_s: Since the run began, until now or until its end.
        first_text_s: From the beginning of the run to its first text in the buffer.
        events: Events said so far.
        acked: Of these, those that the log has acknowledged.
        resent: Events that were sent more than once.
        late: Events that an abandoned run said after its end; they were dropped.
        bytes: Bytes of their JSON.
        chunks: Pieces of text: chunks of models, and words of texts that came whole.
        chunks_per_s: How many a second, from the first to the last, with all that was between.
        buffered: Events that wait for their acknowledgement.
        buffer_size: How many may.
        buffer_peak: The most that ever did.
        pauses: How often and how long agents waited, by reason: ``person``, or a full buffer, as
            the log is slow (``buffer``), the server away (``server``) or the log cannot write
            (``log``).
        reconnects: How often the connection to the server was opened again during the run.
        viewers: Views that this kernel serves; None where the server does: ``ss.streams()``.
        first_chunk: From when an agent was asked to the first chunk of its answer.
        gap: From one chunk of an answer to the next, as they arrived; pauses are left out.
        per_token: TPOT, one sample an answer, of answers that were not paused and whose tokens
            the model's server counted.
        append: From the arrival of a chunk to its event in the buffer: what the pace, the gate
            (with its pauses) and the buffer added.
        ack: From an event in the buffer to its acknowledgement; one event at a time is timed.

    """

    elapsed_s: float
    first_text_s: float | None
    events: int
    acked: int
    resent: int
    late: int
    bytes: int
    chunks: int
    chunks_per_s: float | None
    buffered: int
    buffer_size: int
    buffer_peak: int
    pauses: Mapping[Reason, Pauses]
    reconnects: int
    viewers: int | None
    first_chunk: Spread
    gap: Spread
    per_token: Spread
    append: Spread
    ack: Spread

    @property
    def paused_s(self) -> float:
        """How long agents waited, for whatever reason."""
        return sum(pauses.total_s for pauses in self.pauses.values())

    def __repr__(self) -> str:
        """Give two tables in plain text: figures, and times."""
        figures = self._figures()
        width = max(len(name) for name, _ in figures)
        lines = [f"{name:<{width}}  {value}" for name, value in figures]
        head, *rows = self._times()
        widths = [max(len(line[at]) for line in (head, *rows)) for at in range(len(head))]
        for name, *cells in (head, *rows):
            shown = "  ".join(cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True))
            lines.append(f"{name:<{widths[0]}}  {shown}")
        return "\n".join((*lines[: len(figures)], "", *lines[len(figures) :]))

    def _repr_html_(self) -> str:
        """Give the same two tables for a notebook."""
        figures = "".join(
            f"<tr>{_left('th', name)}{_left('td', value)}</tr>" for name, value in self._figures()
        )
        head, *rows = self._times()
        columns = _left("th", head[0]) + "".join(_right("th", name) for name in head[1:])
        times = "".join(
            f"<tr>{_left('th', name)}{''.join(_right('td', cell) for cell in cells)}</tr>"
            for name, *cells in rows
        )
        return (
            f"<table><tbody>{figures}</tbody></table>"
            f"<table><thead><tr>{columns}</tr></thead><tbody>{times}</tbody></table>"
        )

    def _figures(self) -> list[tuple[str, str]]:
        first = "" if self.first_text_s is None else duration_text(self.first_text_s)
        rate = "" if self.chunks_per_s is None else f", {self.chunks_per_s:,.1f} a second"
        sent = f"{self.acked:,} acknowledged, {self.resent:,} sent again"
        late = f", {self.late:,} said too late" if self.late else ""
        pauses = [
            f"{found.count:,} {_REASONS[reason]} ({duration_text(found.total_s)})"
            for reason in REASONS
            if (found := self.pauses.get(reason)) is not None
        ]
        figures = [
            ("elapsed", duration_text(self.elapsed_s) + (first and f", first text after {first}")),
            ("events", f"{self.events:,}, {sent}{late}, {bytes_text(self.bytes)}"),
            ("chunks", f"{self.chunks:,}{rate}"),
            (
                "buffer",
                f"{self.buffered:,} of {self.buffer_size:,}, at most {self.buffer_peak:,}",
            ),
            ("pauses", ", ".join(pauses) or "none"),
            ("reconnects", f"{self.reconnects:,}"),
        ]
        if self.viewers is not None:
            figures.append(("viewers", f"{self.viewers:,}"))
        return figures

    def _times(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("times", "p50", "p95", "p99", "longest", "samples")]
        for attribute, name in _SPREADS:
            spread: Spread = getattr(self, attribute)
            times = (spread.p50_s, spread.p95_s, spread.p99_s, spread.max_s)
            cells = ["-" if time_s is None else duration_text(time_s) for time_s in times]
            rows.append((name, *cells, f"{spread.samples:,}"))
        return rows


def _left(tag: str, text: str) -> str:
    return f'<{tag} style="text-align:left">{escape(text)}</{tag}>'


def _right(tag: str, text: str) -> str:
    return f'<{tag} style="text-align:right">{escape(text)}</{tag}>'


def measure(meter: Meter, channel: Channel, events: int) -> SessionMetrics:
    """Give a session's figures at this moment."""
    now = time.perf_counter()
    buffer = channel.buffer.metrics
    first, started = meter.first_text, meter.started
    spoke_s = (meter.last_chunk or 0.0) - (first or 0.0)
    return SessionMetrics(
        elapsed_s=0.0 if started is None else (meter.ended or now) - started,
        first_text_s=None if first is None or started is None else first - started,
        events=events,
        acked=buffer.acked,
        resent=channel.connection.resent,
        late=meter.late,
        bytes=meter.bytes,
        chunks=meter.chunks,
        chunks_per_s=(meter.chunks - 1) / spoke_s if spoke_s > 0 else None,
        buffered=buffer.held,
        buffer_size=buffer.size,
        buffer_peak=buffer.peak,
        pauses=meter.pauses(now),
        reconnects=channel.reconnects,
        viewers=channel.viewers,
        first_chunk=meter.first_chunk.spread,
        gap=meter.gap.spread,
        per_token=meter.per_token.spread,
        append=meter.append.spread,
        ack=meter.ack.spread,
    )
