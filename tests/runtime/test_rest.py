"""Asking a server: every refusal says what to do, and the token goes nowhere else."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import NoSuchStreamError, ServerUnavailableError
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.rest import ask

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server(HTTPServer):
    """Answers everything alike, and remembers what it was asked."""

    status = 200
    body = b"{}"
    location = ""
    asked: list[tuple[str, str | None]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def address(server: Server) -> ServerAddress:
    return ServerAddress(f"http://127.0.0.1:{server.server_port}/base/", "token t0ken")


def test_an_object_is_given_to_whoever_may_read(server: Server) -> None:
    server.body = b'{"a": 1}'
    assert ask(address(server), "swarm-stream/info") == {"a": 1}
    assert server.asked == [("/base/swarm-stream/info", "token t0ken")]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("location", "says"),
    [("/hub/login?next=x", "SWARM_STREAM_TOKEN"), ("https://elsewhere/", "as the browser shows")],
)
def test_nobody_else_gets_the_token(server: Server, status: int, location: str, says: str) -> None:
    server.status, server.location = status, location
    with pytest.raises(ServerUnavailableError, match=says):
        ask(address(server), "swarm-stream/info")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, {}, "put its token into SWARM_STREAM_TOKEN"),
        (401, None, "put its token into SWARM_STREAM_TOKEN"),
        (404, {"message": "Not Found"}, "has no swarm_stream extension"),
        (404, None, "has no swarm_stream extension"),
        (503, {"message": "the disk is gone"}, "cannot serve streams now: the disk is gone"),
        (502, None, "cannot serve streams now: status 502"),
        (200, None, "has no swarm_stream extension"),
        (200, [1], "has no swarm_stream extension"),
    ],
)
def test_a_refusal_tells_the_next_step(
    server: Server, status: int, body: object, says: str
) -> None:
    server.status = status
    server.body = b"<html>" if body is None else json.dumps(body).encode()
    with pytest.raises(ServerUnavailableError, match=says):
        ask(address(server), "swarm-stream/api/streams")


def test_a_stream_that_is_not_there_is_another_error(server: Server) -> None:
    server.status, server.body = 404, json.dumps({"message": "no stream 'a' here."}).encode()
    with pytest.raises(NoSuchStreamError):
        ask(address(server), "swarm-stream/api/streams/a", stream="a")
    server.body = json.dumps({"message": "Not Found"}).encode()
    with pytest.raises(ServerUnavailableError, match="extension"):
        ask(address(server), "swarm-stream/api/streams/a", stream="a")


def test_a_server_that_is_away_is_said_to_be_so() -> None:
    with pytest.raises(ServerUnavailableError, match="is it running"):
        ask(ServerAddress("http://127.0.0.1:9/"), "swarm-stream/info")
