"""A real server in a process of its own: enabled by its file, killed, and back with everything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from jupyter_extension import SwarmStreamApp, _jupyter_server_extension_points
from tests.servers.jupyter import ROOT, jupyter_server

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from tests.servers.jupyter import JupyterServer

ENABLING = ROOT / "jupyter_extension/etc/jupyter/jupyter_server_config.d/swarm_stream.json"


def kernel(server: JupyterServer, secret: str) -> ClientConnection:
    """Connect as a kernel does."""
    return connect(
        server.ws_url,
        subprotocols=["swarm-stream.v1"],  # type: ignore[list-item]  # a NewType of str
        additional_headers={"Authorization": f"swarm-stream {secret}"},
        proxy=None,
    )


def ask(socket: ClientConnection, **frame: Any) -> dict[str, Any]:
    socket.send(json.dumps(frame))
    return dict(json.loads(socket.recv(timeout=10)))


def test_the_enabling_file_names_what_the_package_offers() -> None:
    enabled = json.loads(ENABLING.read_text())["ServerApp"]["jpserver_extensions"]
    assert enabled == {"jupyter_extension": True}
    assert _jupyter_server_extension_points() == [
        {"module": "jupyter_extension", "app": SwarmStreamApp}
    ]


@pytest.mark.timeout(60)
def test_jupyter_lists_it_as_enabled(tmp_path: Path) -> None:
    with_file = {"JUPYTER_CONFIG_PATH": str(ENABLING.parents[1]), "PYTHONPATH": str(ROOT)}
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"],
        env={"PATH": "", "HOME": str(tmp_path), **with_file},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    lines = listed.stdout + listed.stderr
    assert "jupyter_extension enabled" in lines.replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "OK" in lines


def told(server: JupyterServer) -> dict[str, object]:
    """Give what a server says of itself, but for the room on its disk, which others use too."""
    info: dict[str, object] = server.get("swarm-stream/info")
    return {name: info[name] for name in info if name != "free_bytes"}


@pytest.mark.timeout(120)
def test_a_kernel_that_outlives_its_server_goes_on_with_the_next(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as server:
        secret, info = server.secret, told(server)
        claim = {"op": "claim", "stream": "demo", "producer": "p"}
        append = {"op": "append", "stream": "demo", "epoch": 1}
        event = {"type": "delta", "t": 1, "seg": 0, "text": "a"}
        with kernel(server, secret) as socket:
            assert ask(socket, **claim)["epoch"] == 1
            assert ask(socket, **append, offset=0, events=[event])["next"] == 1
            server.kill()
        server.start()
        assert server.secret == secret
        assert told(server) == info
        with kernel(server, secret) as socket:
            claimed = ask(socket, **claim, epoch=1)
            assert (claimed["epoch"], claimed["next"]) == (1, 1)
            assert claimed["server"] == info["server"]
            assert ask(socket, **append, offset=1, events=[event])["next"] == 2
        (listed,) = server.get("swarm-stream/api/streams")["streams"]
        assert (listed["stream"], listed["tail"]) == ("demo", 2)


@pytest.mark.timeout(120)
def test_a_server_told_to_end_says_goodbye_and_ends_soon(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as server:
        assert server.process is not None
        with kernel(server, server.secret) as socket:
            assert ask(socket, op="claim", stream="demo", producer="p")["op"] == "claimed"
            server.process.terminate()
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=10)
            assert socket.close_code == 1012
        assert server.process.wait(15) == 0
        assert "did not end in time" not in server.log
        assert server.secret not in server.log


@pytest.mark.timeout(120)
def test_two_servers_of_one_user_do_not_mix(tmp_path: Path) -> None:
    with jupyter_server(tmp_path) as first, jupyter_server(tmp_path) as second:
        ids = [server.get("swarm-stream/info")["server"] for server in (first, second)]
        assert ids[0] != ids[1]
        assert len(list((tmp_path / "data" / "swarm_stream").glob("*.db"))) == 2
