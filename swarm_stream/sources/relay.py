"""Say again what somebody else said: events with ids of their own, in a run of ours.

Ids are minted anew, so what is relayed cannot collide with what the run says itself, and an
event that refers to something unknown (a recording that begins in the middle) is still shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swarm_stream.events import model
from swarm_stream.events.fold import Pieces

if TYPE_CHECKING:
    from swarm_stream.events.writer import EventWriter

__all__ = ["Relay", "as_event"]

# The lane of text whose beginning was not seen; real lanes are not negative.
_UNSEEN = -1


def as_event(given: object) -> model.AnyEvent | model.Unknown | None:
    """Read an event from a struct or from JSON; None where it is neither.

    What names a type that is not known, or lacks a field, gives ``Unknown``, never an error.
    """
    if isinstance(given, model.Event | model.Unknown):
        return given  # type: ignore[return-value]  # every subclass of Event is in the union
    if not isinstance(given, dict):
        return None
    try:
        return msgspec.convert(given, model.AnyEvent)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return model.Unknown(type=str(given.get("type", "")), data=given)


class Relay:
    """Write events again, one by one.

    Attributes:
        end: The ``end`` event, once it has come. It is not written: the session ends the run.

    """

    def __init__(self, events: EventWriter) -> None:
        self.end: model.End | None = None
        self._events = events
        self._lanes: dict[int, int] = {}
        self._segs: dict[int, int] = {}
        self._pieces = Pieces()

    def write(self, event: model.AnyEvent | model.Unknown) -> None:  # noqa: C901, PLR0912
        """Write the next event. ``start`` and ``end`` are the session's own and left out."""
        write = self._events
        match event:
            case model.Delta(seg=seg, text=text):
                write.delta(self._seg(seg), text)
            case model.Open(seg=seg, lane=lane, channel=channel):
                self._segs[seg] = write.open(self._lane(lane), channel)
            case model.Close(seg=seg, text=final, partial=partial):
                write.close(self._seg(seg), text=final, partial=partial)
                del self._segs[seg]
            case model.Lane(lane=lane, name=name, parent=parent, kind=kind):
                above = None if parent is None else self._lane(parent)
                self._lanes[lane] = write.lane(name, parent=above, kind=kind)
            case model.Message(lane=lane, kind=kind, content=content):
                write.message(self._lane(lane), content, kind=kind)
            case model.ToolCall(call=call, lane=lane, name=name, arguments=arguments):
                write.tool_call(self._lane(lane), name, arguments, call=call)
            case model.ToolResult(call=call, content=content, is_error=is_error):
                write.tool_result(call, content, is_error=is_error)
            case model.Control(id=control, action=action, by=by):
                write.control(control, action, by=by)
            case model.Handoff(lane=lane, target=target, content=content):
                write.handoff(self._lane(lane), target, content)
            case model.Select(lanes=lanes):
                write.select(self._lane(lane) for lane in lanes)
            case model.InputRequest(request=request, lane=lane, prompt=prompt):
                # Nobody here waits for an answer.
                write.input_request(request, self._lane(lane), prompt, elsewhere=True)
            case model.InputReply(request=request, content=content, by=by):
                write.input_reply(request, content, by=by, withdrawn=event.withdrawn)
            case model.Usage(lane=lane):
                write.usage(
                    self._lane(lane),
                    prompt_tokens=event.prompt_tokens,
                    completion_tokens=event.completion_tokens,
                    finish_reason=event.finish_reason,
                )
            case model.Raw(native=native, lane=lane_or_none):
                write.raw(native, lane=None if lane_or_none is None else self._lane(lane_or_none))
            case model.Part():
                whole = self._pieces.add(event)
                if whole is not None:
                    self.write(whole)
            case model.Unknown(data=data):
                write.raw(data)
            case model.End():
                self.end = event
            case model.Start():
                pass

    def _lane(self, lane: int) -> int:
        if lane not in self._lanes:
            name = "earlier" if lane == _UNSEEN else f"lane {lane}"
            self._lanes[lane] = self._events.lane(name)
        return self._lanes[lane]

    def _seg(self, seg: int) -> int:
        if seg not in self._segs:
            self._segs[seg] = self._events.open(self._lane(_UNSEEN))
        return self._segs[seg]
