"""Runs in other processes and threads: a blocked cell stops neither tokens nor heartbeats."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect

from swarm_stream.events.model import Delta, decode_events
from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Phase, Shown, SubscriberConnection
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """\
import asyncio, threading, time
import swarm_stream as ss

async def words():
    for number in range(60):
        yield f"{number} "
        await asyncio.sleep(0.05)

async def main():
    session = ss.stream(words(), name="other", display=False)
    await session
    return session.metrics.reconnects

done = []
thread = threading.Thread(target=lambda: done.append(asyncio.run(main())))
thread.start()
time.sleep(5)  # the main thread is blocked, as by a cell that computes
thread.join()
assert done == [0], done
"""


@pytest.mark.timeout(90)
@pytest.mark.asyncio
async def test_tokens_of_a_thread_arrive_while_the_main_thread_sleeps(tmp_path: Path) -> None:
    with jupyter_server(tmp_path, "--SwarmStreamApp.heartbeat_s=1") as server:
        environment = server.environment | {
            "SWARM_STREAM_URL": server.url,
            "SWARM_STREAM_SECRET": server.secret,
        }
        viewer = SubscriberConnection("other", wait=True)
        times: list[float] = []
        text = ""
        async with connect(
            server.ws_url,
            subprotocols=[frames.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
            additional_headers=server.headers,
            proxy=None,
        ) as socket:
            viewer.connected()
            process = subprocess.Popen(  # noqa: ASYNC220  (returns at once)
                [sys.executable, "-c", SCRIPT], env=environment
            )
            try:
                while viewer.phase is not Phase.CLOSED:
                    for frame in viewer.frames_to_send():
                        await socket.send(frames.encode(frame), text=True)
                    got = frames.decode_server_frame(await socket.recv())
                    if isinstance(got, frames.Heartbeat):
                        await socket.send(frames.encode(got), text=True)
                    viewer.receive(got)
                    for shown in viewer.take():
                        assert isinstance(shown, Shown)
                        for event in decode_events(b"[" + b",".join(shown.events) + b"]"):
                            if isinstance(event, Delta):
                                times.append(event.t)
                                text += event.text
                assert process.wait(30) == 0
            finally:
                process.kill()
                process.wait(10)
    assert text == "".join(f"{number} " for number in range(60))
    assert viewer.doubled == viewer.missing == viewer.holes == 0


SHORT = """\
import asyncio
import swarm_stream as ss

async def words():
    yield "a"
    yield "b"

async def main():
    assert await ss.stream(words(), name="short") == "ab"

asyncio.run(main())
"""


@pytest.mark.timeout(90)
def test_a_script_that_is_over_before_its_server_answers_hands_everything_in(
    tmp_path: Path,
) -> None:
    with jupyter_server(tmp_path) as server:
        environment = server.environment | {
            "SWARM_STREAM_URL": server.url,
            "SWARM_STREAM_SECRET": server.secret,
        }
        subprocess.run([sys.executable, "-c", SHORT], env=environment, check=True, timeout=30)
        stream = server.get("swarm-stream/api/streams/short")
        assert (stream["tail"], stream["closed"]) == (7, True)
