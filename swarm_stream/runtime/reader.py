"""Reading a stream of the kernel's own hub from any thread and any loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from swarm_stream.events.model import End, decode_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from swarm_stream.events.model import AnyEvent, Unknown
    from swarm_stream.logs.base import Slice
    from swarm_stream.runtime.io_thread import IOThread
    from swarm_stream.runtime.local import LocalHub, LocalStream

__all__ = ["read_hub"]


async def read_hub(
    io: IOThread, local: LocalHub, stream: str | LocalStream, start: int
) -> AsyncIterator[AnyEvent | Unknown]:
    """Give events from ``start`` on, until the last one; waits for those to come.

    Args:
        io: The hub's thread.
        local: The hub.
        stream: A session's own stream, or a name: what has it now is read to its end.
        start: The first offset wanted.

    Raises:
        OffsetOutOfRangeError: If the hub no longer holds events from ``start`` on.
        NoSuchStreamError: If it knows of no such stream.

    """
    offset = start
    found = local.hosted(stream) if isinstance(stream, str) else stream
    while True:
        part = await asyncio.wrap_future(io.submit(_next(local, found or stream, offset)))
        offset += part.count
        for event in decode_events(b"[" + part.body + b"]"):
            yield event
            if isinstance(event, End):
                return
        if part.count == 0:
            return


async def _next(local: LocalHub, stream: str | LocalStream, offset: int) -> Slice:
    """Give what there is from ``offset`` on, waiting for something; empty after the end."""
    while True:
        key = stream if isinstance(stream, str) else stream.key
        part = local.log.read_now(key, offset, max_events=1000, max_bytes=2**20)
        if part.count or local.log.info_now(key).closed:
            return part
        await local.moved(key)
