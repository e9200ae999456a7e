"""Everything that swarm_stream raises on purpose.

The tree::

    SwarmStreamError
    ├── ConfigurationError          a setting is out of range (also a ValueError)
    ├── SourceError                 ss.stream() was given something it cannot run (also a TypeError)
    ├── SessionStateError           the call does not fit the session's state
    ├── StreamNameError             a stream's name has characters that are not allowed
    ├── StreamNameTakenError        a live producer already writes to this stream
    ├── NoSuchStreamError           nothing is known of this stream
    ├── StreamClosedError           the stream has ended; nothing can be added
    ├── ProducerFencedError         another producer took the stream over
    ├── OffsetOutOfRangeError       a cursor points outside what the log still holds
    ├── EventsLostError             the log lost what it had acknowledged
    ├── BackpressureError           the buffer is full and the caller did not want to wait
    ├── FlushTimeoutError           not everything was acknowledged in time
    ├── InputTimeoutError           nobody answered a question in time
    ├── StreamCancelledError        awaiting a run that was cancelled
    ├── RunInterruptedError         awaiting a run whose kernel or source died
    ├── LogError                    the log cannot be opened, read or written
    │   ├── LogVersionError         its file was made by a newer version
    │   └── LogLockedError          another server has its file
    ├── ServerUnavailableError      no Jupyter server with the extension was found
    └── ProtocolError               a frame breaks PROTOCOL.md
        ├── LocalProtocolError      we were about to break it (a bug of ours or of the caller)
        └── RemoteProtocolError     the other end broke it

Each error carries its data as attributes and builds its own sentence, which names the next
step. Messages never contain tokens, secrets or the text of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BackpressureError",
    "ConfigurationError",
    "EventsLostError",
    "FlushTimeoutError",
    "InputTimeoutError",
    "LocalProtocolError",
    "LogError",
    "LogLockedError",
    "LogVersionError",
    "NoSuchStreamError",
    "OffsetOutOfRangeError",
    "ProducerFencedError",
    "ProtocolError",
    "RemoteProtocolError",
    "RunInterruptedError",
    "Said",
    "ServerUnavailableError",
    "SessionStateError",
    "SourceError",
    "StreamCancelledError",
    "StreamClosedError",
    "StreamNameError",
    "StreamNameTakenError",
    "SwarmStreamError",
]


class SwarmStreamError(Exception):
    """Base of every error that swarm_stream raises on purpose."""


class ConfigurationError(SwarmStreamError, ValueError):
    """Raised when a setting is out of range or does not fit another one."""


class SourceError(SwarmStreamError, TypeError):
    """Raised when ``ss.stream`` is given something that it cannot run."""


class SessionStateError(SwarmStreamError, RuntimeError):
    """Raised when a call does not fit the state that a session is in."""


class StreamNameError(SwarmStreamError, ValueError):
    """Raised when a stream's name is no text, empty, too long or has forbidden characters."""

    def __init__(self, stream: object) -> None:
        self.stream = str(stream)
        shown = repr(stream)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."  # noqa: PLR2004
        super().__init__(
            f"{shown} cannot name a stream: use 1 to 200 of the characters A-Z a-z 0-9 . _ ~ - "
            "(spaces and slashes become '-' in ss.slug(text))"
        )


class StreamNameTakenError(SwarmStreamError):
    """Raised when another producer is writing to the stream right now."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        super().__init__(
            f"stream {stream!r} has a live producer. Choose another name, or leave it out to get "
            f"a fresh one; ss.stream(..., name={stream!r}, take_over=True) fences the other one off"
        )


class NoSuchStreamError(SwarmStreamError, LookupError):
    """Raised when nothing is known of a stream."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        super().__init__(
            f"no stream {stream!r} here. ss.streams() lists the ones of this server; "
            "a stream that retention deleted is gone for good"
        )


