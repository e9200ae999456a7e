"""What ``swarm-stream doctor`` finds out by asking the server."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import InvalidHandshake, InvalidStatus

from swarm_stream._version import __version__
from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ConfigurationError, ServerUnavailableError
from swarm_stream.protocol.frames import VERSION
from swarm_stream.runtime.checkup import Finding, note, ok, problem
from swarm_stream.runtime.dial import dial
from swarm_stream.runtime.discovery import (
    ENV_TOKEN,
    ENV_URL,
    find_server,
    running_servers,
    server_to_read,
)
from swarm_stream.runtime.rest import ask

if TYPE_CHECKING:
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["check_runs", "check_server"]

_LITTLE_BYTES: Final = 500_000_000
_FOUND_BY: Final = {
    "setting": "given",
    "environment": f"from {ENV_URL}",
    "runtime file": "by its runtime file",
}
_SAME: Final = "install the same version there and here, restart the server, reload its pages"


def check_server(url: str | None) -> list[Finding]:
    """Find the server and ask it what it is, what it has, and whether frames come through."""
    try:
        address = server_to_read(url)
    except ConfigurationError as error:
        return [problem(str(error), f"mend {'--url' if url else ENV_URL}")]
    except ServerUnavailableError as error:
        several = len(running_servers()) > 1
        step = "run this again with one of them" if several else "start one with: jupyter lab"
        return [problem(str(error), step)]
    found = [ok(f"{shown(address)} ({_FOUND_BY[address.found_by]})")]
    try:
        info = ask(address, "swarm-stream/info")
    except ServerUnavailableError as error:
        return [*found, problem(str(error), "then run this again")]
    found.append(ok("it has the extension, and lets us read"))
    if info.get("problem"):
        found.append(problem(str(info["problem"]), "its log says more; mend it and restart it"))
    return [*found, *_versions(info), *_room(info), _socket(address), _pages(address, info)]


def check_runs() -> list[Finding]:
    """Tell where a run would stream to that this process, or one like it, started."""
    try:
        address = find_server()
    except ConfigurationError as error:
        return [problem(str(error), f"mend {ENV_URL}, or unset it")]
    if address is None:
        return [
            note(
                "runs of a script that is started here stay in its own process",
                f"to stream to a server, set {ENV_URL} and {ENV_TOKEN}; kernels need neither",
            )
        ]
    where = f"runs that are started here stream to {shown(address)}"
    refused = _refusal(address)
    if not refused:
        return [ok(f"{where} ({_FOUND_BY[address.found_by]})")]
    if os.environ.get("JPY_PARENT_PID"):
        step = "restart the kernel from the server's page: its server may have been restarted"
    else:
        step = f"check {ENV_URL}, and put the server's token into {ENV_TOKEN}"
    return [problem(f"{where}, but {refused}", step)]


def shown(address: ServerAddress) -> str:
    """Give a server's address without a name and password that may be in it."""
    parts = urlsplit(address.url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _versions(info: dict[str, Any]) -> list[Finding]:
    has, speaks = info.get("version"), info.get("protocol")
    if speaks != VERSION:
        return [problem(f"it speaks version {speaks} of the protocol, and we {VERSION}", _SAME)]
    if has != __version__:
        return [note(f"it has swarm-stream {has}, and this environment {__version__}", _SAME)]
    return [ok(f"it has swarm-stream {has}, too")]


def _room(info: dict[str, Any]) -> list[Finding]:
    free = info.get("free_bytes")
    if not isinstance(free, int):
        return []  # an older one does not tell
    room = f"{free / 1e9:.1f} GB are free on the disk of its log"
    if free > _LITTLE_BYTES:
        return [ok(room)]
    return [problem(f"only {room}", "make room; runs are paused while it is full")]


def _socket(address: ServerAddress) -> Finding:
    refused = _refusal(address)
    if not refused:
        return ok("a WebSocket to it opens")
    step = "a proxy on the way may not pass WebSockets on; ask whoever looks after it"
    return problem(f"no WebSocket to it opens: {refused}", step)


def _refusal(address: ServerAddress) -> str:
    """Say why a WebSocket does not open; empty if it does."""
    try:
        asyncio.run(_open(address))
    except InvalidStatus as error:
        status = error.response.status_code
        return {
            401: "it does not let us in",
            403: "it does not let us in",
            404: "it has no swarm_stream extension",
        }.get(status, f"it answers with status {status}")
    except (OSError, InvalidHandshake):
        return "it does not answer"
    return ""


async def _open(address: ServerAddress) -> None:
    async with dial(address, StreamingConfig()):
        pass


def _pages(address: ServerAddress, info: dict[str, Any]) -> Finding:
    """Tell whether notebooks that this server shows get the view from it."""
    plain = f"{shown(address)}swarm-stream/ shows all streams in any browser"
    try:
        has = ask(address, "lab/extensions/swarm_stream/package.json").get("version")
    except ServerUnavailableError:
        return note(
            "it has no JupyterLab or Notebook with our view",
            f"views there need a kernel that lives; {plain}",
        )
    if has != info.get("version"):
        return problem(f"its JupyterLab and Notebook have the view of version {has}", _SAME)
    return ok(f"its JupyterLab and Notebook have the view; {plain}")
