"""What a session says: encoded once, kept in the buffer, folded for its own transcript."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from swarm_stream.events import model
from swarm_stream.events.fold import Transcript
from swarm_stream.events.writer import EventWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.runtime.buffer import TokenBuffer
    from swarm_stream.runtime.meter import Meter

__all__ = ["Recorder", "clock_ms", "pieces"]

_log = logging.getLogger("swarm_stream.runtime")

MAX_EVENT_BYTES: Final = 256 * 1024
"""An event with more JSON than this goes out in pieces, so that it fits any frame."""

_PIECE_CHARS: Final = 64 * 1024


def clock_ms() -> float:
    """Milliseconds since the epoch, to the microsecond."""
    # Not ``round``, which goes by way of a text and takes four times as long.
    return time.time_ns() // 1000 / 1000


def pieces(data: bytes, *, t: float) -> list[bytes]:
    """Cut a large event's JSON into ``part`` events."""
    text = data.decode()
    cuts = [text[at : at + _PIECE_CHARS] for at in range(0, len(text), _PIECE_CHARS)]
    return [
        model.encode_event(model.Part(t=t, index=index, count=len(cuts), data=cut))
        for index, cut in enumerate(cuts)
    ]


class Recorder:
    """The sink of a session's ``EventWriter``. Safe from any thread.

    Attributes:
        events: The writer that a source uses.
        transcript: What was said; read it under ``lock``.
        lock: Guards the order of events and the transcript.
        ended: Offset of the last event, once it was said.
        before: Called before each event that is no chunk.
        said_at: When something was last said, in seconds of ``time.perf_counter``.

    """

    def __init__(self, buffer: TokenBuffer[bytes], meter: Meter) -> None:
        self.lock = threading.RLock()
        self.transcript = Transcript()
        self.events = EventWriter(self.take, clock_ms)
        self.ended: int | None = None
        self.before: Callable[[model.AnyEvent], None] | None = None
        self.said_at = time.perf_counter()
        self._buffer = buffer
        self._meter = meter

    def take(self, event: model.AnyEvent) -> None:
        """Take the next event; after the end of the run it is dropped and counted as late."""
        if self.before is not None and type(event) is not model.Delta:
            self.before(event)
        data = model.encode_event(event)
        with self.lock:
            if self.ended is not None:
                self._meter.late += 1
                _log.debug("an abandoned run still speaks; dropped a %s", type(event).__name__)
                return
            self.said_at = now = time.perf_counter()
            # Before it is there: it may be acknowledged by another thread before we go on.
            self._meter.put(self._buffer.next, len(data), now)
            if len(data) > MAX_EVENT_BYTES:
                for piece in pieces(data, t=event.t):
                    offset = self._buffer.put_now(piece)
                    self.transcript.count += 1
                # The pieces were counted; what they make is folded, and counted, once more.
                self.transcript.count -= 1
            else:
                offset = self._buffer.put_now(data)
            self.transcript.apply(event)
            if type(event) is model.Delta:
                self._meter.chunk(event.seg, now)
            else:
                self._meter.event(event, now)
                if type(event) is model.End:
                    self.ended = offset

    def at_our_pace(self, seg: int) -> None:
        """Note that a segment's text came whole and is given word by word."""
        self._meter.at_our_pace(seg)
