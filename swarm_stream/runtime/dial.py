"""How this process connects to a server, to write as well as to read, and why it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from swarm_stream.config import StreamingConfig
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["EXPECTED", "Barred", "barred", "dial"]

EXPECTED: Final = (OSError, InvalidHandshake, TimeoutError, ConnectionClosed)
"""How an attempt to connect, or a connection, ends when a server goes or is not there yet."""

_REDIRECTS: Final = range(300, 400)


class _Connect(connect):
    """Goes nowhere else: the credential would go along, and most often it is to a login page."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def dial(address: ServerAddress, config: StreamingConfig) -> connect:
    """Give a connection to be entered with ``async with``; raises what ``websockets`` does."""
    authorization = address.authorization
    return _Connect(
        address.ws_url,
        subprotocols=[frames.SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
        additional_headers={"Authorization": authorization} if authorization else {},
        open_timeout=config.connect_timeout_s,
        close_timeout=1.0,
        ping_interval=None,  # our own heartbeats see a peer whose loop is stuck, too
        max_size=None,
        compression=None,
        # A proxy from the environment is for the world outside, not for this machine.
        proxy=None if address.loopback else True,
    )


class Barred(NamedTuple):
    """Why another attempt to connect would end as this one did."""

    by_credential: bool
    """Whether a server is there that does not let us in."""
    why: str
    """What is wrong and what to do, without a full stop; quotes no header and no address."""


def barred(error: Exception, address: ServerAddress) -> Barred | None:
    """Tell what stands in the way of connecting; None where the next attempt may succeed.

    While a server restarts, what is before it may answer in its place: whoever has been let in
    before should try again all the same.
    """
    status = error.response.status_code if isinstance(error, InvalidStatus) else 0
    if status in {401, 403}:
        return Barred(by_credential=True, why=_credential(address))
    if status in {404, 405}:
        why = "no swarm_stream extension in this server; install swarm-stream there and restart it"
    elif status in _REDIRECTS:
        why = (
            "the Jupyter server is at another address now, or wants a login; set "
            "SWARM_STREAM_URL to the address that the browser shows, and SWARM_STREAM_TOKEN"
        )
    elif isinstance(error, EXPECTED):
        return None
    else:
        # An address that is none, a proxy of a kind that is not known. Only the kind is told:
        # the text may quote a proxy's password.
        why = (
            f"the Jupyter server cannot be connected to ({type(error).__name__}); look at "
            "SWARM_STREAM_URL and at the proxies in the environment"
        )
    return Barred(by_credential=False, why=why)


def _credential(address: ServerAddress) -> str:
    if address.may_view:
        return "the Jupyter server does not let us in; put its token into SWARM_STREAM_TOKEN"
    return (
        "the Jupyter server does not accept this kernel's credential; restart the kernel to get a "
        "new one"
    )
