"""What stays in the notebook file when a run is over: Markdown, HTML and plain text.

All three are readable without scripts, styles or anything from elsewhere. The HTML holds no
markup of a model's: every text in it is escaped, and its line breaks are kept by the style.

Twin of ``frontend/src/static.ts``; both are held to ``tests/vectors/static``.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from swarm_stream.events.fold import Item, Segment

if TYPE_CHECKING:
    from swarm_stream.events.fold import Transcript

__all__ = ["to_html", "to_markdown", "to_text"]


class _Block(NamedTuple):
    """One stretch of a transcript: who, what kind, and the text."""

    who: str
    note: str
    text: str


def to_markdown(transcript: Transcript) -> str:
    """Give the conversation as Markdown; what agents said is theirs, as it was streamed."""
    parts = [f"**Task:** {transcript.task}"] if transcript.task else []
    who = None
    for block in _blocks(transcript):
        if block.who != who and block.who:
            parts.append(f"**{block.who}**")
            who = block.who
        if not block.note:
            parts.append(block.text)
        elif "\n" in block.text:
            quoted = "\n".join(f"> {line}" for line in block.text.split("\n"))
            parts.append(f"> *{block.note}:*\n>\n{quoted}")
        else:
            parts.append(f"> *{block.note}:* {block.text}" if block.text else f"> *{block.note}*")
    parts.append(f"*{_ending(transcript)}*")
    return "\n\n".join(parts) + "\n"


def to_text(transcript: Transcript) -> str:
    """Give the conversation as plain text."""
    parts = [f"task: {transcript.task}"] if transcript.task else []
    for block in _blocks(transcript):
        label = " ".join(
            part for part in (block.who, f"({block.note})" if block.note else "") if part
        )
        parts.append(f"{label}: {block.text}" if label else block.text)
    parts.append(f"[{_ending(transcript)}]")
    return "\n".join(parts)


def to_html(transcript: Transcript) -> str:
    """Give the conversation as HTML without scripts, classes or anything from elsewhere."""
    parts = ['<div style="max-width:60em">']
    if transcript.task:
        parts.append(f'<p style="white-space:pre-wrap"><b>Task:</b> {escape(transcript.task)}</p>')
    who = None
    for block in _blocks(transcript):
        if block.who != who and block.who:
            parts.append(f'<p style="margin:0.8em 0 0"><b>{escape(block.who)}</b></p>')
            who = block.who
        if block.note:
            text = f": {escape(block.text)}" if block.text else ""
            parts.append(
                '<p style="margin:0.2em 0 0.2em 1em;white-space:pre-wrap;opacity:0.75">'
                f"<i>{escape(block.note)}</i>{text}</p>"
            )
        else:
            parts.append(f'<p style="margin:0.2em 0;white-space:pre-wrap">{escape(block.text)}</p>')
    parts.append(f'<p style="opacity:0.75"><i>{escape(_ending(transcript))}</i></p></div>')
    return "\n".join(parts)


def _blocks(transcript: Transcript) -> list[_Block]:
    names = {number: _path(transcript, number) for number in transcript.lanes}
    blocks = []
    for item in transcript.items:
        who = names.get(item.lane, "") if item.lane is not None else ""
        blocks.extend(_segment(item, who) if isinstance(item, Segment) else _item(item, who, names))
    return blocks


def _segment(segment: Segment, who: str) -> list[_Block]:
    note = "reasoning" if segment.channel == "reasoning" else ""
    text = segment.text + (" […]" if segment.partial else "")
    blocks = [_Block(who, note, text)] if text else []
    if segment.final is not None:
        blocks.append(_Block(who, "final text", segment.final))
    return blocks


def _item(  # noqa: PLR0911  (one for each kind of item)
    item: Item, who: str, names: dict[int, str]
) -> list[_Block]:
    data = item.data
    match item.kind:
        case "message":
            kind = str(data["message_kind"])
            return [_Block(who, "" if kind == "text" else kind, _plain(data["content"]))]
        case "tool":
            call = f"{data['name']}({data['arguments']})"
            result = data["result"]
            blocks = [_Block(who, "tool", call)]
            if result is not None:
                blocks.append(_Block(who, "tool error" if data["is_error"] else "result", result))
            return blocks
        case "handoff":
            return [_Block(who, f"hands over to {data['target']}", str(data["content"]))]
        case "select":
            chosen = ", ".join(names.get(lane, "?") for lane in data["lanes"])
            return [_Block("", "next", chosen)]
        case "input":
            answer = data["reply"]
            asked = [_Block(who, "asks", str(data["prompt"]))]
            return asked if answer is None else [*asked, _Block(data["by"] or "you", "", answer)]
        case "control":
            return [_Block("", str(data["action"]), f"by {data['by']}" if data["by"] else "")]
        case _:
            return []


def _path(transcript: Transcript, number: int) -> str:
    names: list[str] = []
    lane = transcript.lanes.get(number)
    while lane is not None and len(names) < len(transcript.lanes):
        names.append(lane.name)
        lane = transcript.lanes.get(lane.parent) if lane.parent is not None else None
    # The outermost team is the whole run: its name before each agent's says nothing.
    return " / ".join(reversed(names[:-1] or names))


def _plain(content: Any) -> str:  # noqa: ANN401
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(
            str(part["text"])
            if isinstance(part, dict) and "text" in part
            else f"[image: {part.get('alt') or 'no description'}]"
            if isinstance(part, dict) and "image" in part
            else json.dumps(part, ensure_ascii=False)
            for part in content
        )
    return json.dumps(content, ensure_ascii=False, indent=1)


def _ending(transcript: Transcript) -> str:
    ending = transcript.outcome or "not over"
    return f"{ending}: {transcript.reason}" if transcript.reason else ending
