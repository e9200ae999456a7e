"""Every frame of PROTOCOL.md: its fields, its JSON, and the limits that both ends keep.

A frame is one WebSocket text message: a JSON object whose field ``op`` tells its type. Events
inside a frame stay JSON texts (``msgspec.Raw``): whoever relays them never looks into them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from swarm_stream.errors import StreamNameError
from swarm_stream.events.model import MAX_OFFSET
from swarm_stream.protocol.bad_frames import STREAM_NAME, FrameError, NotJSONError, explain

__all__ = [
    "ACTIONS",
    "MAX_EVENTS",
    "MAX_FRAME_BYTES",
    "MAX_META_BYTES",
    "SUBPROTOCOL",
    "VERSION",
    "Ack",
    "Append",
    "Claim",
    "ClaimReply",
    "ClientFrame",
    "CloseCode",
    "Closed",
    "Control",
    "Controlled",
    "Error",
    "Events",
    "Fenced",
    "FrameError",
    "Gap",
    "Gone",
    "Heartbeat",
    "NotJSONError",
    "ProducerState",
    "ServerFrame",
    "Status",
    "Subscribe",
    "Subscribed",
    "Unsubscribe",
    "check_stream_name",
    "decode_client_frame",
    "decode_server_frame",
    "encode",
    "encode_events",
]

VERSION: Final = 1
SUBPROTOCOL: Final = "swarm-stream.v1"
MAX_FRAME_BYTES: Final = 2**20
MAX_EVENTS: Final = 1000
MAX_META_BYTES: Final = 16 * 2**10
ACTIONS: Final = ("pause", "resume", "stop", "cancel", "reply")


Offset = Annotated[int, msgspec.Meta(ge=0, le=MAX_OFFSET)]
Epoch = Annotated[int, msgspec.Meta(ge=1, le=MAX_OFFSET)]
Stream = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~-]{1,200}\Z")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Action = Literal["pause", "resume", "stop", "cancel", "reply"]
ProducerState = Literal["live", "stalled", "none"]


class CloseCode:
    """WebSocket close codes, as both ends use them."""

    NORMAL: Final = 1000
    GOING_AWAY: Final = 1001
    NOT_JSON: Final = 1007
    TOO_BIG: Final = 1009
    FAILED: Final = 1011
    RESTARTING: Final = 1012
    TRY_LATER: Final = 1013
    LOGIN: Final = 4401
    NOT_ALLOWED: Final = 4403


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """Base of all frames."""


class Claim(Frame, frozen=True, tag="claim"):
    """Become the stream's producer.

    ``take_over`` of False asks to be refused (``error`` ``stream_taken``) where another producer
    is connected, or has just claimed; without it, the other one is fenced.
    """

    stream: Stream
    producer: Id
    epoch: Epoch | None = None
    meta: msgspec.Raw = msgspec.Raw(b"{}")
    take_over: bool = True


class ClaimReply(Frame, frozen=True, tag="claimed"):
    """The claim of ``producer`` holds; ``next`` is the first offset that the log does not have."""

    stream: str
    epoch: Epoch
    next: Offset
    server: str = ""
    producer: str = ""


class Append(Frame, frozen=True, tag="append"):
    """Add events, the first of them at ``offset``.

    ``ending`` says that the run is over and these are among its last: a server lets them in where
    its limit on a stream's bytes would have kept out more.
    """

    stream: Stream
    epoch: Epoch
    offset: Offset
    events: list[msgspec.Raw]
    ending: bool = False


class Ack(Frame, frozen=True, tag="ack"):
    """Everything below ``next`` is durable."""

    stream: str
    next: Offset


class Fenced(Frame, frozen=True, tag="fenced"):
    """Another producer holds the stream, with ``epoch``."""

    stream: str
    epoch: Epoch


class Gap(Frame, frozen=True, tag="gap"):
    """The append left out events; go on from ``next``."""

    stream: str
    next: Offset


class Control(Frame, frozen=True, tag="control"):
    """A button was pressed. Viewer to server, and server to producer (then with ``by``).

    ``data`` stays a JSON text, like an event: it is for the producer alone to read.
    """

    stream: Stream
    id: Id
    action: Action
    data: msgspec.Raw = msgspec.Raw(b"null")
    by: str = ""


class Controlled(Frame, frozen=True, tag="controlled"):
    """What became of a control. Producer to server, and server to the viewer that asked."""

    stream: Stream
    id: Id
    ok: bool
    message: str = ""


class Subscribe(Frame, frozen=True, tag="subscribe"):
    """Read a stream from an offset, its head or its tail; ``wait`` until there is one."""

    stream: Stream
    start: Offset | Literal["head", "tail"] = msgspec.field(name="from")
    wait: bool = False


class Subscribed(Frame, frozen=True, tag="subscribed", kw_only=True, omit_defaults=False):
    """The subscription holds; events follow from ``start`` on."""

    stream: str
    start: Offset = msgspec.field(name="from")
    head: Offset
    tail: Offset
    closed: bool
    meta: msgspec.Raw = msgspec.Raw(b"{}")
    producer: ProducerState


class Events(Frame, frozen=True, tag="events"):
    """Consecutive events, the first of them at ``offset``."""

    stream: str
    offset: Offset
    events: list[msgspec.Raw]


class Gone(Frame, frozen=True, tag="gone"):
    """The asked offset is outside what the log holds; nothing follows."""

    stream: str
    head: Offset
    tail: Offset


class Status(Frame, frozen=True, tag="status", omit_defaults=False):
    """Who is there. ``notice`` says what keeps events from the log (a full disk), if anything."""

    stream: str
    producer: ProducerState
    viewers: int
    notice: str = ""


class Closed(Frame, frozen=True, tag="closed"):
    """Everything up to ``tail`` was sent and no more will come."""

    stream: str
    tail: Offset


class Unsubscribe(Frame, frozen=True, tag="unsubscribe"):
    """Read no more of a stream."""

    stream: Stream


class Heartbeat(Frame, frozen=True, tag="heartbeat", omit_defaults=False):
    """Sign of life; ``t`` is the sender's clock in milliseconds."""

    t: float


