"""A run as text in a terminal: who speaks, what is called, what is asked.

``TerminalText`` is pure: events in, text out. One lane speaks at a time; what others say
meanwhile is kept and comes when it has ended, so that lanes which talk at once can be read.
Whatever models wrote is shown without its control characters: a terminal obeys those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from swarm_stream.events import model
from swarm_stream.events.fold import CUT_SHORT, Pieces
from swarm_stream.events.plain import printable, shorten
from swarm_stream.views.static import CONTROL_WORDS, CUT_WORDS

if TYPE_CHECKING:
    from swarm_stream.events.model import AnyEvent, Unknown

__all__ = ["TerminalText"]

_COLOURS: Final = (36, 33, 32, 35, 34, 31)
_DIM: Final = 2
_BOLD: Final = 1


class TerminalText:
    """Turn the events of one run into text.

    Args:
        colour: Whether to use ANSI colours.

    Attributes:
        asking: Questions that this terminal may answer: prompts by request, oldest first.
        outcome: How the run ended, or empty.

    """

    def __init__(self, *, colour: bool) -> None:
        self.asking: dict[str, str] = {}
        self.outcome = ""
        self._colour = colour
        self._lanes: dict[int, model.Lane] = {}
        self._segs: dict[int, model.Open] = {}
        self._kept: dict[int, list[str]] = {}
        self._ended: set[int] = set()
        self._tools: dict[str, str] = {}
        self._current: int | None = None
        self._mid_line = False
        self._pieces = Pieces()

    def feed(self, event: AnyEvent | Unknown) -> str:  # noqa: C901, PLR0911, PLR0912
        """Take the next event; gives what to print."""
        match event:
            case model.Lane(lane=lane):
                self._lanes[lane] = event
            case model.Open(seg=seg):
                self._segs[seg] = event
                self._kept[seg] = []
                return self._go_on() if self._current is None else ""
            case model.Delta(seg=seg, text=text):
                return self._say(seg, text)
            case model.Close(seg=seg, partial=partial):
                return self._close(seg, " [cut off]" if partial else "")
            case model.Start(task=task) if task:
                return self._line(f"task: {printable(task)}", _BOLD)
            case model.Message(lane=lane, content=content):
                text = content if isinstance(content, str) else "(no plain text)"
                return self._line(f"{self._name(lane)}: {printable(text)}")
            case model.ToolCall(call=call, lane=lane, name=name, arguments=arguments):
                self._tools[call] = name
                shown = shorten(arguments)
                return self._line(f"{self._name(lane)} calls {shorten(name)}({shown})", _DIM)
            case model.ToolResult(call=call, content=content, is_error=is_error):
                what = "failed" if is_error else "gave"
                name = shorten(self._tools.get(call, "a tool"))
                return self._line(f"{name} {what}: {shorten(content)}", _DIM)
            case model.Handoff(lane=lane, target=target):
                return self._line(f"{self._name(lane)} → {shorten(target)}", _DIM)
            case model.InputRequest(request=request, lane=lane, prompt=prompt):
                if not event.elsewhere:
                    self.asking[request] = prompt
                how = " (answered in the program)" if event.elsewhere else ""
                return self._line(f"{self._name(lane)} asks: {printable(prompt)}{how}", _BOLD)
            case model.InputReply(request=request, content=content, by=by):
                self.asking.pop(request, None)
                if event.withdrawn:
                    return self._line("the question was taken back", _DIM)
                return self._line(f"{shorten(by) or 'somebody'} answered: {printable(content)}")
            case model.Control(action=action, by=by):
                done = CONTROL_WORDS.get(action) or shorten(action)
                return self._line(f"{done} by {shorten(by) or 'somebody'}", _DIM)
            case model.Usage(finish_reason=str() as reason) if reason in CUT_SHORT:
                return self._line(CUT_WORDS[reason], _BOLD)
            case model.Part():
                whole = self._pieces.add(event)
                return "" if whole is None else self.feed(whole)
            case model.End():
                return self._end(event)
            case _:
                pass
        return ""

    def _say(self, seg: int, text: str) -> str:
        kept = self._kept.setdefault(seg, [])
        if seg == self._current:
            return self._text(seg, text)
        kept.append(text)
        return self._go_on() if self._current is None else ""

    def _close(self, seg: int, mark: str) -> str:
        if seg != self._current:
            self._kept.setdefault(seg, []).append(mark)
            self._ended.add(seg)
            return ""
        self._current = None
        self._kept.pop(seg, None)
        said = self._style(mark if self._mid_line else "", _DIM) + self._fresh_line()
        return said + self._go_on()

    def _go_on(self) -> str:
        """Say what waits, up to a segment that is still open."""
        said = ""
        for seg in tuple(self._kept):
            kept = "".join(self._kept[seg])
            self._kept[seg] = []
            if seg not in self._ended:
                self._current = seg
                return said + (self._text(seg, kept) if kept else "")
            del self._kept[seg]
            self._ended.discard(seg)
            if kept:
                said += self._text(seg, kept) + self._fresh_line()
        return said

    def _text(self, seg: int, text: str) -> str:
        opened = self._segs.get(seg)
        head = "" if self._mid_line else self._head(opened)
        self._mid_line = True
        shown = printable(text)
        thinking = opened is not None and opened.channel == "reasoning"
        return head + (self._style(shown, _DIM) if thinking else shown)

    def _head(self, opened: model.Open | None) -> str:
        lane = None if opened is None else opened.lane
        thought = " thinks" if opened is not None and opened.channel == "reasoning" else ""
        colour = _COLOURS[(lane or 0) % len(_COLOURS)]
        return self._style(f"[{self._name(lane)}{thought}]", colour) + " "

    def _name(self, lane: int | None) -> str:
        found = self._lanes.get(lane) if lane is not None else None
        if found is None:
            return "earlier" if lane is None else f"lane {lane}"
        above = self._lanes.get(found.parent) if found.parent is not None else None
        # A team that holds all is no news.
        path = "" if above is None or above.parent is None else f"{shorten(above.name)} / "
        return path + shorten(found.name)

    def _line(self, text: str, style: int = 0) -> str:
        line = self._fresh_line() + self._style(text, style)
        return line + "\n"

    def _fresh_line(self) -> str:
        mid, self._mid_line = self._mid_line, False
        return "\n" if mid else ""

    def _style(self, text: str, style: int) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and style and text else text

    def _end(self, event: model.End) -> str:
        self.outcome = event.outcome
        self.asking.clear()
        said = self._fresh_line()
        self._current = None
        self._ended.update(self._kept)
        said += self._go_on()
        why = f": {printable(event.reason)}" if event.reason else ""
        said += self._line(f"{event.outcome}{why}", _BOLD)
        if event.error is not None:
            said += self._line(printable(f"{event.error.type}: {event.error.message}"))
        return said
