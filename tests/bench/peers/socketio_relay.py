"""The same with python-socketio, on Tornado too: a room for each stream."""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

server = socketio.AsyncServer(async_mode="tornado", cors_allowed_origins=[])


@server.event
async def connect(sid: str, environ: dict[str, Any], _auth: object = None) -> None:
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if "stream" in query:
        await server.enter_room(sid, query["stream"][0])


@server.event
async def produce(_sid: str, stream: str, event: object) -> None:
    await server.emit("event", event, room=stream)


async def main() -> None:
    sockets = bind_sockets(0, "127.0.0.1", backlog=2048)
    routes: list[Any] = [(r"/socket.io/", socketio.get_tornado_handler(server))]
    HTTPServer(Application(routes)).add_sockets(sockets)
    sys.stdout.write(f"{sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main())
