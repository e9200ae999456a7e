"""What stays in the notebook file when a run is over: Markdown, HTML and plain text.

All three are made from the same list of blocks. The HTML is read without scripts, brings its
own inline styles and nothing from elsewhere, and escapes every character that a model or a
person gave: what they wrote as Markdown is shown as they wrote it.

Twin of ``frontend/src/static.ts``; both are held to ``tests/vectors/static``. Change them
together: a page may write these texts where the kernel could not.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from swarm_stream.events.fold import Item, LaneState, Segment
from swarm_stream.events.plain import one_line, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.fold import Transcript

__all__ = ["to_html", "to_markdown", "to_text"]

STATIC_MARK: Final = "data-swarm-stream-static"
"""Found in every HTML that was written here, and in nothing else."""

_COLOURS: Final = (
    "#0072b2",
    "#c2570c",
    "#007f5f",
    "#a3478f",
    "#8a6d00",
    "#008293",
    "#b3392f",
    "#5b5fc7",
    "#4a8410",
    "#7a5230",
    "#dc1c84",
    "#a32fe0",
)
_BOX: Final = (
    "border:1px solid rgba(128,128,128,.4);border-radius:8px;padding:10px 12px;"
    "font-family:system-ui,sans-serif;font-size:13px;line-height:1.5;overflow-wrap:anywhere"
)
# GitHub drops styles, and only a ``pre`` keeps its line breaks without them.
_PRE: Final = "white-space:pre-wrap;word-break:normal;font-family:inherit;margin:4px 0 4px 12px"
CUT_WORDS: Final = {
    "length": "cut off: the model reached its limit of tokens",
    "content_filter": "cut off by the content filter of the model's server",
    "unknown": "possibly truncated: the model's server ended the answer without a finish reason",
}
CONTROL_WORDS: Final = {
    "pause": "paused",
    "resume": "resumed",
    "stop": "asked to stop",
    "cancel": "cancelled",
    "reply": "answered",
}
UNCOUNTED_WORDS: Final = (
    "tokens unknown: give the model client stream_options={'include_usage': True} to have them "
    "counted"
)
_LINES: Final = frozenset({"handoff", "select", "control"})
_SAFE_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*")
_UNSET: Final = -1
_MAX_PATH: Final = 8
_MAX_PARTS: Final = 100
_MAX_LEVELS: Final = 50


class _Block(NamedTuple):
    """A stretch of the transcript.

    ``kind`` is ``head`` (a lane begins to speak), ``text`` (Markdown as it was said), ``thought``,
    ``note`` (small), ``code`` (preformatted, with a label) or ``image`` (a data URL).
    """

    kind: str
    text: str
    label: str = ""
    colour: str = ""


def to_markdown(transcript: Transcript) -> str:
    """Give the conversation as Markdown."""
    return "\n\n".join(map(_markdown, _blocks(transcript))) + "\n"


def to_text(transcript: Transcript) -> str:
    """Give the conversation as plain text."""
    return "\n\n".join(map(_text, _blocks(transcript))) + "\n"


def to_html(transcript: Transcript, said: Callable[[str], str] | None = None) -> str:
    """Give the conversation as HTML without scripts or anything from elsewhere.

    ``said`` makes safe HTML of what was said as Markdown; without it, it is shown as written.
    """
    blocks = "\n".join(_html(block, said or _as_written) for block in _blocks(transcript))
    return f'<div {STATIC_MARK}="1" style="{_BOX}">\n{blocks}\n</div>\n'


def _as_written(text: str) -> str:
    return f'<pre style="{_PRE}">\n{_escape(text)}</pre>'


def _blocks(transcript: Transcript) -> list[_Block]:
    blocks: list[_Block] = []
    speaker: int | None = _UNSET
    if transcript.task:
        blocks += [_Block("head", "task", "", _colour(None)), _Block("text", transcript.task)]
    answers: dict[int | None, str] = {}
    for item in transcript.items:
        if isinstance(item, Item) and _is_answer(item, answers):
            continue
        parts = _segment(item) if isinstance(item, Segment) else _item(item, transcript)
        if not parts:
            continue
        if isinstance(item, Item) and item.kind in _LINES:
            speaker = _UNSET
        elif item.lane != speaker:
            speaker = item.lane
            above = _ancestors(transcript, item.lane)
            path = "".join(f"{shorten(lane.name)} / " for lane in above)
            name = path + _name(transcript, item.lane)
            blocks.append(_Block("head", name, "", _colour(item.lane)))
        blocks += parts
    return [
        block._replace(text=printable(block.text), label=one_line(block.label))
        for block in [*blocks, *_ending(transcript)]
    ]


def _is_answer(item: Item, answers: dict[int | None, str]) -> bool:
    """Tell whether a message is the answer that its lane has just given: it is known from there."""
    if item.kind == "message":
        answer = answers.pop(item.lane, None)
        return answer is not None and answer == item.data["content"]
    if item.kind == "input" and item.data["reply"] is not None:
        answers[item.lane] = item.data["reply"]
    return False


def _segment(segment: Segment) -> list[_Block]:
    blocks = []
    if segment.text:
        blocks.append(_Block("text" if segment.channel == "text" else "thought", segment.text))
    if segment.partial:
        blocks.append(_Block("note", "cut off here"))
    if segment.final is not None:
        blocks += [_Block("note", "the agent's final text differs"), _Block("text", segment.final)]
    return blocks


def _item(  # noqa: PLR0911  (one for each kind of item)
    item: Item, transcript: Transcript
) -> list[_Block]:
    data = item.data
    match item.kind:
        case "message":
            return _message(data, transcript)
        case "tool":
            call = _Block("code", data["arguments"], f"{data['name'] or 'tool'} was called")
            if data["result"] is None:
                return [call]
            label = "it failed" if data["is_error"] else "result"
            return [call, _Block("code", data["result"], label)]
        case "input":
            return _input(data)
        case "handoff":
            return [_Block("note", f"{_name(transcript, item.lane)} → {data['target']}")]
        case "select" if len(data["lanes"]) > 1:
            chosen = ", ".join(_name(transcript, lane) for lane in data["lanes"])
            return [_Block("note", f"next: {chosen}")]
        case "finish":
            return [_Block("note", CUT_WORDS[data["reason"]])]
        case "control":
            return [_Block("note", _control(data))]
        case _:
            # For whoever debugs; they are in the stream, not in what a reader keeps.
            return []


def _control(data: dict[str, Any]) -> str:
    done = CONTROL_WORDS.get(data["action"], data["action"])
    return f"{done} by {data['by']}" if data["by"] else str(done)


def _message(data: dict[str, Any], transcript: Transcript) -> list[_Block]:
    content, kind = data["content"], data["message_kind"]
    if transcript.task and content == transcript.task:
        return []
    parts = content if isinstance(content, list) else [content]
    label = [] if kind == "text" else [_Block("note", kind)]
    rest = len(parts) - _MAX_PARTS
    more = [_Block("note", f"and {rest} more parts")] if rest > 0 else []
    return label + [_content(part) for part in parts[:_MAX_PARTS]] + more


def _input(data: dict[str, Any]) -> list[_Block]:
    asked = _Block("text", data["prompt"] or "Your answer?")
    if data["withdrawn"]:
        return [asked, _Block("note", "the question was taken back")]
    if data["reply"] is None:
        return [asked, _Block("note", "nobody answered")]
    by = f"{shorten(data['by'])} answered" if data["by"] else "answer"
    return [asked, _Block("note", by), _Block("text", data["reply"])]


def _content(part: Any) -> _Block:  # noqa: ANN401
    if isinstance(part, str):
        return _Block("text", part)
    if isinstance(part, dict):
        text, image, alt = part.get("text"), part.get("image"), part.get("alt")
        if isinstance(image, str):
            label = one_line(alt) if isinstance(alt, str) and alt else "image"
            if _SAFE_IMAGE.fullmatch(image):
                return _Block("image", image, label)
            return _Block("note", f"image that is not kept: {label}")
        if isinstance(text, str) and len(part) == 1:
            return _Block("text", text)
    if _is_deep(part, _MAX_LEVELS):
        return _Block("code", "nested too deeply to be shown", "data")
    return _Block("code", json.dumps(part, ensure_ascii=False, indent=2), "data")


def _is_deep(value: Any, left: int) -> bool:  # noqa: ANN401
    """Tell whether indents would be most of a value's JSON."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_is_deep(one, left - 1) for one in inner)


