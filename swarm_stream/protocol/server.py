"""The server's end of one socket, without any IO: text in, commands out; answers in, frames out.

``ServerConnection.receive`` gives a valid frame that the socket's role allows, as a command for
the hub, or queues the ``error`` that PROTOCOL.md asks for. What the hub answers is queued with
``send`` and ``acked`` and taken by ``frames_to_send``. Events do not pass through that queue:
they are read for the cursors of ``pump`` when the socket has drained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from swarm_stream.events.model import MAX_OFFSET
from swarm_stream.protocol import frames
from swarm_stream.protocol.heartbeat import HeartbeatTimer
from swarm_stream.protocol.pump import SubscriberPump

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Command", "HangUp", "Limits", "ServerConnection", "ends_stream"]

_PRODUCER_OPS: Final = (frames.Claim, frames.Append, frames.Controlled)
_REFUSALS: Final = (frames.Error, frames.Gone, frames.Gap, frames.Fenced)
_END_MARK: Final = b'"end"'
_BRACE: Final = ord("{")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server lets one socket do.

    Attributes:
        frame_bytes: Bytes of a frame; a larger one closes the socket with 1009.
        events: Events in a frame.
        meta_bytes: Bytes of a claim's ``meta``.
        subscriptions: Streams that a socket may read at the same time.
        queue_bytes: Bytes of answers that may wait for a peer that does not read; then it is
            hung up on.
        heartbeat_s: Seconds without a frame after which a heartbeat is sent.
        silence_limit_s: Seconds without a frame from the peer after which it counts as gone.

    """

    frame_bytes: int = frames.MAX_FRAME_BYTES
    events: int = frames.MAX_EVENTS
    meta_bytes: int = frames.MAX_META_BYTES
    subscriptions: int = 10_000
    queue_bytes: int = 4 * 2**20
    heartbeat_s: float = 10.0
    silence_limit_s: float = 25.0


@dataclass(frozen=True, slots=True)
class HangUp:
    """The socket must be closed with this code; nothing more is to be fed."""

    code: int
    reason: str


Command = (
    frames.Claim
    | frames.Append
    | frames.Controlled
    | frames.Subscribe
    | frames.Unsubscribe
    | frames.Control
    | HangUp
)


