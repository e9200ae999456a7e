"""From the bytes of a client to its messages: RFC 6455's frames, without any IO.

Tornado reads a frame in four steps and makes a future for each, which is most of what a small
message costs. Here all frames that came together are cut out of one piece. What Tornado refuses
is refused here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from websockets.utils import apply_mask

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BadFrameError", "Incoming", "TooBigError"]

FINAL: Final = 0x80
RESERVED: Final = 0x70
KIND: Final = 0x0F
CONTROL: Final = 0x08
MASKED: Final = 0x80
MAX_CONTROL: Final = 125
_MASK_BYTES: Final = 4


class BadFrameError(Exception):
    """The client does not keep to RFC 6455."""


class TooBigError(Exception):
    """A message has more bytes than are taken."""


class Incoming:
    """What came of one connection, and is no whole message yet.

    Args:
        max_bytes: Bytes that a message may have.

    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        # Bytes that ``_rest`` must have before it is worth looking at again.
        self._awaited = 0
        self._parts: bytearray | None = None
        self._kind = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take in bytes; gives the kind and the content of each message that is whole now.

        Read it to its end before you feed it again.

        Raises:
            BadFrameError: If these are no frames of a client.
            TooBigError: If a message is too big; told as soon as its head says so.

        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._awaited:
                return
            data = bytes(self._rest)
            self._rest.clear()
        at = 0
        while True:
            frame = self._cut(data, at)
            if frame is None:
                break
            first, content, at = frame
            message = self._whole(first, content)
            if message is not None:
                yield message
        self._rest += data[at:]

    def _cut(self, data: bytes, at: int) -> tuple[int, bytes, int] | None:
        """Give a frame's first byte, its content and where it ends; None if it is not whole."""
        here = len(data) - at
        self._awaited = 2
        if here < self._awaited:
            return None
        first, second = data[at], data[at + 1]
        size, start = second & ~MASKED, 2
        if first & CONTROL and size > MAX_CONTROL:
            raise BadFrameError
        if size > MAX_CONTROL:  # then it is 126 or 127 and tells where the size is
            start = self._awaited = 4 if size == MAX_CONTROL + 1 else 10
            if here < start:
                return None
            size = int.from_bytes(data[at + 2 : at + start], "big")
        if size + len(self._parts or b"") > self._max_bytes:
            raise TooBigError
        if second & MASKED:
            start += _MASK_BYTES
        self._awaited = start + size
        if here < self._awaited:
            return None
        end = at + self._awaited
        content = data[at + start : end]
        if second & MASKED:
            content = apply_mask(content, data[at + start - _MASK_BYTES : at + start])
        return first, content, end

    def _whole(self, first: int, content: bytes) -> tuple[int, bytes] | None:
        """Give the message that ends with this frame, if one does."""
        kind, final = first & KIND, bool(first & FINAL)
        if first & RESERVED:
            raise BadFrameError
        if kind & CONTROL:  # may come between the parts of a message
            if not final:
                raise BadFrameError
            return kind, content
        if (kind == 0) is (self._parts is None):
            raise BadFrameError  # the rest of nothing, or a message within a message
        if self._parts is not None:
            self._parts += content
            if not final:
                return None
            content, self._parts = bytes(self._parts), None
            return self._kind, content
        if final:
            return kind, content
        self._kind, self._parts = kind, bytearray(content)
        return None
