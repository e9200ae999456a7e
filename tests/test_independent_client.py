"""A client written from PROTOCOL.md with a WebSocket library and ``json``, held against the server.

Nothing of swarm_stream is imported here.
"""

from __future__ import annotations

import itertools
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.jupyter import JupyterServer

_names = itertools.count()


class Client:
    """Speaks version 1."""

    def __init__(self, server: JupyterServer, authorization: str | None = None) -> None:
        headers = {"Authorization": authorization} if authorization else server.headers
        self.socket = connect(
            server.ws_url,
            subprotocols=["swarm-stream.v1"],
            additional_headers=headers,
            proxy=None,
        )

    def send(self, op: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"op": op, **fields}))

    def get(self, *ops: str) -> dict[str, Any]:
        """Give the next frame of one of these ops; heartbeats and status are passed over."""
        while True:
            frame = json.loads(self.socket.recv(timeout=10))
            if frame["op"] in ops:
                return dict(frame)
            assert frame["op"] in {"heartbeat", "status"}, frame

    def claim(self, stream: str, producer: str = "p1", epoch: int | None = None) -> dict[str, Any]:
        self.send("claim", stream=stream, producer=producer, epoch=epoch, meta={"title": "T"})
        return self.get("claimed", "error")

    def append(
        self, stream: str, offset: int, *events: dict[str, Any], epoch: int = 1
    ) -> dict[str, Any]:
        self.send("append", stream=stream, epoch=epoch, offset=offset, events=list(events))
        return self.get("ack", "gap", "fenced", "error")

    def subscribe(self, stream: str, start: int | str, **more: Any) -> dict[str, Any]:
        self.send("subscribe", stream=stream, **{"from": start}, **more)
        return self.get("subscribed", "gone", "error")

    def read(self, start: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Give all events until ``closed``; checks that offsets are dense."""
        events: list[dict[str, Any]] = []
        while True:
            frame = self.get("events", "closed")
            if frame["op"] == "closed":
                return events, frame
            assert frame["offset"] == start + len(events)
            events += frame["events"]


def delta(number: int) -> dict[str, Any]:
    return {"type": "delta", "t": 1.5, "seg": 0, "text": f"{number} ä🙂"}


APPEND = {"op": "append", "epoch": 1, "offset": 0, "events": [{}]}
CLAIM = {"op": "claim", "stream": "x", "producer": "p"}
END = {"type": "end", "t": 2, "outcome": "completed", "reason": ""}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    home = tmp_path_factory.mktemp("independent")
    settings = ("--SwarmStreamApp.heartbeat_s=0.2", "--SwarmStreamApp.silence_limit_s=5")
    with jupyter_server(home, *settings) as running:
        yield running


@pytest.fixture
def client(server: JupyterServer) -> Iterator[Client]:
    made = Client(server)
    with made.socket:
        yield made


@pytest.fixture
def stream() -> str:
    return f"demo-{next(_names)}"


def test_claim_append_retry_and_gap(client: Client, stream: str) -> None:
    claimed = client.claim(stream)
    # What else is there is ignored.
    assert {"op": "claimed", "stream": stream, "epoch": 1, "next": 0}.items() <= claimed.items()
    assert client.append(stream, 0, delta(0), delta(1)) == {
        "op": "ack", "stream": stream, "next": 2
    }  # fmt: skip
    assert client.append(stream, 0, delta(0), delta(1))["next"] == 2  # a retry
    assert client.append(stream, 1, delta(1), delta(2))["next"] == 3  # partly a retry
    assert client.append(stream, 5, delta(5)) == {"op": "gap", "stream": stream, "next": 3}
    assert client.claim(stream, epoch=1)["epoch"] == 1  # a lost reply costs nothing
    assert client.append(stream, 3, END)["next"] == 4
    assert client.append(stream, 2, delta(2), END)["next"] == 4  # there already
    assert client.append(stream, 4, delta(4))["code"] == "stream_closed"
    assert client.claim(stream)["code"] == "stream_closed"
    assert client.subscribe(stream, 0)["closed"] is True
    events, closed = client.read(0)
    assert events == [delta(0), delta(1), delta(2), END]
    assert closed["tail"] == 4


def test_a_second_producer_fences_the_first(
    server: JupyterServer, client: Client, stream: str
) -> None:
    client.claim(stream)
    client.append(stream, 0, delta(0))
    rival = Client(server)
    with rival.socket:
        assert rival.claim(stream, "p2")["epoch"] == 2
        assert client.get("fenced") == {"op": "fenced", "stream": stream, "epoch": 2}
        assert client.append(stream, 1, delta(1)) == {"op": "fenced", "stream": stream, "epoch": 2}
        assert client.append(stream, 1, delta(1), epoch=3)["code"] == "bad_epoch"
        assert rival.append(stream, 1, END, epoch=2)["next"] == 2


def test_history_and_live_events_come_without_a_seam(
    server: JupyterServer, client: Client, stream: str
) -> None:
    client.claim(stream)
    client.append(stream, 0, *map(delta, range(5)))
    viewers: dict[int | str, Client] = {start: Client(server) for start in (0, 3, "head", "tail")}
    with ExitStack() as stack:
        for viewer in viewers.values():
            stack.enter_context(viewer.socket)
        follow(client, stream, viewers)


def follow(client: Client, stream: str, viewers: dict[int | str, Client]) -> None:
    for start, viewer in viewers.items():
        subscribed = viewer.subscribe(stream, start)
        first = {"head": 0, "tail": 5}.get(str(start), start)
        assert (subscribed["from"], subscribed["head"], subscribed["tail"]) == (first, 0, 5)
        assert subscribed["producer"] == "live"
        assert subscribed["meta"] == {"title": "T"}
    for number in range(5, 50):
        client.append(stream, number, delta(number))
    client.append(stream, 50, END)
    for start, viewer in viewers.items():
        first = {"head": 0, "tail": 5}.get(str(start), start)
        assert isinstance(first, int)
        events, closed = viewer.read(first)
        assert events == [*map(delta, range(first, 50)), END]
        assert closed["tail"] == 51


def test_outside_of_what_is_held_is_gone(client: Client, stream: str) -> None:
    client.claim(stream)
    client.append(stream, 0, delta(0))
    assert client.subscribe(stream, 2) == {"op": "gone", "stream": stream, "head": 0, "tail": 1}


def test_waiting_for_a_stream_that_is_not_there_yet(
    server: JupyterServer, client: Client, stream: str
) -> None:
    assert client.subscribe(stream, 0)["code"] == "no_such_stream"
    client.send("subscribe", stream=stream, wait=True, **{"from": 0})
    producer = Client(server)
    with producer.socket:
        producer.claim(stream)
        assert client.get("subscribed")["tail"] == 0
        producer.append(stream, 0, delta(0))
        assert client.get("events")["events"] == [delta(0)]


def test_status_and_control(server: JupyterServer, client: Client, stream: str) -> None:
    client.claim(stream)
    viewer = Client(server)
    with viewer.socket:
        viewer.subscribe(stream, 0)
        viewer.send("control", stream=stream, id="c1", action="pause", data={})
        control = client.get("control")
        assert (control["id"], control["action"]) == ("c1", "pause")
        assert control["by"]
        client.send("controlled", stream=stream, id="c1", ok=True, message="")
        assert viewer.get("controlled")["ok"] is True
        client.socket.close()
        while True:
            status = json.loads(viewer.socket.recv(timeout=10))
            if status["op"] == "status" and status["producer"] == "stalled":
                break
        viewer.send("control", stream=stream, id="c2", action="stop", data={})
        assert viewer.get("controlled")["ok"] is False


def test_heartbeats_come_and_silence_ends_the_socket(client: Client) -> None:
    assert json.loads(client.socket.recv(timeout=5))["op"] == "heartbeat"
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": "dance"}, "unknown_op"),
        ({"stream": "x"}, "bad_frame"),
        ([1], "bad_frame"),
        ({"op": "append", "stream": "x", "epoch": 1, "offset": "0", "events": [{}]}, "bad_frame"),
        ({"op": "append", "stream": "x", "epoch": 1, "offset": 2**63, "events": []}, "bad_frame"),
        ({"op": "append", "stream": "x", "epoch": 1, "offset": 0, "events": []}, "bad_frame"),
        ({"op": "append", "stream": "x", "epoch": 1, "offset": 0, "events": [1]}, "bad_frame"),
        (APPEND | {"stream": "x", "events": [{}] * 1001}, "too_many_events"),
        (APPEND | {"stream": "nobody"}, "no_such_stream"),
        ({"op": "claim", "stream": "a b", "producer": "p"}, "bad_frame"),
        (CLAIM | {"meta": {"m": "x" * 20_000}}, "meta_too_large"),
        ({"op": "subscribe", "stream": "x", "from": -1}, "bad_frame"),
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_obeyed_is_answered_and_the_socket_stays(
    client: Client, stream: str, frame: object, code: str
) -> None:
    client.socket.send(json.dumps(frame))
    error = client.get("error")
    assert error["code"] == code
    assert error["message"]
    assert client.claim(stream)["op"] == "claimed"


@pytest.mark.parametrize(("data", "code"), [("{", 1007), (b"{}", 1007), (" " * (2**20 + 1), 1009)])
def test_what_is_no_frame_closes_the_socket(client: Client, data: str | bytes, code: int) -> None:
    client.socket.send(data)
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code


def test_unknown_fields_are_ignored(client: Client, stream: str) -> None:
    client.send("claim", stream=stream, producer="p", epoch=None, meta={}, colour="blue")
    assert client.get("claimed", "error")["op"] == "claimed"


def test_the_producer_secret_lets_claim_and_append_only(server: JupyterServer, stream: str) -> None:
    kernel = Client(server, f"swarm-stream {server.secret}")
    with kernel.socket:
        assert kernel.claim(stream)["op"] == "claimed"
        assert kernel.append(stream, 0, delta(0))["next"] == 1
        assert kernel.subscribe(stream, 0)["code"] == "not_allowed"
        kernel.send("control", stream=stream, id="x", action="stop", data={})
        assert kernel.get("error")["code"] == "not_allowed"


@pytest.mark.parametrize("authorization", ["token wrong", "swarm-stream wrong", "none"])
def test_who_is_not_let_in_gets_403_before_the_upgrade(
    server: JupyterServer, authorization: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Client(server, authorization)
    assert refused.value.response.status_code == 403


def test_the_secret_from_a_page_is_refused(server: JupyterServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(
            server.ws_url,
            subprotocols=["swarm-stream.v1"],
            additional_headers={"Authorization": f"swarm-stream {server.secret}"},
            origin=server.url.rstrip("/"),
            proxy=None,
        )
    assert refused.value.response.status_code == 403


def test_another_version_is_refused_by_name(server: JupyterServer) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(
            server.ws_url,
            subprotocols=["swarm-stream.v9"],
            additional_headers=server.headers,
            proxy=None,
        )
    assert refused.value.response.status_code == 400
    assert b"swarm-stream.v1" in refused.value.response.body
