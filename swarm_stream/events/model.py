"""What agents say: the event types, as one tagged union.

An event has no position; its offset in the stream is given by whoever carries it. The field
``type`` tells the types apart on the wire (PROTOCOL.md, "Events"). ``t`` is the producer's
clock in milliseconds since the epoch, for display and measurement, never for order.

Nothing here knows any agent framework. Change this together with
``frontend/src/events.ts`` and the vectors in ``tests/vectors/events``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

import msgspec

from swarm_stream.events.lenient import as_time, read_json

__all__ = [
    "CHANNELS",
    "MAX_OFFSET",
    "OUTCOMES",
    "AnyEvent",
    "Channel",
    "Close",
    "Control",
    "Delta",
    "End",
    "ErrorInfo",
    "Event",
    "Handoff",
    "InputReply",
    "InputRequest",
    "Lane",
    "Message",
    "Open",
    "Outcome",
    "Part",
    "Raw",
    "Select",
    "Start",
    "ToolCall",
    "ToolResult",
    "Unknown",
    "Usage",
    "decode_event",
    "decode_events",
    "encode_event",
]

MAX_OFFSET: Final = 2**53 - 1
"""The largest offset: the largest integer that every JSON implementation keeps exact."""

Channel = Literal["text", "reasoning"]
CHANNELS: Final = ("text", "reasoning")
Outcome = Literal["completed", "cancelled", "failed", "interrupted"]
OUTCOMES: Final = ("completed", "cancelled", "failed", "interrupted")


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One thing that happened in a run."""

    type: ClassVar[str]

    t: float = 0.0


class Start(Event, frozen=True, tag="start"):
    """The run begins: always the first event.

    ``caps`` names what the source can do: ``cancel``, ``stop``, ``pause``, ``backpressure``,
    ``input``, ``lanes``.
    """

    task: str = ""
    source: str = ""
    caps: list[str] = []


class Lane(Event, frozen=True, tag="lane"):
    """An agent, team or tool gets its lane; lanes of one name in two teams are two lanes."""

    lane: int
    name: str
    parent: int | None = None
    kind: str = "agent"


class Open(Event, frozen=True, tag="open"):
    """A stretch of streamed text begins."""

    seg: int
    lane: int
    channel: Channel = "text"


class Delta(Event, frozen=True, tag="delta"):
    """One chunk of a segment's text, as the model gave it."""

    seg: int
    text: str


class Close(Event, frozen=True, tag="close"):
    """A segment ends; ``text`` is the agent's final text, only where it differs from the deltas."""

    seg: int
    text: str | None = None
    partial: bool = False


class Message(Event, frozen=True, tag="message"):
    """A message that was not streamed: structured, multimodal, a summary, the task.

    ``content`` is a string, or for ``kind`` ``multimodal`` a list of
    ``{"text": ...}`` and ``{"image": data URL, "alt": ...}``, or any JSON for ``structured``.
    """

    lane: int
    kind: str = "text"
    content: Any = ""


class ToolCall(Event, frozen=True, tag="tool_call"):
    """An agent calls a tool; ``arguments`` is the text that the model gave."""

    call: str
    lane: int
    name: str
    arguments: str = ""


class ToolResult(Event, frozen=True, tag="tool_result"):
    """A tool answered."""

    call: str
    content: str = ""
    is_error: bool = False


class Handoff(Event, frozen=True, tag="handoff"):
    """A lane hands the task to another agent, named ``target``."""

    lane: int
    target: str
    content: str = ""


class Select(Event, frozen=True, tag="select"):
    """The team chose who speaks next."""

    lanes: list[int]


class InputRequest(Event, frozen=True, tag="input_request"):
    """A person is asked; the run goes on waiting.

    ``elsewhere`` says that the program asks by a way of its own, so that a view shows the question
    and takes no answer. The same ``request`` again, unanswered, changes the question in its place.
    """

    request: str
    lane: int
    prompt: str = ""
    elsewhere: bool = False


class InputReply(Event, frozen=True, tag="input_reply"):
    """A person answered, or nobody will: ``withdrawn`` says that the question was taken back."""

    request: str
    content: str = ""
    by: str = ""
    withdrawn: bool = False


class Control(Event, frozen=True, tag="control"):
    """What somebody did with a button, a call or the command line."""

    id: str
    action: str
    by: str = ""


class Usage(Event, frozen=True, tag="usage"):
    """Tokens that one call of a model took, as the model's server counted them.

    Counts are None where it did not count. ``finish_reason`` is ``stop``, ``function_calls``,
    ``length``, ``content_filter``, or ``unknown`` where the answer ended without one.
    """

    lane: int
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None


class Raw(Event, frozen=True, tag="raw"):
    """Anything else that the framework said."""

    native: Any = None
    lane: int | None = None


class Part(Event, frozen=True, tag="part"):
    """Piece ``index`` of ``count`` of one event that is too large for a frame.

    The pieces have consecutive offsets. Their ``data``, joined, is the JSON text of the event,
    which happens when the last piece arrives.
    """

    index: int
    count: int
    data: str


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong in a run: the original exception's type, message and traceback."""

    type: str
    message: str = ""
    traceback: str = ""


class End(Event, frozen=True, tag="end"):
    """The run is over: always the last event; every segment was closed before it."""

    outcome: Outcome
    reason: str = ""
    error: ErrorInfo | None = None


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a type that this version does not know; kept, never an error."""

    type: str
    t: float = 0.0
    data: dict[str, Any] = {}


AnyEvent = (
    Start
    | Lane
    | Open
    | Delta
    | Close
    | Message
    | ToolCall
    | ToolResult
    | Handoff
    | Select
    | InputRequest
    | InputReply
    | Control
    | Usage
    | Raw
    | Part
    | End
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)

encode_event = _encoder.encode
"""Give the JSON text of an event, as UTF-8 bytes."""


def decode_event(data: bytes | str | msgspec.Raw) -> AnyEvent | Unknown:
    """Read one event; a type or a shape that this version does not know gives ``Unknown``.

    Raises:
        msgspec.DecodeError: If ``data`` is not a JSON object at all.

    """
    try:
        return _decoder.decode(data)
    except RecursionError:
        # Only pieces of an event, which no server reads, can hold such a thing.
        return Unknown(type="")
    except msgspec.DecodeError:
        body = read_json(data)
        if not isinstance(body, dict):
            raise
        name = body.get("type")
        shown = name if isinstance(name, str) else ""
        return Unknown(type=shown, t=as_time(body.get("t")), data=body)


_raw_list: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def decode_events(array: bytes | str) -> list[AnyEvent | Unknown]:
    """Read a JSON array of events."""
    return [decode_event(raw) for raw in _raw_list.decode(array)]
