"""``Runtime``: what all sessions of a process share: the IO thread, the link, the kernel's hub."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import SessionStateError
from swarm_stream.hub.processes import this_process
from swarm_stream.runtime.discovery import ServerAddress, find_server
from swarm_stream.runtime.io_thread import IOThread
from swarm_stream.runtime.link import ServerLink
from swarm_stream.runtime.local import LocalHub
from swarm_stream.runtime.reader import read_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from swarm_stream.events.model import AnyEvent, Unknown
    from swarm_stream.runtime.local import LocalStream
    from swarm_stream.sources.base import Source

__all__ = ["Runtime", "check_loop", "task_text"]

_log = logging.getLogger("swarm_stream.runtime")
_MAX_TITLE = 200
_KERNEL_FILE = re.compile(r"kernel-([0-9a-fA-F-]{36})\.json")


class Runtime:
    """The process's side of streaming. Any thread.

    Args:
        config: Settings of the link and of the kernel's own history.
        address: The server, or None for none; found where it is left out.

    Attributes:
        process: An id of this process, part of each session's id as a producer.
        address: The server, if there is one.
        io: The IO thread.
        local: The kernel's own hub.
        link: The connection to the server, if there is one.

    """

    def __init__(
        self,
        config: StreamingConfig | None = None,
        *,
        address: ServerAddress | type[Any] | None = Any,
    ) -> None:
        self.config = config or StreamingConfig.load()
        self.process = uuid4().hex[:12]
        self.address: ServerAddress | None = find_server() if address is Any else address  # type: ignore[assignment]  # Any stands for "look for it"
        self.io = IOThread()
        self.local, self.link = self.io.call(self._make(), timeout_s=self.config.connect_timeout_s)

    async def _make(self) -> tuple[LocalHub, ServerLink | None]:
        link = ServerLink(self.address, self.config) if self.address is not None else None
        return LocalHub(history_bytes=self.config.history_bytes), link

    async def read_local(
        self, stream: str | LocalStream, start: int
    ) -> AsyncIterator[AnyEvent | Unknown]:
        """Give the events of a stream that this process produces; see ``read_hub``."""
        async for event in read_hub(self.io, self.local, stream, start):
            yield event

    def describe(self, source: Source, task: str) -> bytes:
        """Give a stream's description for lists and headers, as JSON."""
        meta: dict[str, object] = {
            "title": source.title[:_MAX_TITLE],
            "agents": [name[:_MAX_TITLE] for name in source.agents][:50],
            "source": source.name,
            "process": this_process(),
        }
        if task:
            meta["task"] = task[:_MAX_TITLE]
        kernel = next((found[1] for arg in sys.argv if (found := _KERNEL_FILE.search(arg))), "")
        if kernel:
            meta["kernel"] = kernel
        notebook = os.environ.get("JPY_SESSION_NAME", "")
        if notebook:
            meta["notebook"] = os.path.basename(notebook)[:_MAX_TITLE]  # noqa: PTH119  (a name, no path)
        return msgspec.json.encode(meta)

    def stop(self, *, timeout_s: float) -> None:
        """Close the link and end the IO thread, within ``timeout_s`` seconds for each."""
        if not self.io.alive:
            return
        link = self.link
        if link is not None:
            try:
                self.io.call(link.aclose(), timeout_s=timeout_s)
            except TimeoutError:
                _log.debug("x the connection to the server was not closed in time, and is cut")
        self.io.stop()


def task_text(task: object) -> str:
    """Give what a run is asked to do as one text, for its header."""
    match task:
        case None:
            return ""
        case str():
            return task
        case list() | tuple():
            return "\n".join(task_text(part) for part in task)
        case _:
            content = getattr(task, "content", task)
            return content if isinstance(content, str) else task_text_of_parts(content)


def task_text_of_parts(content: object) -> str:
    """Give the text among the parts of a multimodal message."""
    if isinstance(content, list | tuple):
        return "\n".join(part if isinstance(part, str) else "[image]" for part in content)
    return str(content)


def check_loop() -> asyncio.AbstractEventLoop:
    """Give the running loop.

    Raises:
        SessionStateError: If there is none.

    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise SessionStateError(
            "a run needs a running event loop. In a notebook call ss.stream in a cell; in a script "
            "call it inside an async function and start that with asyncio.run(main())"
        ) from None
