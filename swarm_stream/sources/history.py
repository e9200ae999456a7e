"""A chat history as a source: messages that are there already, streamed as if they came now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from swarm_stream.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from swarm_stream.sources.base import Run

    # Says one message that is no dictionary; gives what is to be spoken: channel and text.
    Teller = Callable[["Run", int, Any], Sequence[tuple[Any, str]]]

__all__ = ["HistorySource"]


class HistorySource:
    """Stream a list of messages, a lane for each speaker, word by word.

    A message is a dictionary as chat APIs have it (``role`` or ``source`` or ``name``, and
    ``content``: a text or a list of parts; ``tool_calls``; ``tool_call_id``), or a message object
    that ``tell`` knows. Gives None.

    Args:
        messages: The history, oldest first.
        title: Its name for headers.
        tell: Says a message that is no dictionary.

    Raises:
        SourceError: If a dictionary is no message.

    """

    name = "history"
    caps = frozenset({"cancel", "stop", "pause", "backpressure", "lanes"})
    leaked: Sequence[str] = ()

    def __init__(
        self, messages: Sequence[Any], *, title: str = "history", tell: Teller | None = None
    ) -> None:
        self.title = title
        self._messages = list(messages)
        self._tell = tell
        self._reader: asyncio.Task[None] | None = None
        self._stopping = False
        for number, message in enumerate(self._messages):
            if tell is None and not is_message(message):
                raise SourceError(
                    f"message {number} of the history has no content and speaker; give "
                    '{"role": "user", "content": "..."} or AutoGen messages'
                )

    @property
    def agents(self) -> list[str]:
        """The speakers, in the order in which they first speak."""
        return list(dict.fromkeys(_speaker(message) for message in self._messages))

    def check(self, task: object) -> None:
        """Accept any task: it is only shown."""
        del task

    async def run(self, run: Run, task: object) -> None:
        """Stream all messages."""
        self.check(task)
        self._reader = asyncio.create_task(self._read(run), name="swarm_stream reads a history")
        try:
            await self._reader
        finally:
            self._reader.cancel()

    def request_cancel(self) -> None:
        """Stop at once."""
        if self._reader is not None:
            self._reader.cancel()

    def request_stop(self) -> None:
        """Stop after the present message."""
        self._stopping = True

    async def _read(self, run: Run) -> None:
        lanes: dict[str, int] = {}
        for message in self._messages:
            await run.gate()
            name = _speaker(message)
            if name not in lanes:
                lanes[name] = run.events.lane(name, kind="user" if name == "user" else "agent")
            lane = lanes[name]
            if isinstance(message, Mapping):
                for text in _say(run, lane, message):
                    await run.speak(lane, text)
            elif self._tell is not None:
                for channel, text in self._tell(run, lane, message):
                    await run.speak(lane, text, channel=channel)
            if self._stopping or run.stopping:
                break


def is_message(given: object) -> bool:
    """Tell whether a dictionary is a message of a chat, as opposed to an event of ours."""
    return (
        isinstance(given, Mapping)
        and ("role" in given or "source" in given)
        and ("content" in given or "tool_calls" in given)
    )


def _speaker(message: Any) -> str:  # noqa: ANN401
    if isinstance(message, Mapping):
        return str(message.get("name") or message.get("source") or message.get("role"))
    return str(getattr(message, "source", type(message).__name__))


def _say(run: Run, lane: int, message: Mapping[str, Any]) -> list[str]:
    """Write what is no plain text, and give the texts to speak."""
    content = message.get("content")
    spoken: list[str] = []
    if "tool_call_id" in message:
        run.events.tool_result(str(message["tool_call_id"]), _text(content))
    elif isinstance(content, str):
        spoken = [content] if content else []
    elif isinstance(content, list):
        run.events.message(lane, [_part(part) for part in content], kind="multimodal")
    elif content is not None:
        run.events.message(lane, content, kind="structured")
    for call in message.get("tool_calls") or ():
        function = call.get("function", call)
        arguments = function.get("arguments", "")
        run.events.tool_call(
            lane, str(function.get("name", "")), _text(arguments), call=str(call.get("id", ""))
        )
    return spoken


def _text(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, default=repr)


def _part(part: Any) -> dict[str, str]:  # noqa: ANN401
    match part:
        case {"text": str() as text}:
            return {"text": text}
        case {"image_url": {"url": str() as url}} | {"image": str() as url}:
            return {"image": url}
        case _:
            return {"text": _text(part)}
