"""The ways from a producer to its viewers that are compared, and how each is talked to.

====================  ==========================================================================
``ours``              sessions of this package, a Jupyter server with the extension, its log
``relay``             a bare Tornado relay, a message for each event
``batched``           the same relay, a message for each 50 events
``socketio``          python-socketio on Tornado
``ag2``               AG2's ``IOWebsockets``: no relay, the run is in the server's process
====================  ==========================================================================

An event says its number and when it was made, on the clock that all processes of a machine
share: ``"17 81234567890123"``.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swarm_stream.events.model import Delta, encode_event
from swarm_stream.protocol.frames import SUBPROTOCOL, Subscribe, encode
from swarm_stream.runtime.recorder import clock_ms
from tests.bench.wire import dial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.wire import Wire

__all__ = ["BATCH", "KINDS", "event", "texts_of", "view"]

KINDS: Final = ("ours", "relay", "batched", "socketio", "ag2")
BATCH: Final = 50


class _Event(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Frame(msgspec.Struct):
    op: str = ""
    events: list[_Event] = []


class _Printed(msgspec.Struct):
    objects: list[str]


class _Print(msgspec.Struct):
    content: _Printed


_frame: Final = msgspec.json.Decoder(_Frame).decode
_event: Final = msgspec.json.Decoder(_Event).decode
_batch: Final = msgspec.json.Decoder(list[_Event]).decode
_emitted: Final = msgspec.json.Decoder(tuple[str, _Event]).decode
_print: Final = msgspec.json.Decoder(_Print).decode


def event(text: str) -> bytes:
    """Give the JSON of one event, for those who have no session to write it."""
    return encode_event(Delta(t=clock_ms(), seg=0, text=text))


def _of_ours(message: bytes) -> Sequence[str]:
    frame = _frame(message)
    if frame.op == "error":
        raise RuntimeError(message.decode())
    return [said.text for said in frame.events if said.type == "delta"]


def _of_socketio(message: bytes) -> Sequence[str]:
    return (_emitted(message[2:])[1].text,) if message.startswith(b"42") else ()


_TEXTS: Final[dict[str, Callable[[bytes], Sequence[str]]]] = {
    "ours": _of_ours,
    "relay": lambda message: (_event(message).text,),
    "batched": lambda message: [said.text for said in _batch(message)],
    "socketio": _of_socketio,
    "ag2": lambda message: _print(message).content.objects,
}


def texts_of(kind: str) -> Callable[[bytes], Sequence[str]]:
    """Give what decodes a viewer's message into the texts of its events."""
    return _TEXTS[kind]


async def view(job: dict[str, Any], stream: str, on_text: Callable[[bytes], None]) -> Wire:
    """Connect a viewer of one stream."""
    kind, base = job["kind"], job["base"]
    if kind == "ours":
        return await dial_ours(job, stream, on_text)
    if kind in {"relay", "batched"}:
        return await dial(f"{base}/view/{stream}", on_text)
    if kind == "socketio":
        return await dial_socketio(base, on_text, stream)
    wire = await dial(base, on_text)
    wire.send(json.dumps({"count": job["count"], "rate": job["rate"]}).encode())
    return wire


async def dial_ours(job: dict[str, Any], stream: str, on_text: Callable[[bytes], None]) -> Wire:
    """Connect to our server and subscribe to what comes from now on."""
    subscribed = asyncio.Event()

    def heard(message: bytes) -> None:
        if message.startswith(b'{"op":"subscribed"'):
            subscribed.set()
        else:
            on_text(message)

    headers = {**job["headers"], "Sec-WebSocket-Protocol": SUBPROTOCOL}
    wire = await dial(f"{job['base']}/swarm-stream/ws", heard, headers)
    wire.send(encode(Subscribe(stream=stream, start="tail")))
    await subscribed.wait()
    return wire


async def dial_socketio(
    base: str, on_text: Callable[[bytes], None] = lambda _: None, stream: str = ""
) -> Wire:
    """Connect to a Socket.IO server, in a stream's room if one is named."""
    let_in = asyncio.Event()

    def heard(message: bytes) -> None:
        if message == b"2":
            wire.send(b"3")
        elif message.startswith(b"40"):
            let_in.set()
        else:
            on_text(message)

    room = f"&stream={stream}" if stream else ""
    wire = await dial(f"{base}/socket.io/?EIO=4&transport=websocket{room}", heard)
    wire.send(b"40")
    await let_in.wait()
    return wire
