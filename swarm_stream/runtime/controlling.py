"""Pressing a run's buttons from elsewhere: over the server, with an answer."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from swarm_stream.errors import NoSuchStreamError, ServerUnavailableError, SessionStateError
from swarm_stream.protocol import frames
from swarm_stream.protocol.backoff import Backoff
from swarm_stream.runtime.dial import dial

if TYPE_CHECKING:
    from swarm_stream.config import StreamingConfig
    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["Action", "press_remote"]

Action = frames.Action

_ANSWER_LIMIT_S: Final = 10.0
_HTTP_NOT_LET_IN: Final = frozenset({401, 403})


async def press_remote(  # noqa: PLR0913
    address: ServerAddress,
    stream: str,
    action: Action,
    *,
    config: StreamingConfig,
    data: dict[str, Any] | None = None,
    timeout_s: float = _ANSWER_LIMIT_S,
) -> None:
    """Press a button of a run on a server, and wait until the run has taken it.

    Done once, over any number of connections. Cancelling leaves open whether it was done.

    Args:
        address: The server, with a credential that may view.
        stream: The run.
        action: ``pause``, ``resume``, ``stop``, ``cancel`` or ``reply``.
        config: Timeouts and backoff of connections.
        data: For ``reply``: ``text``, and ``request`` where it is known.
        timeout_s: Seconds to wait for the answer.

    Raises:
        NoSuchStreamError: If there is no such stream.
        SessionStateError: If the run cannot do it; the message says why.
        ServerUnavailableError: If the server cannot be reached in time, or does not let us.

    """
    frame = frames.Control(
        stream=stream,
        id=uuid4().hex,
        action=action,
        data=msgspec.Raw(msgspec.json.encode(data)),
    )
    backoff = Backoff(first_s=config.backoff_first_s, limit_s=config.backoff_limit_s)
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    answer = await _ask(address, frame, config)
                    break
                except InvalidStatus as error:
                    _check(error.response.status_code)
                except (OSError, InvalidHandshake, ConnectionClosed):
                    # The same id again: whoever has it already does it once.
                    pass
                await asyncio.sleep(backoff.next_delay_s(draw=random.random()))  # noqa: S311
    except TimeoutError:
        raise ServerUnavailableError(
            f"the server did not answer within {timeout_s:g} s whether stream {stream!r} could "
            f"{action}; the view of the run shows what became of it"
        ) from None
    if not answer.ok:
        raise SessionStateError(f"stream {stream!r} cannot {action}: {answer.message}")


async def _ask(
    address: ServerAddress, frame: frames.Control, config: StreamingConfig
) -> frames.Controlled:
    async with dial(address, config) as socket:
        await socket.send(frames.encode(frame), text=True)
        while True:
            try:
                answer = frames.decode_server_frame(await socket.recv())
            except frames.FrameError:
                continue  # a newer server may say more than we know
            if isinstance(answer, frames.Controlled) and answer.id == frame.id:
                return answer
            if isinstance(answer, frames.Error) and answer.code == "no_such_stream":
                raise NoSuchStreamError(frame.stream)
            if isinstance(answer, frames.Error):
                return frames.Controlled(
                    stream=frame.stream, id=frame.id, ok=False, message=answer.message
                )


def _check(status: int) -> None:
    if status in _HTTP_NOT_LET_IN:
        raise ServerUnavailableError(
            "the Jupyter server does not let us in; put its token into SWARM_STREAM_TOKEN"
        )