class Error(Frame, frozen=True, tag="error"):
    """A frame could not be obeyed; ``message`` is a sentence that tells the next step.

    ``cause`` is the ``op`` of the frame that caused it (``op`` itself says ``error``).
    """

    code: str
    message: str
    stream: str | None = None
    cause: str | None = None


ClientFrame = Claim | Append | Controlled | Subscribe | Unsubscribe | Control | Heartbeat | Error
"""What a server may be sent."""

ServerFrame = (
    ClaimReply
    | Ack
    | Fenced
    | Gap
    | Control
    | Controlled
    | Subscribed
    | Events
    | Gone
    | Status
    | Closed
    | Heartbeat
    | Error
)
"""What a producer or a viewer may be sent."""


_encoder = msgspec.json.Encoder()
_client: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)
_T = TypeVar("_T")

encode = _encoder.encode
"""Give a frame's JSON, as UTF-8 bytes."""


def decode_client_frame(text: str | bytes) -> ClientFrame:
    """Read a frame that a producer or viewer sent.

    Raises:
        NotJSONError: If it is not JSON.
        FrameError: If it is JSON but no frame that a client may send.

    """
    return _decode(_client, text)


def decode_server_frame(text: str | bytes) -> ServerFrame:
    """Read a frame that a server sent.

    Raises:
        NotJSONError: If it is not JSON.
        FrameError: If it is JSON but no frame that a server sends.

    """
    return _decode(_server, text)


def _decode(decoder: msgspec.json.Decoder[_T], text: str | bytes) -> _T:
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        # msgspec stops at the first wrong field, so what follows it may still not be JSON.
        raise explain(text, str(error), version=SUBPROTOCOL) from None
    except RecursionError:
        raise NotJSONError("the frame is nested too deeply to be read") from None
    except (msgspec.DecodeError, UnicodeError):
        raise NotJSONError("the frame is not JSON; send one JSON object a message") from None


def encode_events(stream: str, offset: int, body: bytes) -> bytes:
    """Give an ``events`` frame around events that are JSON texts joined by commas.

    The same bytes as ``encode(Events(...))``, without a look at the events.
    """
    return b'{"op":"events","stream":"%b","offset":%d,"events":[%b]}' % (
        stream.encode(),
        offset,
        body,
    )


def check_stream_name(stream: object) -> str:
    """Give the name back if it may name a stream.

    Raises:
        StreamNameError: If it may not.

    """
    if not isinstance(stream, str) or not STREAM_NAME.fullmatch(stream):
        raise StreamNameError(stream)
    return stream
