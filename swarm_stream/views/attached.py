"""A view on a stream that somebody else produces, or that is over."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from swarm_stream.errors import (
    OffsetOutOfRangeError,
    ServerUnavailableError,
    SessionStateError,
)
from swarm_stream.protocol import frames
from swarm_stream.runtime.controlling import press_remote
from swarm_stream.runtime.discovery import to_read
from swarm_stream.runtime.viewing import Counter, StreamReader
from swarm_stream.views.widget import StreamView

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from swarm_stream.events.model import AnyEvent, Unknown
    from swarm_stream.runtime.controlling import Action
    from swarm_stream.runtime.environment import Runtime

__all__ = ["AttachedStream"]


class AttachedStream:
    """What ``ss.attach`` gives: a view, the events, and the run's buttons.

    Attributes:
        id: The stream's name.
        view: A widget that shows it, for composing.

    """

    def __init__(self, stream: str, runtime: Runtime) -> None:
        self.id = stream
        self._runtime = runtime
        self._reader: StreamReader | _KernelReader | None = None
        self.view = StreamView(runtime, stream=stream, server="", title=stream)

    def __repr__(self) -> str:
        """Show the stream, alike in every run."""
        return f"<AttachedStream {self.id}>"

    @property
    def counter(self) -> Counter:
        """What the last ``events`` received, missed, and got doubled; and its reconnects."""
        return self._reader.counter if self._reader is not None else Counter(0, 0, 0, 0)

    async def events(
        self, start: int = 0, *, wait: bool = False
    ) -> AsyncIterator[AnyEvent | Unknown]:
        """Give events from offset ``start`` on: what was said, then what is being said.

        With ``wait`` the stream need not exist yet. Ends after its last event. Broken connections
        are made anew, and nothing is missing or doubled for it: see ``counter``. Cancelling is
        safe.

        Raises:
            OffsetOutOfRangeError: If the log no longer holds the next event; read on from the
                error's ``head``.
            NoSuchStreamError: If there is no such stream.
            ServerUnavailableError: If no server lets this process read.

        """
        runtime = self._runtime
        address = to_read(runtime.address)
        if address is None and runtime.address is not None:
            raise ServerUnavailableError(
                "this kernel may write to its server but not read from it; put the server's token "
                "into SWARM_STREAM_TOKEN"
            )
        if address is None:
            self._reader = _KernelReader(runtime, self.id, start)
        else:
            self._reader = StreamReader(address, self.id, runtime.config, start=start, wait=wait)
        async with aclosing(aiter(self._reader)) as events:
            async for event in events:
                yield event

    async def pause(self) -> None:
        """Hold the run's agents before their next chunk; see ``press`` for what may be raised."""
        await self.press("pause")

    async def resume(self) -> None:
        """Let the run's agents go on."""
        await self.press("resume")

    async def stop(self) -> None:
        """End the run after the agent that is speaking."""
        await self.press("stop")

    async def cancel(self) -> None:
        """End the run now. What was said stays."""
        await self.press("cancel")

    async def reply(self, text: str, *, request: str | None = None) -> None:
        """Answer a question of the run, the oldest if ``request`` is None.

        Raises:
            TypeError: If the answer is no text.

        """
        if not isinstance(text, str):
            raise TypeError(f"an answer is a text; got {text!r}")
        await self.press("reply", {"text": text, "request": request})

    async def press(self, action: Action, data: dict[str, str | None] | None = None) -> None:
        """Press a button of the run, wherever it goes on, and wait until it has taken it.

        Raises:
            SessionStateError: If the run cannot do it; the message says why.
            ServerUnavailableError: If no server lets this process control runs, or none answers.

        """
        runtime = self._runtime
        address = to_read(runtime.address)
        if address is not None:
            await press_remote(address, self.id, action, config=runtime.config, data=data)
            return
        if runtime.address is not None:
            raise ServerUnavailableError(
                "this kernel may write to its server but not control runs on it; put the server's "
                "token into SWARM_STREAM_TOKEN"
            )
        frame = frames.Control(
            stream=self.id,
            id=uuid4().hex,
            action=action,
            data=msgspec.Raw(msgspec.json.encode(data)),
        )
        answer = await asyncio.wrap_future(runtime.io.submit(runtime.local.press(frame)))
        if not answer.ok:
            raise SessionStateError(f"stream {self.id!r} cannot {action}: {answer.message}")

    def show(self) -> None:
        """Show the view in the running cell."""
        from IPython.display import display  # noqa: PLC0415  (only a notebook has it)

        display(self.view)  # type: ignore[no-untyped-call]


class _KernelReader:
    """Read a stream that this kernel serves itself, and count as a ``StreamReader`` does."""

    def __init__(self, runtime: Runtime, stream: str, start: int) -> None:
        self._runtime = runtime
        self._stream = stream
        self._start = start
        self.counter = Counter(0, 0, 0, 0)

    async def __aiter__(self) -> AsyncGenerator[AnyEvent | Unknown]:
        received = 0
        try:
            async for event in self._runtime.read_local(self._stream, self._start):
                received += 1
                self.counter = Counter(received, 0, 0, 0)
                yield event
        except OffsetOutOfRangeError as error:
            missing = max(0, error.head - self._start - received)
            self.counter = Counter(received, missing, 0, 0)
            raise
