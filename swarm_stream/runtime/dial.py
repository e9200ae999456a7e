"""How this process connects to a server, to write as well as to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from websockets.asyncio.client import connect

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from swarm_stream.config import StreamingConfig
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["dial"]


def dial(address: ServerAddress, config: StreamingConfig) -> connect:
    """Give a connection to be entered with ``async with``; raises what ``websockets`` does."""
    authorization = address.authorization
    return connect(
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
