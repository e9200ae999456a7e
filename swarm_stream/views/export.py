"""A stream of a server as a file: a page, Markdown, plain text, or its events as JSON lines."""

from __future__ import annotations

import contextlib
import http.client
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from swarm_stream.errors import ServerUnavailableError
from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import decode_event
from swarm_stream.events.plain import shorten
from swarm_stream.runtime.rest import ask, open_path
from swarm_stream.views.document import to_document
from swarm_stream.views.static import to_markdown, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from swarm_stream.runtime.discovery import ServerAddress

__all__ = ["FORMATS", "Exported", "Format", "export"]

Format = Literal["html", "md", "txt", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("html", "md", "txt", "jsonl")

_SILENCE_S: Final = 30.0
"""Seconds that a server may take for the next page of events."""


class Exported(NamedTuple):
    """What was written."""

    events: int
    gone: int
    """Events of its beginning that the server no longer keeps."""
    over: bool
    """Whether the run was over."""


def export(
    address: ServerAddress, stream: str, form: Format, write: Callable[[bytes], object]
) -> Exported:
    """Write what the server has of ``stream`` now, without waiting for more. Waits for the server.

    JSON lines are written as they come; the other forms are made from the whole.

    Raises:
        NoSuchStreamError: If the server does not have the stream.
        ServerUnavailableError: If it cannot be asked, does not let us read, or breaks off.

    """
    path = f"swarm-stream/api/streams/{stream}"
    about = ask(address, path, stream=stream)
    transcript = Transcript()
    count = 0
    for line in _lines(address, f"{path}/events?from={about['head']}", stream):
        count += 1
        if form == "jsonl":
            write(line)
        else:
            transcript.apply(decode_event(line))
    match form:
        case "html":
            title = _headline(transcript.task) or str(about["meta"].get("title", ""))
            write(to_document(transcript, stream=stream, title=title).encode())
        case "md":
            write(to_markdown(transcript).encode())
        case "txt":
            write(to_text(transcript).encode())
        case "jsonl":
            pass  # all is written
    return Exported(count, about["head"], about["closed"])


def _lines(address: ServerAddress, path: str, stream: str) -> Iterator[bytes]:
    """Give the events, and fail if they are not as many as the server has promised."""
    with open_path(address, path, stream=stream, timeout_s=_SILENCE_S) as answer:
        offset = int(path.rpartition("=")[2])
        end = int(answer.headers.get("Swarm-Stream-Next", offset))
        with contextlib.suppress(OSError, http.client.HTTPException):  # told below
            for line in answer:
                if not line.endswith(b"\n"):
                    break
                yield line
                offset += 1
    if offset != end:
        raise ServerUnavailableError(
            f"the Jupyter server broke off at event {offset} of {end} of stream {stream!r}. Its "
            "log says why; try again"
        )


def _headline(task: str) -> str:
    """Give the first line of a task; twin of ``headline`` in ``frontend/src/streams.ts``."""
    return shorten(next((line for line in task.splitlines() if line.strip()), ""))
