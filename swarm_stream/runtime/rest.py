"""Asking a server over its REST interface: lists, descriptions, exports. Blocks its thread."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final, cast

from swarm_stream.errors import NoSuchStreamError, ServerUnavailableError

if TYPE_CHECKING:
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["NOT_LET_IN", "ask", "open_path"]

NOT_LET_IN: Final = "the Jupyter server does not let us read; put its token into SWARM_STREAM_TOKEN"
_NO_EXTENSION: Final = (
    "the Jupyter server has no swarm_stream extension; install swarm-stream there and restart it"
)
_AWAY: Final = "the Jupyter server does not answer; is it running?"
_ELSEWHERE: Final = (
    "the Jupyter server is at another address now; give --url or SWARM_STREAM_URL as the browser "
    "shows it"
)
_TIMEOUT_S: Final = 5.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Go nowhere else: the token would go along, and most often it is to a login page."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def open_path(
    address: ServerAddress, path: str, *, stream: str = "", timeout_s: float = _TIMEOUT_S
) -> http.client.HTTPResponse:
    """Begin to read what is at ``path`` below the server's base URL.

    Args:
        address: The server, with a credential that may read.
        path: Without a slash before it.
        stream: Whose description or events are asked for, if it is one's.
        timeout_s: Seconds that the server may be silent.

    Raises:
        NoSuchStreamError: If the server does not have ``stream``.
        ServerUnavailableError: If it cannot be asked, does not let us, or has no extension.

    """
    headers = {"Authorization": address.authorization} if address.authorization else {}
    request = urllib.request.Request(  # noqa: S310  (the scheme was checked: http or https)
        address.url + path, headers=headers
    )
    # A proxy from the environment is for the world outside, not for this machine.
    direct = [urllib.request.ProxyHandler({})] if address.loopback else []
    opener = urllib.request.build_opener(_NoRedirects, *direct)
    try:
        return cast("http.client.HTTPResponse", opener.open(request, timeout=timeout_s))
    except urllib.error.HTTPError as error:
        with error:
            raise _explain(error, stream) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise ServerUnavailableError(_AWAY) from None


def ask(address: ServerAddress, path: str, *, stream: str = "") -> dict[str, Any]:
    """Give the JSON object at ``path``; see ``open_path`` for what may be raised."""
    with open_path(address, path, stream=stream) as answer:
        try:
            body = json.load(answer)
        except (OSError, http.client.HTTPException):
            raise ServerUnavailableError(_AWAY) from None
        except ValueError:
            body = None  # somebody else's page
    if not isinstance(body, dict):
        raise ServerUnavailableError(_NO_EXTENSION)
    return body


def _explain(error: urllib.error.HTTPError, stream: str) -> Exception:
    try:
        body = json.load(error)
    except (OSError, http.client.HTTPException, ValueError):
        body = None
    said = str(body.get("message") or "") if isinstance(body, dict) else ""
    match error.code:
        case 401 | 403:
            return ServerUnavailableError(NOT_LET_IN)
        case 301 | 302 | 303 | 307 | 308:
            login = "login" in error.headers.get("Location", "")
            return ServerUnavailableError(NOT_LET_IN if login else _ELSEWHERE)
        case 404 if stream and "no stream" in said:
            return NoSuchStreamError(stream)
        case 404:
            return ServerUnavailableError(_NO_EXTENSION)
        case _:
            return ServerUnavailableError(
                f"the Jupyter server cannot serve streams now: {said or f'status {error.code}'}"
            )
