"""Doing what a button in a view says, and writing down who pressed it."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from swarm_stream.protocol import frames

if TYPE_CHECKING:
    from swarm_stream.events.writer import EventWriter
    from swarm_stream.runtime.session import StreamingSession

__all__ = ["Buttons", "Notes", "press"]


class Buttons:
    """The buttons of one run, each press of which is done once and answered as often as asked."""

    def __init__(self, session: StreamingSession) -> None:
        self._session = session
        self._answers: dict[str, str] = {}

    def pressed(self, frame: frames.Control) -> frames.Controlled:
        """Do what a button says, and give what became of it. Does not wait."""
        if frame.id not in self._answers:
            self._answers[frame.id] = press(self._session, frame)
        problem = self._answers[frame.id]
        return frames.Controlled(stream=frame.stream, id=frame.id, ok=not problem, message=problem)


class Notes:
    """Who pressed what, in a run's record. Any thread.

    What is pressed before the run has begun is written when it has: ``start`` is the first event.
    """

    def __init__(self, stream: str, events: EventWriter) -> None:
        self._stream = stream
        self._events = events
        self._ids = count()
        self._lock = threading.Lock()
        self._early: list[tuple[str, str]] | None = []

    def add(self, action: str, by: str) -> None:
        """Note an action, and who asked for it."""
        with self._lock:
            if self._early is None:
                self._write(action, by)
            else:
                self._early.append((action, by))

    def begin(self) -> None:
        """Write what waits: the run has begun."""
        with self._lock:
            early, self._early = self._early or (), None
            for action, by in early:
                self._write(action, by)

    def _write(self, action: str, by: str) -> None:
        self._events.control(f"{self._stream}-{next(self._ids)}", action, by=by)


def press(session: StreamingSession, frame: frames.Control) -> str:
    """Do what a button says; gives why not, if it cannot be done."""
    by = frame.by or "a viewer"
    if session.done:
        return "the run is over"
    if frame.action == "reply":
        try:
            data = msgspec.json.decode(frame.data)
        except (msgspec.DecodeError, RecursionError):
            data = None  # JSON, but with a number or a depth that is no reply's
        data = data if isinstance(data, dict) else {}
        text, request = data.get("text", ""), data.get("request")
        if not isinstance(text, str) or not isinstance(request, str | None):
            return 'a reply\'s data is {"text": ..., "request": ...}'
        return session.questions.reply(text, request=request, by=by) or ""
    needs = "pause" if frame.action == "resume" else frame.action
    if needs not in session.source.caps:
        return f"this source ({session.source.name}) cannot {frame.action}"
    getattr(session, frame.action)(by=by)
    return ""