def _ending(transcript: Transcript) -> list[_Block]:
    if transcript.outcome is None:
        return [_Block("note", "the run was not over when this was written")]
    took_ms = (transcript.last_t or 0) - (transcript.first_t or 0)
    tenths = max(0, int(took_ms // 100))
    took = f"{tenths // 10}.{tenths % 10} s"
    chunks = f"{transcript.deltas} chunk{'' if transcript.deltas == 1 else 's'}"
    blocks = [_Block("note", f"{transcript.outcome} after {took}, {chunks}")]
    # Not what the line of a button has said.
    if transcript.reason and not any(
        item.kind == "control" and _control(item.data) == transcript.reason
        for item in transcript.items
        if isinstance(item, Item)
    ):
        blocks.append(_Block("note", transcript.reason))
    uncounted = sum(lane.uncounted for lane in transcript.lanes.values())
    if uncounted and transcript.source == "autogen":
        blocks.append(_Block("note", UNCOUNTED_WORDS))
    error = transcript.error
    if error is not None:
        message = f"{error.type}: {error.message}" if error.message else error.type
        blocks.append(_Block("code", error.traceback or message, message))
    return blocks


def _colour(lane: int | None) -> str:
    return "#767676" if lane is None else _COLOURS[lane % len(_COLOURS)]


def _name(transcript: Transcript, lane: int | None) -> str:
    if lane is None:
        return "earlier"
    state = transcript.lanes.get(lane)
    return f"lane {lane}" if state is None else shorten(state.name)


def _ancestors(transcript: Transcript, lane: int | None) -> list[LaneState]:
    """Give the lanes that hold this one, outermost first, without a team that holds all."""
    path: list[LaneState] = []
    state = transcript.lanes.get(lane) if lane is not None else None
    while state is not None and state.parent is not None and len(path) < _MAX_PATH:
        state = transcript.lanes.get(state.parent)
        # A lane that would hold itself ends the path.
        if state is None or state in path:
            break
        path.insert(0, state)
    if path and path[0].parent is None and path[0].kind == "team":
        return path[1:]
    return path


def _markdown(block: _Block) -> str:
    text = block.text
    match block.kind:
        case "head":
            return f"#### {_escape_markdown(text)}"
        case "text":
            return _close_fence(text)
        case "thought":
            lines = f"*thought:* {text}".split("\n")
            return "\n".join(f"> {line}" if line else ">" for line in lines)
        case "note":
            return f"*{_escape_markdown(one_line(text))}*"
        case "image":
            return f"*image: {_escape_markdown(block.label)}*"
        case _:
            head = f"**{_escape_markdown(block.label)}**"
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
            return f"{head}\n\n{fence}\n{text}\n{fence}" if text else head


def _text(block: _Block) -> str:
    match block.kind:
        case "head":
            return f"[{block.text}]"
        case "text":
            return block.text
        case "thought":
            return f"(thought) {block.text}"
        case "note":
            return f"-- {one_line(block.text)}"
        case "image":
            return f"-- image: {block.label}"
        case _:
            head = f"-- {block.label}"
            return f"{head}\n{block.text}" if block.text else head


def _html(block: _Block, said: Callable[[str], str]) -> str:  # noqa: PLR0911  (one for each kind of block)
    text = _escape(block.text)
    place = "margin:4px 0 4px 12px"
    match block.kind:
        case "head":
            border = f"border-left:4px solid {block.colour};padding-left:8px"
            return f'<div style="margin-top:10px;font-weight:600;{border}">{text}</div>'
        case "text":
            return said(block.text)
        case "thought":
            inner = _as_written(block.text)
            return (
                f'<details style="{place};opacity:.75"><summary>thought</summary>{inner}</details>'
            )
        case "note":
            note = _escape(one_line(block.text))
            return f'<div style="{place};font-size:12px;opacity:.75"><em>{note}</em></div>'
        case "image":
            alt = _escape(block.label)
            limits = "max-width:100%;max-height:360px"
            return f'<img style="{limits};{place}" alt="{alt}" src="{text}">'
        case _:
            head = _escape(block.label)
            style = f"{place};font-size:12px"
            if not text:
                return f'<div style="{style}"><b>{head}</b></div>'
            inner = (
                f'<pre style="white-space:pre-wrap;word-break:normal;margin:4px 0">\n{text}</pre>'
            )
            summary = f"<summary><b>{head}</b></summary>"
            return f'<details style="{style}">{summary}{inner}</details>'


def _escape(text: str) -> str:
    return escape(text).replace("&#x27;", "&#39;")


def _escape_markdown(text: str) -> str:
    return re.sub(r"[\\`*_{}\[\]<>#|~$&!]", r"\\\g<0>", text)


def _close_fence(text: str) -> str:
    """Close a code block that the text leaves open, so that it does not eat what follows."""
    opened = indent = ""
    for line in text.split("\n"):
        fence = re.match(r"( {0,3})(`{3,}|~{3,})(.*)$", line)
        if fence is None:
            continue
        mark, rest = fence[2], fence[3]
        if not opened:
            indent = fence[1]
            # What has another backtick in its line is code inside a line.
            opened = "" if mark[0] == "`" and "`" in rest else mark
        elif mark[0] == opened[0] and len(mark) >= len(opened) and not rest.strip(" \t\r"):
            opened = ""
    # In a list a mark ends its block only where it stands as deep as the first.
    return f"{text}\n{indent}{opened}" if opened else text
