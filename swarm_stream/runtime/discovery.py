"""Where the Jupyter server is that this kernel should stream through.

In this order: what the caller says; the environment, which the extension sets for the kernels
that it starts; the server's runtime file, found by the kernel's parent process. None means that
there is no server: the views are then served by the kernel itself.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from swarm_stream.errors import ConfigurationError, ServerUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENV_SECRET",
    "ENV_TOKEN",
    "ENV_URL",
    "ServerAddress",
    "find_server",
    "running_servers",
    "server_to_read",
    "to_read",
]

# What follows the base URL in a browser's address.
_PAGES: Final = re.compile(r"/(lab|tree|notebooks|edit|doc|voila)(/.*)?$")

ENV_URL: Final = "SWARM_STREAM_URL"
ENV_SECRET: Final = "SWARM_STREAM_SECRET"  # noqa: S105  (the variable's name)
ENV_TOKEN: Final = "SWARM_STREAM_TOKEN"  # noqa: S105  (the variable's name)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A Jupyter server and how to be let in.

    Attributes:
        url: The server's base URL, with a slash at its end.
        authorization: Value of the ``Authorization`` header, or empty. Never shown.
        found_by: ``setting``, ``environment`` or ``runtime file``.
        may_view: Whether the credential lets us read as well; the producer secret does not.

    """

    url: str
    authorization: str = field(default="", repr=False)
    found_by: str = "setting"
    may_view: bool = True

    @property
    def ws_url(self) -> str:
        """URL of the WebSocket."""
        parts = urlsplit(self.url)
        scheme = {"http": "ws", "https": "wss"}[parts.scheme]
        return urlunsplit((scheme, parts.netloc, parts.path + "swarm-stream/ws", "", ""))

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine, so that no proxy must be asked."""
        host = urlsplit(self.url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")


def find_server(
    url: str | None = None, token: str | None = None, *, environ: Mapping[str, str] | None = None
) -> ServerAddress | None:
    """Find the server, or tell that there is none.

    Args:
        url: The server's base URL, for a remote one; ``""`` asks for no server.
        token: Its token.
        environ: Where variables are looked up; the process's own when None.

    Raises:
        ConfigurationError: If a URL is not one of http or https.

    """
    environ = os.environ if environ is None else environ
    if url == "":
        return None
    if url is not None:
        return ServerAddress(_check(url), f"token {token}" if token else "", "setting")
    url = environ.get(ENV_URL)
    if url:
        secret = environ.get(ENV_SECRET)
        token = environ.get(ENV_TOKEN)
        if token:
            return ServerAddress(_check(url), f"token {token}", "environment")
        if secret:
            return ServerAddress(
                _check(url), f"swarm-stream {secret}", "environment", may_view=False
            )
        return ServerAddress(_check(url), "", "environment")
    return from_runtime_file(environ)


def from_runtime_file(environ: Mapping[str, str] | None = None) -> ServerAddress | None:
    """Find the server that started this kernel by the file that it keeps while it runs."""
    environ = os.environ if environ is None else environ
    pid = environ.get("JPY_PARENT_PID", "")
    # On Windows the variable holds a handle, not a process id.
    if not pid.isdecimal() or os.name == "nt":
        return None
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415  (only where it is needed)

    return _from_file(Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json")


def _from_file(path: Path) -> ServerAddress | None:
    try:
        server = json.loads(path.read_text())
        url, token = server["url"], server.get("token", "")
    except (OSError, ValueError, KeyError):
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    return ServerAddress(_check(url), f"token {token}" if token else "", "runtime file")


def running_servers() -> list[ServerAddress]:
    """Give the user's Jupyter servers of this machine, by the files that they keep while they run.

    For programs that no server has started.
    """
    import psutil  # noqa: PLC0415  (only where it is needed)
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415

    found = []
    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        pid = path.stem.removeprefix("jpserver-")
        address = _from_file(path) if pid.isdecimal() and psutil.pid_exists(int(pid)) else None
        if address is not None:
            found.append(address)
    return found


def server_to_read(url: str | None = None) -> ServerAddress:
    """Find the server for a program that reads, with a credential that may.

    Args:
        url: Its base URL; looked for where it is left out.

    Raises:
        ServerUnavailableError: If there is none, or more than one.
        ConfigurationError: If a URL is not one of http or https.

    """
    found = running_servers()
    token = os.environ.get(ENV_TOKEN)
    address = to_read(find_server(url)) if url is None else find_server(url, token)
    if address is not None and url is not None and token is None:
        # One of ours: its runtime file has the token.
        return next((server for server in found if server.url == address.url), address)
    if address is not None:
        return address
    if len(found) == 1:
        return found[0]
    if found:
        urls = "\n".join(f"  --url {server.url}" for server in found)
        raise ServerUnavailableError(f"more than one Jupyter server runs here; choose:\n{urls}")
    raise ServerUnavailableError(
        "no Jupyter server of yours runs here; give its address with --url, and its token in "
        "SWARM_STREAM_TOKEN"
    )


def to_read(address: ServerAddress | None) -> ServerAddress | None:
    """Give a server's address with a credential that may read, or None if there is none here.

    A kernel's own credential is for writing only; the server's runtime file has its token.
    """
    return address if address is None or address.may_view else from_runtime_file()


def _check(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        # Not shown where it may hold a credential.
        got = repr(url) if "@" not in url and "?" not in url else "something else"
        raise ConfigurationError(
            f"a server's URL starts with http:// or https://; got {got}. Copy it from the "
            "browser's address, up to and without /lab"
        )
    # A token in a URL would reach logs; it belongs in its own setting.
    if "token=" in parts.query:
        raise ConfigurationError(
            "leave ?token=... out of the URL and put the token into SWARM_STREAM_TOKEN"
        )
    parts = parts._replace(path=_PAGES.sub("", parts.path))
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
