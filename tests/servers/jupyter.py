"""A real Jupyter server in a process of its own, for tests from outside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-tests"  # noqa: S105  (of servers that live as long as a test)
START_S = 60.0


def free_port() -> int:
    """Give a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class JupyterServer:
    """A server that runs, or did.

    Attributes:
        home: Its directories: ``root``, ``data``, ``runtime``, ``config``.
        port: Where it listens, also after a restart.

    """

    home: Path
    port: int
    app: str
    settings: tuple[str, ...]
    extension: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/swarm-stream/ws"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {TOKEN}"}

    @property
    def environment(self) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SWARM_STREAM_")}
        return environment | {
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            # The kernel of the virtual environment would go before that of the data folder.
            "JUPYTER_PATH": str(self.home / "first"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")]),
        }

    @property
    def secret(self) -> str:
        (path,) = (self.home / "data" / "swarm_stream").glob("*.id")
        return str(json.loads(path.read_text())["secret"])

    @property
    def log(self) -> str:
        return (self.home / "server.log").read_text()

    def start(self) -> None:
        for name in ("root", "data", "runtime", "config"):
            (self.home / name).mkdir(exist_ok=True)
        self._have_kernels_log_elsewhere()
        command = [
            sys.executable, "-m", "jupyter", self.app, "--no-browser", "--allow-root",
            f"--ServerApp.root_dir={self.home / 'root'}",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.jpserver_extensions=jupyter_extension={self.extension}",
            # What one test needs in a process of its own, others need not wait for.
            "--ServerApp.jpserver_extensions=voila.server_extension=False",
            *self.settings,
        ]  # fmt: skip
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment, cwd=self.home
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended at once:\n{self.log[-3000:]}")
            try:
                if not self.extension or not self.get("swarm-stream/info")["problem"]:
                    self._check_kernels_log_elsewhere()
                    return
            except urllib.error.HTTPError as error:
                raise RuntimeError(f"info gave {error.code}:\n{self.log[-3000:]}") from error
            except OSError:
                pass  # not listening yet
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"the server did not start:\n{self.log[-3000:]}")

    def _have_kernels_log_elsewhere(self) -> None:
        """Keep the server's log to what the server says: kernels complain of their own end."""
        launch = 'exec "$0" -m ipykernel_launcher -f "$1" >>"$2" 2>&1'
        spec = {
            "argv": ["/bin/sh", "-c", launch, sys.executable, "{connection_file}",
                     str(self.home / "kernels.log")],
            "display_name": "Python 3 (ipykernel)", "language": "python",
            "metadata": {"debugger": True},
        }  # fmt: skip
        folder = self.home / "first" / "kernels" / "python3"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kernel.json").write_text(json.dumps(spec))

    def _check_kernels_log_elsewhere(self) -> None:
        """Fail unless that is the kernel that this server will start."""
        spec = self.get("api/kernelspecs")["kernelspecs"]["python3"]["spec"]
        assert str(self.home / "kernels.log") in spec["argv"], spec

    def get(self, path: str, method: str = "GET", body: bytes | None = None) -> Any:
        said = self.read(path, method, body)
        return json.loads(said) if said else None

    def read(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310  (our own loopback address)
            self.url + path, headers=self.headers, method=method, data=body
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return bytes(answer.read())

    def post(self, path: str, body: object) -> Any:
        return self.get(path, "POST", json.dumps(body).encode())

    def stop(self) -> None:
        """Ask it to end, as a person would with Ctrl-C and yes."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@contextmanager
def jupyter_server(
    home: Path, *settings: str, app: str = "server", extension: bool = True
) -> Iterator[JupyterServer]:
    """Run a Jupyter application (``server``, ``lab``, ``notebook``) on a free loopback port."""
    server = JupyterServer(home, free_port(), app, settings, extension=extension)
    try:
        server.start()
        yield server
    finally:
        server.stop()
