"""A view in a page, step by step: the Python viewer, and what only ``subscriber.ts`` has."""

from __future__ import annotations

import json
from typing import Any

from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Missing, Phase, Shown, SubscriberConnection

__all__ = ["Page", "Step"]

Step = dict[str, Any]


class Page:
    """A view in a page: the Python viewer, and what only a page has."""

    def __init__(self, stream: str, *, start: int, wait: bool) -> None:
        self.viewer = SubscriberConnection(stream, start=start, wait=wait)
        self.wait = wait
        self.controls: list[frames.Control] = []

    def state(self) -> Step:
        viewer = self.viewer
        return {
            "is": viewer.phase.value,
            "stream": viewer.stream,
            "wait": self.wait,
            "next": viewer.next,
            "tail": viewer.tail,
            "received": viewer.received,
            "missing": viewer.missing,
            "doubled": viewer.doubled,
            "holes": viewer.holes,
            "strikes": viewer.strikes,
            "producer": viewer.producer,
            "notice": viewer.notice,
            "controls": [_control(control) for control in self.controls],
        }

    def step(self, happened: object) -> Step:
        """Feed what happened; gives it with what must come of it."""
        before = self.viewer.phase
        match happened:
            case "connected":
                given: Step = {"type": "connected"}
                self.viewer.connected()
                actions = self._said()
            case "lost":
                given = {"type": "lost"}
                self.viewer.lost()
                actions = self._said()
            case frames.Control():
                pressed = {k: v for k, v in _control(happened).items() if k not in {"op", "stream"}}
                given = {"type": "control", **pressed}
                actions = self._press(happened)
            case _:
                given = {"type": "frame", "frame": _json(happened)}
                actions = self._receive(happened, before)
        return {"input": given, "actions": actions, "state": self.state()}

    def _receive(self, frame: Any, before: Phase) -> list[Step]:
        self.viewer.receive(frame)
        actions = self._said()
        if before in {Phase.OFFLINE, Phase.CLOSED}:
            return actions
        if isinstance(frame, frames.Controlled):
            self.controls = [held for held in self.controls if held.id != frame.id]
            return [_controlled(frame.id, frame.message, ok=frame.ok)]
        if before is Phase.FAILED:
            return actions
        if isinstance(frame, frames.Subscribed):
            described = {"type": "described", "meta": json.loads(bytes(frame.meta))}
            sends = [{"type": "send", "frame": _control(held)} for held in self.controls]
            return [described, *actions, *sends]
        if self.viewer.phase is Phase.CLOSED:
            self.controls = []
            return [*actions, {"type": "end"}]
        if self.viewer.phase is Phase.FAILED and self.viewer.failure is not None:
            code, message = self.viewer.failure
            if code == "hole":
                message += "; reload the page"
            return [*actions, {"type": "fail", "code": code, "message": message}]
        return actions

    def _press(self, control: frames.Control) -> list[Step]:
        refused = {
            Phase.CLOSED: "the run is over",
            Phase.FAILED: "this view has lost its stream; reload the page",
            Phase.OFFLINE: "not connected; try again when the view is live",
        }.get(self.viewer.phase)
        if refused is not None:
            return [_controlled(control.id, refused, ok=False)]
        self.controls.append(control)
        live = self.viewer.phase is Phase.LIVE
        return [{"type": "send", "frame": _control(control)}] if live else []

    def _said(self) -> list[Step]:
        actions: list[Step] = []
        for what in self.viewer.take():
            match what:
                case Shown(offset=offset, events=events):
                    shown = [json.loads(bytes(event)) for event in events]
                    actions.append({"type": "show", "offset": offset, "events": shown})
                case Missing(first=first, last=last):
                    actions.append({"type": "missing", "from": first, "to": last + 1})
        for frame in self.viewer.frames_to_send():
            actions.append({"type": "send", "frame": _json(frame)})
        return actions


def _json(frame: Any) -> Step:
    body: Step = json.loads(frames.encode(frame))
    return body


def _control(control: frames.Control) -> Step:
    return {
        "op": "control",
        "stream": control.stream,
        "id": control.id,
        "action": control.action,
        "data": {"text": control.id},
    }


def _controlled(name: str, message: str, *, ok: bool) -> Step:
    return {"type": "controlled", "id": name, "ok": ok, "message": message}
