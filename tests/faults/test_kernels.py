"""Kernels that die, are restarted, shut down or put to sleep, seen by a viewer of their runs."""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.jupyter import JupyterServer, jupyter_server
from tests.servers.kernel import Kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUICK = ("--SwarmStreamApp.heartbeat_s=0.5", "--SwarmStreamApp.silence_limit_s=1.5")
RUN = """
import asyncio
import swarm_stream as ss

async def numbers():
    for number in range({count}):
        yield f"{{number}} "
        await asyncio.sleep(0.02)

run = ss.stream(numbers(), name="counting", display=False)
while run.metrics.acked < 10:
    await asyncio.sleep(0.01)
print("begun")
"""
LIMIT_S = 30.0
"""For a loaded machine; what is promised is 5 s."""


@contextmanager
def kernel_that_runs(home: Path, *settings: str, count: int = 10_000) -> Iterator[tuple[Any, Any]]:
    with jupyter_server(home, *settings) as server:
        kernel = Kernel(server)
        assert kernel.run(RUN.format(count=count)) == "begun\n"
        yield server, kernel


def described(server: JupyterServer) -> dict[str, Any]:
    return dict(server.get("swarm-stream/api/streams/counting"))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def events(server: JupyterServer) -> list[dict[str, Any]]:
    lines = server.read("swarm-stream/api/streams/counting/events").splitlines()
    return [json.loads(line) for line in lines]


def interrupted(server: JupyterServer, acknowledged: int) -> str:
    """Wait for the end, check that all is there that was; gives the reason."""
    wait_until(lambda: described(server)["closed"])
    seen = events(server)
    assert len(seen) > acknowledged
    texts = [event["text"] for event in seen if event["type"] == "delta"]
    assert texts == [f"{number} " for number in range(len(texts))]
    *_, close, end = seen
    assert (close["type"], close["partial"]) == ("close", True)
    assert (end["type"], end["outcome"]) == ("end", "interrupted")
    return str(end["reason"])


@pytest.mark.timeout(120)
def test_a_kernel_that_is_killed(tmp_path: Path) -> None:
    with kernel_that_runs(tmp_path) as (server, kernel):
        acknowledged = described(server)["tail"]
        kernel.process.kill()
        assert interrupted(server, acknowledged) == "the kernel died"


@pytest.mark.timeout(120)
def test_a_kernel_that_is_restarted_and_its_next_run(tmp_path: Path) -> None:
    with kernel_that_runs(tmp_path) as (server, kernel):
        acknowledged = described(server)["tail"]
        kernel.restart()
        assert interrupted(server, acknowledged) == "the kernel was restarted"
        again = RUN.replace('"counting"', '"again"').format(count=20)
        assert kernel.run(again + "await run\nawait run.flush()") == "begun\n"
        (next_run,) = (
            stream
            for stream in server.get("swarm-stream/api/streams")["streams"]
            if stream["stream"] == "again"
        )
        assert next_run["closed"]


@pytest.mark.timeout(120)
def test_a_kernel_that_is_shut_down(tmp_path: Path) -> None:
    with kernel_that_runs(tmp_path) as (server, kernel):
        acknowledged = described(server)["tail"]
        kernel.shut_down()
        assert interrupted(server, acknowledged) == "the kernel was shut down"


@pytest.mark.timeout(120)
def test_a_kernel_that_sleeps_goes_on(tmp_path: Path) -> None:
    with kernel_that_runs(tmp_path, *QUICK, count=300) as (server, kernel):
        process = kernel.process
        process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: described(server)["producer"] == "stalled")
            tail = described(server)["tail"]
            # Four looks at what is stalled. Nothing is waited for here: nothing must happen.
            time.sleep(4)
            now = described(server)
            assert (now["producer"], now["tail"], now["closed"]) == ("stalled", tail, False)
        finally:
            process.send_signal(signal.SIGCONT)
        wait_until(lambda: described(server)["closed"])
        seen = events(server)
        assert seen[-1]["outcome"] == "completed"
        texts = [event["text"] for event in seen if event["type"] == "delta"]
        assert texts == [f"{number} " for number in range(300)]


@pytest.mark.timeout(120)
def test_a_server_that_is_killed_and_its_kernel_with_it(tmp_path: Path) -> None:
    with kernel_that_runs(tmp_path) as (server, kernel):
        acknowledged, process = described(server)["tail"], kernel.process
        server.kill()
        process.kill()
        process.wait(10)
        server.start()
        assert interrupted(server, acknowledged) == "the kernel has ended"
