"""``StreamView``: the view as a widget, where there is no front-end extension, and for composing.

The page first tries the server's WebSocket. Where it cannot, the same frames go through the
widget's comm, from the kernel's own hub. The page acknowledges each frame before the next one
goes, so that neither Jupyter's output limits nor ZeroMQ's high-water mark ever drop one.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from swarm_stream.errors import SwarmStreamError
from swarm_stream.views.display import MIME_TYPE, WIDGET_TYPE, bundle, widget_view
from swarm_stream.views.static import to_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.fold import Transcript
    from swarm_stream.hub.socket import HubSocket
    from swarm_stream.runtime.environment import Runtime

__all__ = ["StreamView"]

ACK_LIMIT_S: Final = 30.0
"""Seconds after which a page that does not acknowledge a frame counts as gone."""


class StreamView(anywidget.AnyWidget):
    """Show one stream. The model holds names only, never the text.

    Args:
        runtime: Whose hub serves the comm.
        stream: The stream's name.
        server: Id of the server that has it, or empty.
        title: Shown until the stream tells its own.

    """

    _esm = files("swarm_stream") / "static" / "view.js"
    _css = files("swarm_stream") / "static" / "view.css"
    stream = traitlets.Unicode().tag(sync=True)
    server = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    base_url_hint = traitlets.Unicode().tag(sync=True)
    static = traitlets.Dict().tag(sync=True)

    def __init__(self, runtime: Runtime, *, stream: str, server: str, title: str) -> None:
        super().__init__(stream=stream, server=server, title=title)
        self._runtime = runtime
        self._transcript: Transcript | None = None
        self._sockets: dict[str, _CommSocket] = {}
        self.on_msg(self._message)

    def __repr__(self) -> str:
        """Show the stream, alike in every run."""
        return f"<StreamView {self.stream}>"

    def keep(self, transcript: Transcript) -> None:
        """Have what was said in a run that is over, for when its kernel and its log are gone."""
        self._transcript = transcript
        self.static = {"text/markdown": to_markdown(transcript)}

    def _repr_mimebundle_(self, **_kwargs: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what a cell shows: as ``show`` does, so that no later kernel is asked for it."""
        transcript = self._transcript
        data = bundle(self.stream, server=self.server, title=self.title, transcript=transcript)
        if transcript is None:
            data[WIDGET_TYPE] = widget_view(self.model_id)
            if self._runtime.address is None:
                # Our own type asks the server, and there is none.
                del data[MIME_TYPE]
        return data, {}

    def _message(self, _widget: object, content: Any, _buffers: object) -> None:  # noqa: ANN401
        """Take in a message of the page; comes on any thread."""
        if isinstance(content, dict) and isinstance(content.get("socket"), str):
            self._runtime.io.post(self._handle, content)

    def _handle(self, content: dict[str, Any]) -> None:
        name, kind = content["socket"], content.get("kind")
        socket = self._sockets.get(name)
        if kind == "open" and socket is None:
            socket = _CommSocket(self._runtime, name, self.send, lambda: self._drop(name))
            self._sockets[name] = socket
        elif socket is not None:
            socket.handle(kind, content)

    def _drop(self, name: str) -> None:
        self._sockets.pop(name, None)


class _CommSocket:
    """One view's socket over the comm. IO thread only."""

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        send: Callable[[dict[str, Any]], None],
        closed: Callable[[], None],
    ) -> None:
        self._name = name
        self._send = send
        self._closed = closed
        self._hub = runtime.local.hub
        self._number = 0
        self._ack: asyncio.Future[None] | None = None
        self._feeds: set[asyncio.Task[None]] = set()
        self._socket: HubSocket | None = self._hub.open_socket(
            may_produce=False, may_view=True, who="a viewer"
        )
        self._task = asyncio.ensure_future(self._serve())

    def handle(self, kind: object, content: dict[str, Any]) -> None:
        """Take in a message of the page."""
        socket = self._socket
        if socket is None:
            return
        match kind:
            case "frame" if isinstance(content.get("text"), str):
                # Viewers' frames never wait, so tasks started in order end in order.
                task = asyncio.ensure_future(socket.feed(content["text"]))
                self._feeds.add(task)
                task.add_done_callback(self._feeds.discard)
            case "ack":
                ack = self._ack
                if content.get("n") == self._number and ack is not None and not ack.done():
                    ack.set_result(None)
            case "close":
                self._task.cancel()
            case _:
                pass  # a newer page may say more

    async def _serve(self) -> None:
        socket = self._socket
        try:
            if socket is not None:
                await socket.serve(self._send_frame)
        except (TimeoutError, SwarmStreamError):
            # The page is gone or does not read; if it lives it opens another socket.
            return
        finally:
            if socket is not None:
                self._hub.close_socket(socket)
            self._closed()

    async def _send_frame(self, frame: bytes) -> None:
        self._number += 1
        self._ack = asyncio.get_running_loop().create_future()
        self._send(
            {
                "kind": "frame",
                "socket": self._name,
                "n": self._number,
                "text": frame.decode(),
            }
        )
        async with asyncio.timeout(ACK_LIMIT_S):
            await self._ack
