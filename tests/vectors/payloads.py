"""The safety corpus: what a stranger's text may try, and the runs that put it everywhere.

``safety/*.json`` holds payloads by kind and name. A payload is a text, or a list of texts and of
``[text, count]`` to be joined, or an object that says what comes instead of a text:
``content`` (of a message), ``events`` (whole), or one of the large things that ``_LARGE`` makes.
``NAME`` in it stands for its own name, so that what it reaches tells which it was; what it may
reach is ``pwned()`` in the page and any host but ``views.test``.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

__all__ = ["Payload", "payloads", "said"]

FOLDER: Final = Path(__file__).parent / "safety"
PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGMQaHD4DwADRAHQMo9CfwAAAABJRU5E"
    "rkJggg=="
)
LONG: Final = 500
_HALF: Final = re.compile("[\ud800-\udfff]")
HTML: Final = "<img src=x onerror=pwned()>"


class Payload(NamedTuple):
    """One attempt: a text for every place, or events of its own."""

    kind: str
    name: str
    text: str
    events: list[Any]

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"

    @property
    def is_readable(self) -> bool:
        """Whether Python reads it all: no half pairs of surrogates, and no endless nesting."""
        return _HALF.search(self.text) is None and "nested too deeply" not in self.name

    def run(self) -> list[Any]:
        """Give a whole run that holds it wherever text of a stranger can be."""
        return [*_everywhere(self.text), *self.events, *_end(self.text)]


@cache
def payloads() -> tuple[Payload, ...]:
    """Give the corpus."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        kind = json.loads(path.read_text())
        for name, given in kind["payloads"].items():
            mark = re.sub(r"\W+", "-", f"{path.stem}-{name}")
            body = json.loads(json.dumps(given).replace("NAME", mark))
            events = [] if not isinstance(body, dict) else _events(body)
            text = "" if isinstance(body, dict) else _joined(body)
            found.append(Payload(path.stem, name, text, events))
    return tuple(found)


def _joined(body: str | list[Any]) -> str:
    pieces = [body] if isinstance(body, str) else body
    return "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in pieces)


def _events(body: dict[str, Any]) -> list[Any]:
    if "content" in body:
        return [_message(body["content"])]
    if "events" in body:
        return list(body["events"])
    (what, size), *_ = body.items()
    return _LARGE[what](size)


def _message(content: Any) -> dict[str, Any]:
    return {"type": "message", "lane": 0, "kind": "structured", "content": content}


def _chain(size: int) -> list[Any]:
    """Lanes that each hold the next one."""
    lanes = range(1000, 1000 + size)
    held = [{"type": "lane", "lane": n, "name": f"lane{n}", "parent": n - 1} for n in lanes]
    return [*held, *said(900, lanes[-1], "x"), *said(901, 0, "x"), *said(902, lanes[-1], "x")]


def _deep(depth: int) -> list[Any]:
    """An event in pieces, which no frame limits, nested more deeply than programs read."""
    body = f'{{"type":"message","lane":0,"content":{"[" * depth}{"]" * depth}}}'
    return [
        {"type": "part", "index": 0, "count": 2, "data": body[:99]},
        {"type": "part", "index": 1, "count": 2, "data": body[99:]},
        *said(910, 0, "still there"),
    ]


def _nest(depth: int) -> list[Any]:
    content: Any = HTML
    for _ in range(depth):
        content = [content]
    return [_message({"deep": content})]


_LARGE: Final = {
    "chain": _chain,
    "deep": _deep,
    "nest": _nest,
    "parts": lambda size: [_message([HTML, {"a": HTML}] * size)],
}


def said(seg: int, lane: int, text: str, channel: str = "text") -> list[Any]:
    """Give the events of a stretch of text."""
    return [
        {"type": "open", "seg": seg, "lane": lane, "channel": channel},
        {"type": "delta", "seg": seg, "text": text},
        {"type": "close", "seg": seg},
    ]


def _everywhere(text: str) -> list[Any]:
    """Give events with a text in all of their fields."""
    parts = [text, {"text": text}, {"image": text, "alt": text}]
    return [
        {"type": "start", "t": 1, "task": text, "source": text, "caps": ["pause", text]},
        {"type": "lane", "lane": 0, "name": text, "kind": text},
        {"type": "lane", "lane": 1, "name": text, "parent": 0},
        {"type": "lane", "lane": 2, "name": text, "parent": 1, "kind": "team"},
        {"type": "lane", "lane": 3, "name": "plain"},
        *said(0, 0, text),
        *said(1, 2, text, "reasoning"),
        {"type": "message", "lane": 1, "kind": "multimodal", "content": parts},
        {"type": "tool_call", "call": text, "lane": 0, "name": text, "arguments": text},
        {"type": "tool_result", "call": text, "content": text},
        {"type": "handoff", "lane": 0, "target": text, "content": text},
        {"type": "select", "lanes": [0, 1, 2]},
        {"type": "input_request", "request": text, "lane": 0, "prompt": text},
        {"type": "input_reply", "request": text, "content": text, "by": text},
        {"type": "control", "id": text, "action": text, "by": text},
        {"type": "usage", "lane": 0, "finish_reason": text},
        {"type": "raw", "native": {"type": text, text: text}, "lane": 0},
        {"type": text, "text": text},
        # Of a long text this is enough.
        *([] if len(text) > LONG else _in_other_ways(text)),
    ]


def _in_other_ways(text: str) -> list[Any]:
    in_json = json.dumps({text: [text]})
    picture = f"data:image/png;base64,{PNG}"
    return [
        *said(2, 1, f"before {text} after"),
        {"type": "open", "seg": 3, "lane": 3},
        {"type": "delta", "seg": 3, "text": "cut "},
        {"type": "delta", "seg": 3, "text": text},
        {"type": "close", "seg": 3, "text": text, "partial": True},
        {"type": "delta", "seg": 77, "text": text},
        {"type": "message", "lane": 0, "kind": text, "content": f"{text} "},
        {"type": "message", "lane": 1, "content": [{"image": picture, "alt": text}]},
        {"type": "message", "lane": 1, "kind": "structured", "content": {text: {"a": [text]}}},
        {"type": "tool_call", "call": "e", "lane": 3, "name": text, "arguments": in_json},
        {"type": "tool_result", "call": "e", "content": in_json, "is_error": True},
        {"type": "tool_call", "call": "r", "lane": 3, "name": "running", "arguments": text},
        {"type": "tool_result", "call": f"not {text}", "content": text},
        {"type": "input_request", "request": "w", "lane": 0, "prompt": text, "elsewhere": True},
        {"type": "input_reply", "request": "w", "content": text, "by": text, "withdrawn": True},
        {"type": "input_request", "request": f"open {text}", "lane": 2, "prompt": text},
        {"type": "usage", "lane": 0, "finish_reason": "length"},
        {"type": "raw", "native": text},
    ]


def _end(text: str) -> list[Any]:
    error = {"type": text, "message": text, "traceback": text}
    return [{"type": "end", "t": 9, "outcome": "failed", "reason": text, "error": error}]
