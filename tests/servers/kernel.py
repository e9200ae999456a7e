"""A kernel of a real Jupyter server, and running code in it as a page does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil
from websockets.sync.client import connect

if TYPE_CHECKING:
    from tests.servers.jupyter import JupyterServer


class Kernel:
    """One kernel of ``server``.

    Attributes:
        id: Jupyter's name for it.

    """

    def __init__(self, server: JupyterServer) -> None:
        self._server = server
        self.id = str(server.post("api/kernels", {})["id"])

    @property
    def process(self) -> psutil.Process:
        """Its process, now."""
        assert self._server.process is not None
        for child in psutil.Process(self._server.process.pid).children():
            if any(self.id in argument for argument in child.cmdline()):
                return child
        raise LookupError("the server has no process for this kernel")

    def run(self, code: str, *, timeout_s: float = 60.0) -> str:
        """Run a cell to its end; gives what it printed, raises what it raised."""
        header = {
            "msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": "",
            "date": "", "version": "5.3",
        }  # fmt: skip
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        url = self._server.url.replace("http", "ws", 1) + f"api/kernels/{self.id}/channels"
        printed = ""
        with connect(
            url, additional_headers=self._server.headers, proxy=None, max_size=None
        ) as socket:
            socket.send(json.dumps({**request, "channel": "shell", "buffers": []}))
            while True:
                message: dict[str, Any] = json.loads(socket.recv(timeout=timeout_s))
                if message["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                said = message["content"]
                if message["msg_type"] == "stream":
                    printed += said["text"]
                elif message["msg_type"] == "error":
                    raise RuntimeError("\n".join(said["traceback"]))
                elif message["msg_type"] == "execute_reply":
                    return printed

    def restart(self) -> None:
        """As from the menu."""
        self._server.post(f"api/kernels/{self.id}/restart", {})

    def shut_down(self) -> None:
        """As from the menu."""
        self._server.get(f"api/kernels/{self.id}", method="DELETE")
