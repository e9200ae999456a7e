"""The Jupyter server's side of swarm_stream: a log, a WebSocket, a small REST interface.

Enabled by installing the package. It imports the hub, the logs and the protocol, and never the
kernel's side.
"""

from __future__ import annotations

from jupyter_extension.app import SwarmStreamApp

__all__ = ["SwarmStreamApp"]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell Jupyter what to load."""
    return [{"module": "jupyter_extension", "app": SwarmStreamApp}]
