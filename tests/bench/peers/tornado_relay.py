"""The barest relay that Tornado makes: each message of a producer goes to each viewer.

No log, no offsets, no acknowledgement, no back pressure: what anybody writes in an afternoon,
and the least that a server can do. With messages of 50 events each it is the floor for
throughput.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import Any, ClassVar

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler


class Viewer(WebSocketHandler):
    there: ClassVar[defaultdict[str, set[Viewer]]] = defaultdict(set)

    def check_origin(self, origin: str) -> bool:
        return True  # pages of a JupyterLab beside it look on

    def open(self, stream: str) -> None:
        self.set_nodelay(True)
        self.stream = stream
        self.there[stream].add(self)

    def on_message(self, message: str | bytes) -> None:
        pass

    def on_close(self) -> None:
        self.there[self.stream].discard(self)


class Producer(WebSocketHandler):
    def open(self, stream: str = "") -> None:
        self.set_nodelay(True)
        self.stream = stream

    def on_message(self, message: str | bytes) -> None:
        for viewer in tuple(Viewer.there[self.stream]):
            try:
                viewer.write_message(message)
            except WebSocketClosedError:
                Viewer.there[self.stream].discard(viewer)


async def main() -> None:
    routes: list[Any] = [(r"/view/(.*)", Viewer), (r"/produce/(.*)", Producer)]
    # A Jupyter server's backlog and more: a thousand viewers come at once.
    sockets = bind_sockets(0, "127.0.0.1", backlog=2048)
    HTTPServer(Application(routes)).add_sockets(sockets)
    sys.stdout.write(f"{sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main())
