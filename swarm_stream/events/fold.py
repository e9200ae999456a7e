"""From events to what a reader sees: the state of every lane, segment and message.

``Transcript`` takes events in order and never fails on one: a run is shown as far as it is
known, also when its beginning is no longer in the log. Any way of batching the same events
gives the same transcript.

Twin of ``frontend/src/fold.ts``; both are held to ``tests/vectors/fold``. Change them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swarm_stream.events import model

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CUT_SHORT", "Item", "LaneState", "Pieces", "Segment", "Transcript"]

CUT_SHORT: Final = frozenset({"length", "content_filter", "unknown"})
"""Finish reasons of answers that are not whole, or may not be."""


@dataclass(slots=True)
class LaneState:
    """An agent, team or tool, and what it took.

    ``uncounted`` are the calls of its model whose tokens nobody counted.
    """

    lane: int
    name: str
    parent: int | None = None
    kind: str = "agent"
    deltas: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    uncounted: int = 0


@dataclass(slots=True)
class Segment:
    """A stretch of streamed text. ``lane`` is None where its beginning was not seen."""

    seg: int
    lane: int | None
    channel: str = "text"
    parts: list[str] = field(default_factory=list)
    open: bool = True
    partial: bool = False
    final: str | None = None

    @property
    def text(self) -> str:
        """The text so far, exactly as it was streamed."""
        if len(self.parts) > 1:
            self.parts[:] = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""

    def snapshot(self) -> dict[str, Any]:
        """Give the segment as plain JSON."""
        return {
            "kind": "segment",
            "seg": self.seg,
            "lane": self.lane,
            "channel": self.channel,
            "text": self.text,
            "open": self.open,
            "partial": self.partial,
            "final": self.final,
        }


@dataclass(slots=True)
class Item:
    """Anything in a transcript that is not streamed text.

    ``kind`` is ``message``, ``tool``, ``handoff``, ``select``, ``input``, ``control``, ``finish``
    (an answer of the model that is not whole), ``raw`` or ``unknown``; ``data`` holds the fields
    that ``Transcript.snapshot`` shows.
    """

    kind: str
    lane: int | None
    data: dict[str, Any]

    def snapshot(self) -> dict[str, Any]:
        """Give the item as plain JSON."""
        return {"kind": self.kind, "lane": self.lane, **self.data}


class Transcript:
    """The state of a run after the events that it was given.

    Not thread safe; a session guards its own. ``apply`` costs the same for each event, however
    long the transcript is.

    Attributes:
        count: Events applied.
        deltas: Of these, streamed chunks.
        lanes: Lanes by number, in order of appearance.
        items: Segments and other items, in order of appearance.
        outcome: How the run ended, or None while it has not.

    """

    def __init__(self) -> None:
        self.count = 0
        self.deltas = 0
        self.task = ""
        self.source = ""
        self.caps: list[str] = []
        self.first_t: float | None = None
        self.last_t: float | None = None
        self.lanes: dict[int, LaneState] = {}
        self.items: list[Segment | Item] = []
        self.outcome: str | None = None
        self.reason = ""
        self.error: model.ErrorInfo | None = None
        self._segments: dict[int, Segment] = {}
        self._tools: dict[str, Item] = {}
        self._inputs: dict[str, Item] = {}
        self._pieces = Pieces()

    def extend(self, events: Iterable[model.AnyEvent | model.Unknown]) -> None:
        """Apply events in order."""
        for event in events:
            self.apply(event)

    def apply(self, event: model.AnyEvent | model.Unknown) -> None:
        """Apply the next event."""
        self.count += 1
        if event.t:
            if self.first_t is None:
                self.first_t = event.t
            self.last_t = event.t
        self._apply(event)

    def _apply(self, event: model.AnyEvent | model.Unknown) -> None:  # noqa: C901, PLR0912
        match event:
            case model.Delta(seg=seg, text=text):
                segment = self._segments.get(seg) or self._begin(seg, None, "text")
                segment.parts.append(text)
                self.deltas += 1
                lane = self.lanes.get(segment.lane) if segment.lane is not None else None
                if lane is not None:
                    lane.deltas += 1
            case model.Open(seg=seg, lane=lane_id, channel=channel):
                self._begin(seg, lane_id, channel)
            case model.Close(seg=seg, text=final, partial=partial):
                segment = self._segments.get(seg) or self._begin(seg, None, "text")
                segment.open = False
                segment.partial = partial
                segment.final = final
            case model.Lane(lane=lane_id, name=name, parent=parent, kind=kind):
                self.lanes[lane_id] = LaneState(lane_id, name, parent, kind)
            case model.Message(lane=lane_id, kind=kind, content=content):
                self._add("message", lane_id, message_kind=kind, content=content)
            case model.ToolCall(call=call, lane=lane_id, name=name, arguments=arguments):
                self._tools[call] = self._tool(lane_id, call, name, arguments)
            case model.ToolResult(call=call, content=content, is_error=is_error):
                tool = self._tools.get(call) or self._tool(None, call, "", "")
                tool.data.update(result=content, is_error=is_error)
            case model.Handoff(lane=lane_id, target=target, content=content):
                self._add("handoff", lane_id, target=target, content=content)
            case model.Select(lanes=lanes):
                self._add("select", None, lanes=list(lanes))
            case model.InputRequest():
                self._ask(event)
            case model.InputReply(request=request, content=content, by=by, withdrawn=withdrawn):
                asked = self._inputs.get(request) or self._question(None, request, "")
                asked.data.update(reply=None if withdrawn else content, by=by, withdrawn=withdrawn)
            case model.Control(id=control, action=action, by=by):
                self._add("control", None, id=control, action=action, by=by)
            case model.Usage():
                self._use(event)
            case model.Start(task=task, source=source, caps=caps):
                self.task, self.source, self.caps = task, source, list(caps)
            case model.Raw(native=native, lane=lane_or_none):
                self._add("raw", lane_or_none, native=native)
            case model.Part():
                whole = self._pieces.add(event)
                if whole is not None:
                    self._apply(whole)
            case model.End(outcome=outcome, reason=reason, error=error):
                self.outcome, self.reason, self.error = outcome, reason, error
            case model.Unknown(type=kind):
                self._add("unknown", None, type=kind)

    @property
    def waiting(self) -> list[Item]:
        """Questions that a view may answer and nobody has."""
        return [
            item for item in self._inputs.values() if _is_open(item) and not item.data["elsewhere"]
        ]

    def text_by_lane(self) -> dict[int | None, str]:
        """Give for each lane the streamed text of the ``text`` channel, joined as it came."""
        texts: dict[int | None, list[str]] = {}
        for item in self.items:
            if isinstance(item, Segment) and item.channel == "text":
                texts.setdefault(item.lane, []).append(item.text)
        return {lane: "".join(parts) for lane, parts in texts.items()}

    def snapshot(self) -> dict[str, Any]:
        """Give the whole state as plain JSON: what both twins must agree on."""
        return {
            "count": self.count,
            "deltas": self.deltas,
            "task": self.task,
            "source": self.source,
            "caps": self.caps,
            "first_t": self.first_t,
            "last_t": self.last_t,
            "lanes": [
                {
                    "lane": lane.lane,
                    "name": lane.name,
                    "parent": lane.parent,
                    "kind": lane.kind,
                    "deltas": lane.deltas,
                    "prompt_tokens": lane.prompt_tokens,
                    "completion_tokens": lane.completion_tokens,
                    "uncounted": lane.uncounted,
                }
                for lane in self.lanes.values()
            ],
            "items": [item.snapshot() for item in self.items],
            "outcome": self.outcome,
            "reason": self.reason,
            "error": msgspec.to_builtins(self.error) if self.error is not None else None,
        }

    def _begin(self, seg: int, lane: int | None, channel: str) -> Segment:
        segment = Segment(seg, lane, channel)
        self._segments[seg] = segment
        self.items.append(segment)
        return segment

    def _add(self, item_kind: str, item_lane: int | None, **data: Any) -> Item:  # noqa: ANN401
        item = Item(item_kind, item_lane, data)
        self.items.append(item)
        return item

    def _tool(self, lane: int | None, call: str, name: str, arguments: str) -> Item:
        return self._add(
            "tool", lane, call=call, name=name, arguments=arguments, result=None, is_error=False
        )

    def _ask(self, event: model.InputRequest) -> None:
        asked = self._inputs.get(event.request)
        if asked is None or not _is_open(asked):
            asked = self._question(event.lane, event.request, event.prompt)
            self._inputs[event.request] = asked
        asked.data.update(prompt=event.prompt, elsewhere=event.elsewhere)

    def _question(self, lane: int | None, request: str, prompt: str) -> Item:
        fresh = {"elsewhere": False, "reply": None, "by": "", "withdrawn": False}
        return self._add("input", lane, request=request, prompt=prompt, **fresh)

    def _use(self, usage: model.Usage) -> None:
        if usage.finish_reason in CUT_SHORT:
            self._add("finish", usage.lane, reason=usage.finish_reason)
        lane = self.lanes.get(usage.lane)
        if lane is None:
            return
        if usage.prompt_tokens is None and usage.completion_tokens is None:
            lane.uncounted += 1
        if usage.prompt_tokens is not None:
            lane.prompt_tokens = (lane.prompt_tokens or 0) + usage.prompt_tokens
        if usage.completion_tokens is not None:
            lane.completion_tokens = (lane.completion_tokens or 0) + usage.completion_tokens


class Pieces:
    """Puts an event together that came in pieces (``model.Part``)."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def add(self, part: model.Part) -> model.AnyEvent | model.Unknown | None:
        """Take a piece; gives the event once it is whole."""
        if part.index == 0:
            self._data = []
        self._data.append(part.data)
        if part.index != part.count - 1 or len(self._data) != part.count:
            return None
        data, self._data = "".join(self._data), []
        try:
            # A piece of a piece is never made; decoding one would recurse at most once.
            return model.decode_event(data)
        except msgspec.DecodeError:
            return model.Unknown(type="part")


def _is_open(question: Item) -> bool:
    return question.data["reply"] is None and not question.data["withdrawn"]