class StreamClosedError(SwarmStreamError):
    """Raised when something would be added to a stream that has ended."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        super().__init__(
            f"stream {stream!r} has ended and cannot be written to again. Choose another name, "
            "or leave it out to get a fresh one"
        )


class ProducerFencedError(SwarmStreamError):
    """Raised when another producer has claimed the stream since."""

    def __init__(self, stream: str, *, epoch: int) -> None:
        self.stream = stream
        self.epoch = epoch
        super().__init__(
            f"another producer took stream {stream!r} over (epoch {epoch}). What this one had not "
            "yet handed in stays in its session; start a new stream to go on"
        )


class OffsetOutOfRangeError(SwarmStreamError, LookupError):
    """Raised when a cursor points outside what the log still holds."""

    def __init__(self, stream: str, *, offset: int, head: int, tail: int) -> None:
        self.stream = stream
        self.offset = offset
        self.head = head
        self.tail = tail
        held = f"holds offsets {head} to {tail - 1}" if tail > head else "holds nothing any more"
        super().__init__(
            f"stream {stream!r} {held}, so it cannot be read from {offset}. Read from {head} for "
            "all that is left. (SwarmStreamApp.keep_days and its neighbours say what is kept.)"
        )


class EventsLostError(SwarmStreamError):
    """Raised when the log no longer has events that it had acknowledged as durable."""

    def __init__(self, stream: str, *, first: int, last: int) -> None:
        self.stream = stream
        self.first = first
        self.last = last
        super().__init__(
            f"the server lost events {first} to {last} of stream {stream!r} after it had "
            "acknowledged them. Its log file was deleted or replaced; the session still has them: "
            "ss.record(session, path) saves them"
        )


class BackpressureError(SwarmStreamError):
    """Raised when the buffer is full and the caller did not want to wait."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(
            f"the buffer holds {size} events that the log has not acknowledged yet. Await put() "
            "to wait for room, or raise StreamingConfig.buffer_size"
        )


class FlushTimeoutError(SwarmStreamError, TimeoutError):
    """Raised when not everything was acknowledged before the time was up."""

    def __init__(self, stream: str, *, unacked: int, timeout_s: float) -> None:
        self.stream = stream
        self.unacked = unacked
        self.timeout_s = timeout_s
        super().__init__(
            f"{unacked} events of stream {stream!r} were not acknowledged within {timeout_s:g} s. "
            "They stay in the buffer and go out when the server answers"
        )


class InputTimeoutError(SwarmStreamError, TimeoutError):
    """Raised when nobody answered a question in time, and it had no default answer."""

    def __init__(self, stream: str, *, timeout_s: float) -> None:
        self.stream = stream
        self.timeout_s = timeout_s
        super().__init__(
            f"nobody answered the question of stream {stream!r} within {timeout_s:g} s. Give "
            "ss.ask(..., default='...') an answer for that case, or more time"
        )


class Said(NamedTuple):
    """What an agent had said when its run was cancelled."""

    agent: str
    """The lane's name."""
    text: str
    """As it was streamed."""
    partial: bool
    """Whether it was cut off."""


class StreamCancelledError(SwarmStreamError):
    """Raised by ``await session`` when the run was cancelled.

    Attributes:
        stream: The stream's name.
        by: Who cancelled it, for display.
        messages: What the agents had said by then, one by one, in order.
        leaked: Names of what took no notice and still works: functions in threads, mostly.

    """

    def __init__(
        self,
        stream: str,
        *,
        by: str = "",
        messages: Sequence[Said] = (),
        leaked: Sequence[str] = (),
    ) -> None:
        self.stream = stream
        self.by = by
        self.messages = tuple(messages)
        self.leaked = tuple(leaked)
        who = f" by {by}" if by else ""
        left = f" Still running: {', '.join(leaked)}." if leaked else ""
        super().__init__(
            f"the run of stream {stream!r} was cancelled{who}.{left} What was said until then is "
            "in the view, in session.transcript and in this error's .messages"
        )

    @property
    def text(self) -> dict[str, str]:
        """What the agents had said by then, as one text for each name."""
        texts: dict[str, str] = {}
        for agent, text, _ in self.messages:
            texts[agent] = texts.get(agent, "") + text
        return texts


class RunInterruptedError(SwarmStreamError):
    """Raised by ``await session`` when the run ended without an outcome of its own."""

    def __init__(self, stream: str, *, reason: str) -> None:
        self.stream = stream
        self.reason = reason
        super().__init__(f"the run of stream {stream!r} was interrupted: {reason}")


class LogError(SwarmStreamError, OSError):
    """Raised when the log cannot be opened, read or written."""


class LogVersionError(LogError):
    """Raised when the log's file was made by a newer version of swarm_stream."""


class LogLockedError(LogError):
    """Raised when another server has the log's file open."""


class ServerUnavailableError(SwarmStreamError, ConnectionError):
    """Raised when no Jupyter server with the extension can be reached."""


class ProtocolError(SwarmStreamError):
    """Base of errors about frames that break the wire protocol."""


class LocalProtocolError(ProtocolError):
    """Raised when this end would break the protocol."""


class RemoteProtocolError(ProtocolError):
    """Raised when the other end broke the protocol."""
