"""The WebSocket handler: subprotocols, limits, and what it asks of Tornado."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from jupyter_extension.socket import StreamSocket
from swarm_stream.protocol.server import ServerConnection
from tests.extension.site import asks, claim_and_append, delta, told

if TYPE_CHECKING:
    from tornado.websocket import WebSocketClientConnection

    from tests.extension.conftest import MakeSite, Site


async def closing(socket: WebSocketClientConnection) -> tuple[int | None, str | None]:
    """Give the code and reason with which a socket closes."""
    await told(socket)
    return socket.close_code, socket.close_reason


@pytest.mark.parametrize("offers", [[], ["swarm-stream.v2"], ["swarm-stream.v10", "graphql-ws"]])
async def test_other_versions_are_refused_with_the_names_of_those_served(
    site: Site, offers: list[str]
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await site.ws(offers=offers)
    assert refused.value.code == 400
    assert refused.value.response is not None
    assert json.loads(refused.value.response.body)["served"] == ["swarm-stream.v1"]


async def test_ours_is_chosen_among_several(site: Site) -> None:
    socket = await site.ws(offers=["swarm-stream.v2", "swarm-stream.v1"])
    assert socket.selected_subprotocol == "swarm-stream.v1"


async def test_no_compression_and_no_delay(site: Site) -> None:
    socket = await site.ws(site.with_token | {"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert "Sec-WebSocket-Extensions" not in socket.headers
    (handler,) = handlers(site)
    raw = handler.ws_connection.stream.socket  # type: ignore[attr-defined]
    assert raw.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY) != 0
    assert handler.ws_connection._ping_coroutine is None  # type: ignore[attr-defined]


def handlers(site: Site) -> list[object]:
    """Give the handlers of the open sockets."""
    assert site.app.hub is not None
    tasks = [socket._serving for socket in site.app.hub.sockets]
    frames = [task.get_coro().cr_frame for task in tasks if task is not None]  # type: ignore[union-attr]
    return [frame.f_locals["self"] for frame in frames]


async def test_one_connection_too_many_is_closed_with_1013(make_site: MakeSite) -> None:
    site = await make_site(max_connections=2)
    first, second = await site.ws(), await site.ws()
    assert await closing(await site.ws()) == (1013, "too many connections; try again later")
    first.close()
    await told(first)
    assert (await asks(second, "claim", producer="p"))["op"] == "claimed"
    assert (await asks(await site.ws(), "claim", "other", producer="p"))["op"] == "claimed"


async def test_limits_are_traits(make_site: MakeSite) -> None:
    site = await make_site(max_frame_bytes=2**20 + 5, max_frame_events=3, max_meta_bytes=50)
    socket = await site.ws()
    refused = await asks(socket, "claim", producer="p", meta={"m": "x" * 50})
    assert refused["code"] == "meta_too_large"
    await asks(socket, "claim", producer="p")
    batch = {"epoch": 1, "offset": 0, "events": [delta(n) for n in range(4)]}
    assert (await asks(socket, "append", **batch))["code"] == "too_many_events"
    assert (await asks(socket, "append", **batch | {"events": [delta(0)]}))["op"] == "ack"
    await socket.write_message(" " * (2**20 + 6))
    code, reason = await closing(socket)
    assert (code, reason) == (1009, "a frame may have 1048581 bytes; send smaller batches")


async def test_heartbeat_times_are_traits(make_site: MakeSite) -> None:
    site = await make_site(heartbeat_s=0.02, silence_limit_s=0.2)
    socket = await site.ws()
    await told(socket, "heartbeat")
    assert (await closing(socket))[0] == 1001


@pytest.mark.parametrize(("data", "code"), [("no JSON", 1007), (b"{}", 1007), (" " * 2**21, 1009)])
async def test_what_is_no_frame_closes_with_its_code(
    site: Site, data: str | bytes, code: int
) -> None:
    socket = await site.ws()
    await socket.write_message(data, binary=isinstance(data, bytes))
    closed, reason = await closing(socket)
    assert closed == code
    assert reason  # ours, by a clean close: Tornado's own limit cuts the socket
    assert reason != "message too big"


async def test_a_frame_of_any_size_does_not_take_the_servers_memory(site: Site) -> None:
    socket = await site.ws()
    # Tornado's own limit: it looks at the announced length, before the frame is there.
    with pytest.raises(WebSocketClosedError):
        await socket.write_message(" " * (17 * 2**20))
    assert (await site.fetch("swarm-stream/info")).code == 200


async def test_a_viewer_that_does_not_read_is_not_written_ahead_of(site: Site) -> None:
    producer, viewer = await site.ws(), await site.ws()
    event = {"type": "delta", "t": 1, "seg": 0, "text": "x" * 50_000}
    claimed = await asks(producer, "claim", producer="p")
    await asks(viewer, "subscribe", **{"from": 0})
    (handler,) = [h for h in handlers(site) if h._socket.connection.pump.streams]  # type: ignore[attr-defined]
    # The transport stops taking bytes, as it does when the peer's window is full.
    stream = handler.ws_connection.stream  # type: ignore[attr-defined]
    stream.write_to_fd, write = lambda _: 0, stream.write_to_fd
    for first in range(0, 400, 10):
        await asks(producer, "append", epoch=claimed["epoch"], offset=first, events=[event] * 10)
        assert len(stream._write_buffer) < 2**20
    assert handler._socket.connection.pump.lag() > 380  # type: ignore[attr-defined]
    stream.write_to_fd = write
    stream._handle_write()
    stream._add_io_state(stream.io_loop.WRITE)
    seen = 0
    while seen < 400:
        frame = await told(viewer, "events")
        assert frame["offset"] == seen
        seen += len(frame["events"])


@pytest.mark.parametrize("bytes_at_once", [1, 7, 70_000])
async def test_what_the_system_takes_in_parts_arrives_whole(site: Site, bytes_at_once: int) -> None:
    producer, viewer = await site.ws(), await site.ws()
    claimed = await asks(producer, "claim", producer="p")
    await asks(viewer, "subscribe", **{"from": 0})
    (handler,) = [h for h in handlers(site) if h._socket.connection.pump.streams]  # type: ignore[attr-defined]
    stream = handler.ws_connection.stream  # type: ignore[attr-defined]
    write = stream.write_to_fd
    stream.write_to_fd = lambda data: write(data[:bytes_at_once])
    # Of 126 and 65536 bytes and more, whose lengths are written in other ways.
    texts = ["x" * size for size in (1, 10, 200, 66_000, 1, 140_000)]
    for offset, text in enumerate(texts):
        event = {"type": "delta", "t": 1, "seg": 0, "text": text}
        await asks(producer, "append", epoch=claimed["epoch"], offset=offset, events=[event])
    stream.write_to_fd = write
    seen: list[str] = []
    while len(seen) < len(texts):
        frame = await told(viewer, "events")
        assert frame["offset"] == len(seen)
        seen += [event["text"] for event in frame["events"]]
    assert seen == texts


async def test_a_socket_whose_serving_fails_is_closed_and_not_left_dead(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(ServerConnection, "frames_to_send", fail)
    assert await closing(await site.ws()) == (1011, "the server failed; its log says why")
    assert "a socket failed" in caplog.text
    hub = site.app.hub
    assert hub is not None
    while hub.sockets:
        await asyncio.sleep(0.01)


async def test_a_peer_that_is_gone_is_forgotten_before_it_has_answered(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await make_site(heartbeat_s=0.05, silence_limit_s=0.2)
    monkeypatch.setattr(StreamSocket, "close", lambda *_: None)  # as one that waits for ever
    kernel = await site.ws()
    hub = site.app.hub
    assert hub is not None
    await kernel.write_message(json.dumps({"op": "claim", "stream": "s", "producer": "p"}))
    while not hub.live_streams:
        await asyncio.sleep(0.01)
    while hub.sockets:
        await asyncio.sleep(0.01)
    assert hub.live_streams == 0


async def test_a_socket_that_is_cut_leaves_nothing_behind(site: Site) -> None:
    socket = await site.ws()
    await claim_and_append(socket, delta(0))
    await asks(socket, "subscribe", **{"from": 0})
    assert site.app.current_activity() == {"streams": 1}
    socket.protocol.stream.close()  # type: ignore[union-attr]
    hub = site.app.hub
    assert hub is not None
    while hub.sockets:
        await asyncio.sleep(0.01)
    assert (hub.live_streams, hub.viewers.count("demo")) == (0, 0)
    assert site.app.current_activity() is None
