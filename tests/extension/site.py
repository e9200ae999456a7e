"""Words for talking over a WebSocket in tests of the extension."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado.websocket import WebSocketClientConnection

END = {"type": "end", "t": 2, "outcome": "completed", "reason": ""}


def delta(number: int) -> dict[str, Any]:
    return {"type": "delta", "t": 1, "seg": 0, "text": f"{number}"}


async def told(socket: WebSocketClientConnection, *ops: str) -> dict[str, Any]:
    """Give the next frame of these ops; without any, wait until the socket has closed."""
    while True:
        message = await socket.read_message()
        if message is None:
            assert not ops, f"closed: {socket.close_code} {socket.close_reason}"
            return {}
        frame = json.loads(message)
        if frame["op"] in ops:
            return dict(frame)


async def asks(
    socket: WebSocketClientConnection, op: str, stream: str = "demo", **fields: Any
) -> dict[str, Any]:
    """Send a frame and give the answer."""
    await socket.write_message(json.dumps({"op": op, "stream": stream, **fields}))
    return await told(socket, "claimed", "ack", "gap", "fenced", "subscribed", "gone", "error")


async def claim_and_append(
    socket: WebSocketClientConnection, *events: dict[str, Any], stream: str = "demo"
) -> None:
    claimed = await asks(socket, "claim", stream, producer="p", meta={"title": "T"})
    for first in range(0, len(events), 1000):
        batch = list(events[first : first + 1000])
        answer = await asks(
            socket, "append", stream, epoch=claimed["epoch"], offset=first, events=batch
        )
        assert answer["op"] == "ack"
