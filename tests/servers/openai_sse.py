"""An OpenAI-compatible chat server on loopback, which does what its script says.

Speaks just enough HTTP/1.1 for one streamed answer for each request. A script is a list of
answers, one for each request; an answer is a list of steps. What text left the server is kept,
request by request, in ``sent``.

    async with OpenAIServer([[Say("Hel"), Say("lo"), Finish(), Count(7, 2), Done()]]) as server:
        client = OpenAIChatCompletionClient(base_url=server.base_url, ...)
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Say:
    """A chunk of text."""

    text: str


@dataclass(frozen=True)
class Think:
    """A chunk of reasoning, in the field ``reasoning_content``."""

    text: str


@dataclass(frozen=True)
class CallTool:
    """A call of a tool, its arguments in pieces as OpenAI sends them."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str = "call_1"
    index: int = 0


@dataclass(frozen=True)
class Finish:
    """The chunk that says why the answer ends."""

    reason: str = "stop"


@dataclass(frozen=True)
class Count:
    """The chunk with the usage."""

    prompt: int
    completion: int


@dataclass(frozen=True)
class Done:
    """``data: [DONE]``."""


@dataclass(frozen=True)
class Stall:
    """Say nothing more until the server stops."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST)."""


@dataclass(frozen=True)
class HangUp:
    """Close the connection in the middle of the body (FIN)."""


@dataclass(frozen=True)
class Broken:
    """A line that is no JSON."""


@dataclass(frozen=True)
class Fail:
    """An error in the stream, or an HTTP status where it is the only step."""

    message: str = "the model is overloaded"
    status: int | None = None


class OpenAIServer:
    """Serve a script on a free port of 127.0.0.1. A text stands for a whole plain answer."""

    def __init__(self, script: Sequence[Sequence[Any] | str], *, pause_s: float = 0.0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.sent: list[str] = []
        self._script = [plain(answer) if isinstance(answer, str) else answer for answer in script]
        self._pause_s = pause_s
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the test is over
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.requests.append(json.loads(await reader.readexactly(length)))
        index = len(self.requests) - 1
        self.sent.append("")
        if index >= len(self._script):
            return await _refuse(writer, Fail("the script is over", status=400))
        answer = self._script[index]
        if isinstance(answer[0], Fail) and answer[0].status is not None:
            return await _refuse(writer, answer[0])
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for step in answer:
            if not await self._take(step, index, writer):
                return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _take(self, step: Any, index: int, writer: asyncio.StreamWriter) -> bool:
        match step:
            case Stall():
                await asyncio.Event().wait()
            case Reset():
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            case HangUp():
                return False
        for data in _data(step):
            body = f"data: {data}\n\n".encode()
            writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        if isinstance(step, Say):
            self.sent[index] += step.text
        await writer.drain()
        await asyncio.sleep(self._pause_s)
        return True


def plain(text: str, *, cut: Callable[[str], list[str]] = str.split) -> list[Any]:
    """The steps of a whole plain answer; blanks stay with the word before them."""
    words = cut(text)
    return [
        *(Say(w + " " if n < len(words) - 1 else w) for n, w in enumerate(words)),
        Finish(),
        Done(),
    ]


async def _refuse(writer: asyncio.StreamWriter, fail: Fail) -> bool:
    body = json.dumps({"error": {"message": fail.message, "type": "server_error"}}).encode()
    writer.write(
        f"HTTP/1.1 {fail.status} No\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    return True


def _data(step: Any) -> list[str]:
    match step:
        case Done():
            return ["[DONE]"]
        case Broken():
            return ["{bad"]
        case Fail(message=message):
            return [json.dumps({"error": {"message": message, "type": "server_error"}})]
        case Count(prompt=prompt, completion=completion):
            counts = {"prompt_tokens": prompt, "completion_tokens": completion}
            return [_chunk([], usage={**counts, "total_tokens": prompt + completion})]
        case Say(text=text):
            return [_choice({"content": text})]
        case Think(text=text):
            return [_choice({"reasoning_content": text})]
        case Finish(reason=reason):
            return [_choice({}, finish=reason)]
        case CallTool():
            text = json.dumps(step.arguments)
            half = len(text) // 2
            first = {"id": step.id, "type": "function", "function": {"name": step.name}}
            pieces = [{"function": {"arguments": part}} for part in (text[:half], text[half:])]
            return [
                _choice({"tool_calls": [{"index": step.index, **piece}]})
                for piece in ({**first, "function": {"name": step.name, "arguments": ""}}, *pieces)
            ]
        case _:
            raise TypeError(f"{step!r} is no step of an answer")


def _choice(delta: dict[str, Any], *, finish: str | None = None) -> str:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish}])


def _chunk(choices: list[Any], **more: Any) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "test",
            "choices": choices,
            **more,
        }
    )
