"""Servers and load generators, each in a process of its own, and one measured run through them."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from tests.bench.machine import ROOT, peers_python
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.jupyter import JupyterServer

__all__ = ["Case", "Place", "Server", "Worker"]

PROGRAMS = {
    "relay": "tornado_relay",
    "batched": "tornado_relay",
    "socketio": "socketio_relay",
    "ag2": "ag2_websockets",
}
PATIENCE_S = 120.0
"""Seconds that a process may take to answer, beyond those that its job takes."""


class Worker:
    """A process that is asked and answers in lines of JSON."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def say(self, what: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def hear(self, within_s: float = PATIENCE_S) -> Any:
        line = self._lines.get(timeout=within_s)
        if not line:
            raise RuntimeError(f"{self.process.args} has ended")
        return json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._reading.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass(frozen=True, slots=True)
class Server:
    """Where a kind is served, and by which process."""

    base: str
    pid: int
    headers: dict[str, str] = field(default_factory=dict)
    secret: str = ""

    @classmethod
    def of(cls, server: JupyterServer) -> Server:
        """Give that of a Jupyter server."""
        assert server.process is not None
        base = server.url.replace("http://", "ws://").rstrip("/")
        return cls(base, server.process.pid, server.headers, server.secret)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A load: ``count`` events in each stream, ``rate`` a second in each (0: as fast as can be).

    The first ``skip`` of each viewer are delivered and checked, but not timed.
    """

    streams: int = 1
    viewers: int = 1
    rate: float = 0
    count: int
    skip: int = 0
    config: dict[str, Any] = field(default_factory=dict)


class Place:
    """The servers that were asked for, one producing process and one viewing process.

    Use as a context manager. Servers start when they are first needed.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}
        self._producing: Worker | None = None
        self._viewing: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes. May be called twice."""
        self._stack.close()

    def has(self, kind: str) -> bool:
        """Tell whether a kind can be had here."""
        return kind in {"ours", "relay", "batched"} or peers_python() is not None

    def server(self, kind: str) -> Server:
        """Give the server of a kind."""
        kind = "relay" if kind == "batched" else kind
        if kind not in self._servers:
            start = _ours if kind == "ours" else _peer
            self._servers[kind] = self._stack.enter_context(start(kind))
        return self._servers[kind]

    def run(self, kind: str, case: Case) -> dict[str, Any]:
        """Send a load through a server, and give what was seen of it."""
        server = self.server(kind)
        seconds = case.count / case.rate if case.rate else 30.0
        job = {
            "kind": kind,
            "base": server.base,
            "headers": server.headers,
            "secret": server.secret,
            "producers": case.streams,
            "viewers": case.viewers,
            "rate": case.rate,
            "count": case.count,
            "skip": case.skip,
            "config": case.config,
            "limit_s": seconds + 60,
        }
        made: dict[str, Any] = {}
        names = ["stream"]
        producing = self._worker("producing") if kind != "ag2" else None
        if producing is not None:
            producing.say(job)
            names = producing.hear()["streams"]
        viewing = self._worker("viewing")
        viewing.say({**job, "streams": names})
        viewing.hear()
        cpu_s = _cpu_s(server)
        if producing is not None:
            producing.say("go")
            made = producing.hear(seconds + PATIENCE_S)
        seen = viewing.hear(seconds + PATIENCE_S)
        cpu_s = _cpu_s(server) - cpu_s
        if producing is not None:
            producing.say("end")
            producing.hear()
        began_ns = made.get("began_ns", seen["first_ns"])
        took_s = (seen["last_ns"] - began_ns) / 1e9
        return {
            "kind": kind,
            **made,
            **seen,
            "took_s": took_s,
            "events_per_s": seen["seen"] / took_s if took_s > 0 else 0.0,
            "server_cpu_s": cpu_s,
            "server_us_per_event": cpu_s / max(1, seen["seen"]) * 1e6,
            "server_cpu": cpu_s / took_s if took_s > 0 else 0.0,
            "complete": seen["seen"] == seen["awaited"] and not seen["wrong"],
        }

    def _worker(self, name: str) -> Worker:
        held = self._producing if name == "producing" else self._viewing
        if held is None:
            held = Worker(sys.executable, "-m", f"tests.bench.{name}")
            self._stack.callback(held.close)
            if name == "producing":
                self._producing = held
            else:
                self._viewing = held
        return held


def _cpu_s(server: Server) -> float:
    times = server.process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _ours(_kind: str) -> Iterator[Server]:
    """A real Jupyter server with the extension and its SQLite log, all settings as they come."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as home,
        jupyter_server(Path(home)) as server,
    ):
        yield Server.of(server)


@contextmanager
def _peer(kind: str) -> Iterator[Server]:
    program = str(Path(__file__).parent / "peers" / f"{PROGRAMS[kind]}.py")
    python = sys.executable if kind == "relay" else peers_python()
    assert python is not None
    worker = Worker(python, program)
    try:
        port = worker.hear()
        yield Server(f"ws://127.0.0.1:{port}", worker.process.pid)
    finally:
        worker.close()
