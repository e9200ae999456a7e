"""Fifty streams at once from one kernel, three viewers each: nothing lost, doubled, reordered."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import ClientConnection, connect

from swarm_stream.config import StreamingConfig
from swarm_stream.events.model import Delta, decode_events
from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Missing, Phase, SubscriberConnection
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.jupyter import JupyterServer

STREAMS = 50
VIEWERS = 3
RATE_PER_S = 20
SECONDS = float(os.environ.get("SWARM_STREAM_LOAD_S", "6"))
"""Shorter than the 30 s of a release check, so that the suite stays quick."""


async def tokens(number: int) -> AsyncIterator[str]:
    for count in range(int(RATE_PER_S * SECONDS)):
        yield f"{number}.{count} "
        await asyncio.sleep(1 / RATE_PER_S)


def said(number: int) -> str:
    return "".join(f"{number}.{count} " for count in range(int(RATE_PER_S * SECONDS)))


async def beat(socket: ClientConnection) -> None:
    """Show the server that somebody is there, as PROTOCOL.md asks."""
    while True:
        await asyncio.sleep(10)
        await socket.send(frames.encode(frames.Heartbeat(t=0)), text=True)


async def watch(server: JupyterServer, streams: list[str]) -> dict[str, str]:
    """Read all streams over one socket, as a page does; gives each one's text."""
    viewers = {stream: SubscriberConnection(stream, wait=True) for stream in streams}
    texts = dict.fromkeys(streams, "")
    async with connect(
        server.ws_url,
        subprotocols=[frames.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
        additional_headers=server.headers,
        proxy=None,
        max_size=None,
    ) as socket:
        for viewer in viewers.values():
            viewer.connected()
            for frame in viewer.frames_to_send():
                await socket.send(frames.encode(frame), text=True)
        beating = asyncio.ensure_future(beat(socket))
        while any(viewer.phase is not Phase.CLOSED for viewer in viewers.values()):
            got = frames.decode_server_frame(await socket.recv())
            viewer = viewers.get(getattr(got, "stream", ""))
            if viewer is None:
                continue
            viewer.receive(got)
            assert viewer.phase is not Phase.FAILED, viewer.failure
            for shown in viewer.take():
                assert not isinstance(shown, Missing)
                for event in decode_events(b"[" + b",".join(shown.events) + b"]"):
                    if isinstance(event, Delta):
                        texts[viewer.stream] += event.text
        beating.cancel()
    assert all(viewer.doubled == viewer.holes == 0 for viewer in viewers.values())
    return texts


@pytest.mark.timeout(120)
@pytest.mark.asyncio
async def test_fifty_streams_with_three_viewers_each(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as server:
        address = ServerAddress(server.url, f"swarm-stream {server.secret}", may_view=False)
        manager = StreamingManager(StreamingConfig(), runtime=Runtime(address=address))
        sessions = [manager.create(tokens(number)) for number in range(STREAMS)]
        names = [session.id for session in sessions]
        watching = [asyncio.ensure_future(watch(server, names)) for _ in range(VIEWERS)]
        for session in sessions:
            session.start()
        for number, session in enumerate(sessions):
            assert await session == said(number)
        for seen in await asyncio.gather(*watching):
            assert seen == {name: said(number) for number, name in enumerate(names)}
        assert all(session.unacked == 0 for session in sessions)
        manager.shut_down()