class ServerConnection:
    """What one socket may ask and is told. Not thread safe.

    Args:
        now: Seconds of a monotonic clock.
        limits: What the socket may do.
        may_produce: Whether it may claim and append.
        may_view: Whether it may subscribe and control.
        who: Who is at the other end, for ``control.by``.
        refused: Counts what is told of: the codes of ``error``, ``gone``, ``gap`` and ``fenced``.

    Attributes:
        pump: The cursors of its subscriptions.

    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        now: float,
        limits: Limits,
        may_produce: bool,
        may_view: bool,
        who: str = "",
        refused: dict[str, int] | None = None,
    ) -> None:
        self.pump = SubscriberPump()
        self.who = who
        self.limits = limits
        self._may_produce = may_produce
        self._may_view = may_view
        self._refused = {} if refused is None else refused
        self._timer = HeartbeatTimer(
            now=now, interval_s=limits.heartbeat_s, silence_limit_s=limits.silence_limit_s
        )
        self._out: list[bytes] = []
        self._out_bytes = 0
        # One ack covers several appends: only the last one for each stream is kept.
        self._acks: dict[str, int] = {}
        # So it is with ``status``: a peer that does not read costs one for each stream.
        self._statuses: dict[str, frames.Status] = {}

    def receive(self, data: str | bytes, *, now: float) -> Command | None:
        """Take in one message; gives what the hub has to do about it, if anything."""
        self._timer.heard(now=now)
        size = len(data) if isinstance(data, bytes) else _utf8_length(data)
        if size > self.limits.frame_bytes:
            return HangUp(
                frames.CloseCode.TOO_BIG,
                f"a frame may have {self.limits.frame_bytes} bytes; send smaller batches",
            )
        try:
            frame = frames.decode_client_frame(data)
        except frames.NotJSONError as error:
            return HangUp(frames.CloseCode.NOT_JSON, str(error))
        except frames.FrameError as error:
            self.refuse(error.code, str(error), stream=error.stream, op=error.op)
            return None
        if isinstance(frame, frames.Heartbeat | frames.Error):
            return None
        return frame if self._allowed(frame) else None

    def _allowed(self, frame: frames.ClientFrame) -> bool:
        assert not isinstance(frame, frames.Heartbeat | frames.Error)  # noqa: S101  (see receive)
        produces = isinstance(frame, _PRODUCER_OPS)
        allowed = self._may_produce if produces else self._may_view
        problem = self._problem(frame) if allowed else None
        if allowed and problem is None:
            return True
        op = str(frame.__struct_config__.tag)
        if not allowed:
            what = "claim and append" if not produces else "read and control"
            self.refuse(
                "not_allowed",
                f"this credential may only {what}; use the server's token or a login",
                stream=frame.stream,
                op=op,
            )
        elif problem is not None:
            self.refuse(problem[0], problem[1], stream=frame.stream, op=op)
        return False

    def _problem(  # noqa: PLR0911  (one for each rule)
        self, frame: frames.ClientFrame
    ) -> tuple[str, str] | None:
        match frame:
            case frames.Append(events=events):
                if not events:
                    return "bad_frame", "an append has at least one event"
                if len(events) > self.limits.events:
                    message = f"a frame may have {self.limits.events} events; send several frames"
                    return "too_many_events", message
                if frame.offset + len(events) > MAX_OFFSET:
                    return "bad_frame", "offsets end at 2^53-1"
                for event in events:
                    if memoryview(event)[0] != _BRACE:
                        return "bad_frame", "every event is a JSON object with a field 'type'"
            case frames.Claim(meta=meta):
                if len(memoryview(meta)) > self.limits.meta_bytes:
                    return (
                        "meta_too_large",
                        f"meta may have {self.limits.meta_bytes} bytes; keep it to what lists show",
                    )
                if memoryview(meta)[0] != _BRACE:
                    return "bad_frame", "meta is a JSON object"
            case _:
                pass
        return None

    def send(self, frame: frames.ServerFrame) -> None:
        """Queue a frame. A ``status`` takes the place of an earlier one that was not sent yet."""
        if isinstance(frame, frames.Status):
            self._statuses[frame.stream] = frame
            return
        if isinstance(frame, _REFUSALS):
            kind = (
                frame.code if isinstance(frame, frames.Error) else str(frame.__struct_config__.tag)
            )
            self._refused[kind] = self._refused.get(kind, 0) + 1
        stream = getattr(frame, "stream", None)
        if stream in self._acks:  # frames of one stream keep their order
            self._push(frames.Ack(stream=stream, next=self._acks.pop(stream)))
        if stream in self._statuses:
            self._push(self._statuses.pop(stream))
        self._push(frame)

    def _push(self, frame: frames.ServerFrame) -> None:
        data = frames.encode(frame)
        self._out.append(data)
        self._out_bytes += len(data)

    def acked(self, stream: str, next_offset: int) -> None:
        """Queue an ``ack``; takes the place of an earlier one that was not sent yet."""
        self._acks[stream] = next_offset

    def refuse(
        self, code: str, message: str, *, stream: str | None = None, op: str | None = None
    ) -> None:
        """Queue an ``error``."""
        self.send(frames.Error(code=code, message=message, stream=stream, cause=op))

    def finish_streams(self) -> list[str]:
        """Queue ``closed`` for the streams whose last event was sent; gives their names."""
        finished = self.pump.take_finished()
        for stream, tail in finished:
            self.send(frames.Closed(stream=stream, tail=tail))
        return [stream for stream, _ in finished]

    @property
    def clogged(self) -> bool:
        """Whether the peer makes us queue answers without reading them."""
        return self._out_bytes > self.limits.queue_bytes

    @property
    def answers_wait(self) -> bool:
        """Whether ``frames_to_send`` would give something."""
        return bool(self._out or self._acks or self._statuses)

    def frames_to_send(self) -> list[bytes]:
        """Give the queued frames, in order; the caller sends them before anything else."""
        if self._acks:
            acks, self._acks = self._acks, {}
            for stream, next_offset in acks.items():
                self._push(frames.Ack(stream=stream, next=next_offset))
        if self._statuses:
            statuses, self._statuses = self._statuses, {}
            for status in statuses.values():
                self._push(status)
        out, self._out, self._out_bytes = self._out, [], 0
        return out

    def sent(self, *, now: float) -> None:
        """Note that a frame went out."""
        self._timer.sent(now=now)

    def tick(self, *, now: float, clock_ms: float) -> HangUp | None:
        """Look at the time: queues a heartbeat that is due, or says that the peer is gone."""
        if self._timer.gone(now=now):
            return HangUp(
                frames.CloseCode.GOING_AWAY,
                f"nothing heard for {self.limits.silence_limit_s:g} s; connect again",
            )
        if self._timer.due(now=now):
            self.send(frames.Heartbeat(t=clock_ms))
            # Counted as sent when queued: a socket that does not drain gets one an interval.
            self._timer.sent(now=now)
        return None

    @property
    def deadline(self) -> float:
        """When to call ``tick``."""
        return self._timer.deadline


def ends_stream(events: Sequence[bytes | msgspec.Raw]) -> bool:
    """Tell whether the last of these events is the stream's ``end``."""
    last = bytes(events[-1])
    if _END_MARK not in last:
        return False
    try:
        return _type_only.decode(last).type == "end"
    except msgspec.DecodeError:
        return False


class _TypeOnly(msgspec.Struct):
    type: str = ""


_type_only: msgspec.json.Decoder[_TypeOnly] = msgspec.json.Decoder(_TypeOnly)


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
