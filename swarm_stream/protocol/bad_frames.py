"""What is wrong with a message that is no frame, in a sentence for whoever sent it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from swarm_stream.errors import RemoteProtocolError

__all__ = ["STREAM_NAME", "FrameError", "NotJSONError", "explain"]

STREAM_NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,200}")

MAX_REASON: Final = 200
"""Characters of what an ``error`` says of a frame."""

MAX_OP: Final = 40


class NotJSONError(RemoteProtocolError):
    """Raised when a frame is not JSON: the socket is closed with 1007."""


class FrameError(RemoteProtocolError):
    """Raised when a frame is JSON but no frame: answered by ``error``; the socket stays open.

    Attributes:
        code: ``unknown_op`` or ``bad_frame``.
        op: The frame's ``op``, where it has a readable one.
        stream: The frame's stream, where it has a readable one.

    """

    def __init__(self, code: str, message: str, *, op: str | None, stream: str | None) -> None:
        self.code = code
        self.op = op
        self.stream = stream
        super().__init__(message)


class _Head(msgspec.Struct):
    op: msgspec.Raw = msgspec.Raw(b"null")
    stream: msgspec.Raw = msgspec.Raw(b"null")


_json = msgspec.json.Decoder(msgspec.Raw)
_head = msgspec.json.Decoder(_Head)
_string = msgspec.json.Decoder(str)


def explain(text: str | bytes, reason: str, *, version: str) -> FrameError:
    """Give the error for a message that did not decode, for the reason that msgspec gave.

    Raises:
        NotJSONError: If it is not even JSON: msgspec stops at the first wrong field.

    """
    # Read without making objects of it: a bad frame of a mebibyte may hold a million of them.
    try:
        _json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotJSONError("the frame is not JSON; send one JSON object a message") from None
    try:
        head = _head.decode(text)
    except msgspec.ValidationError:
        head = _Head()  # JSON, but no object
    op, stream = _text(head.op), _text(head.stream)
    stream = stream if stream is not None and STREAM_NAME.fullmatch(stream) else None
    if op is None or len(op) > MAX_OP:
        return FrameError(
            "bad_frame", "a frame is a JSON object with a field 'op'", op=None, stream=stream
        )
    if reason.startswith("Invalid value '") and reason.endswith("`$.op`"):
        return FrameError(
            "unknown_op", f"no frame {op!r} in {version}; see PROTOCOL.md", op=op, stream=stream
        )
    if reason.endswith("`$.stream`"):
        reason = "a stream's name is 1 to 200 of the characters A-Z a-z 0-9 . _ ~ -"
    elif len(reason) > MAX_REASON:
        # It quotes the value: a long frame must not have a long answer.
        reason = f"{reason[: MAX_REASON // 2]} ... {reason[-MAX_REASON // 2 :]}"
    return FrameError("bad_frame", f"in {op!r}: {reason}", op=op, stream=stream)


def _text(value: msgspec.Raw) -> str | None:
    try:
        return _string.decode(value)
    except msgspec.DecodeError:
        return None
