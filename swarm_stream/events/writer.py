"""How a source says things: every id is minted here, and no segment is left open.

A source never builds events itself. It calls ``EventWriter``, which numbers lanes and segments,
stamps the time and hands each event to its sink. Native ids of a framework are metadata and
never identify anything here: AutoGen's, for one, are absent, reused or changed on the way.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swarm_stream.errors import LocalProtocolError
from swarm_stream.events import model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["EventWriter", "well_formed"]

MAX_REASON: Final = 10_000
"""Characters of each text in an ``end``: in JSON they are at most six times as many bytes, and all
four together have to fit an event that goes out in one piece (256 KiB)."""


def well_formed(text: str) -> str:
    """Give ``text`` with lone surrogates replaced, so that it can be sent as UTF-8.

    A pair of surrogates, as a model's server gives when it escapes an emoji, becomes the
    character it means; a lone one becomes U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class EventWriter:
    """Write a run's events, in order, with ids of its own.

    The sink must be safe from the threads that use the writer; the writer adds no lock.

    Args:
        sink: Takes each event; its return value is ignored.
        clock_ms: Gives milliseconds since the epoch.

    """

    def __init__(
        self, sink: Callable[[model.AnyEvent], object], clock_ms: Callable[[], float]
    ) -> None:
        self._sink = sink
        self._now = clock_ms
        self._lanes = count()
        self._segs = count()
        self._calls = count()
        self._open: dict[int, int] = {}
        # A high surrogate at the end of a chunk waits for its other half in the next one.
        self._halves: dict[int, str] = {}

    @property
    def open_segments(self) -> dict[int, int]:
        """Segments that have not been closed, with their lanes."""
        return dict(self._open)

    def start(self, *, task: str, source: str, caps: Iterable[str]) -> None:
        """Begin the run: the first event."""
        self._sink(
            model.Start(t=self._now(), task=well_formed(task), source=source, caps=sorted(caps))
        )

    def lane(self, name: str, *, parent: int | None = None, kind: str = "agent") -> int:
        """Open a lane for an agent, team or tool, and give its number."""
        lane = next(self._lanes)
        self._sink(
            model.Lane(t=self._now(), lane=lane, name=well_formed(name), parent=parent, kind=kind)
        )
        return lane

    def open(self, lane: int, channel: model.Channel = "text") -> int:
        """Begin a stretch of streamed text in a lane, and give its number."""
        seg = next(self._segs)
        self._open[seg] = lane
        self._sink(model.Open(t=self._now(), seg=seg, lane=lane, channel=channel))
        return seg

    def delta(self, seg: int, text: str) -> None:
        """Add one chunk, as the model gave it. An empty one is no event.

        Raises:
            LocalProtocolError: If the segment was closed or never opened.

        """
        if seg not in self._open:
            raise LocalProtocolError(f"segment {seg} is not open, so nothing can be added to it")
        if not text.isascii():
            text = self._whole(seg, text)
        if text:
            self._sink(model.Delta(t=self._now(), seg=seg, text=text))

    def close(self, seg: int, *, text: str | None = None, partial: bool = False) -> None:
        """End a segment. Closing one twice does nothing.

        Args:
            seg: The segment.
            text: The agent's final text, only where it differs from what was streamed.
            partial: Whether the text was cut.

        """
        if seg not in self._open:
            return
        if seg in self._halves:
            half = self._halves.pop(seg)
            self._sink(model.Delta(t=self._now(), seg=seg, text=well_formed(half)))
        del self._open[seg]
        final = None if text is None else well_formed(text)
        self._sink(model.Close(t=self._now(), seg=seg, text=final, partial=partial))

    def message(self, lane: int, content: Any, *, kind: str = "text") -> None:  # noqa: ANN401
        """Give a message that was not streamed."""
        self._sink(model.Message(t=self._now(), lane=lane, kind=kind, content=_clean(content)))

    def tool_call(self, lane: int, name: str, arguments: str, *, call: str = "") -> str:
        """Say that an agent calls a tool, and give the call's id (minted where it is empty)."""
        call = call or f"call-{next(self._calls)}"
        self._sink(
            model.ToolCall(
                t=self._now(), call=call, lane=lane, name=name, arguments=well_formed(arguments)
            )
        )
        return call

    def tool_result(self, call: str, content: str, *, is_error: bool = False) -> None:
        """Say what a tool answered."""
        self._sink(
            model.ToolResult(
                t=self._now(), call=call, content=well_formed(content), is_error=is_error
            )
        )

    def handoff(self, lane: int, target: str, content: str = "") -> None:
        """Say that a lane hands the task to another agent."""
        self._sink(
            model.Handoff(t=self._now(), lane=lane, target=target, content=well_formed(content))
        )

    def select(self, lanes: Iterable[int]) -> None:
        """Say whom the team chose to speak next."""
        self._sink(model.Select(t=self._now(), lanes=list(lanes)))

    def input_request(
        self, request: str, lane: int, prompt: str, *, elsewhere: bool = False
    ) -> None:
        """Say that a person is asked; ``elsewhere`` where views cannot answer."""
        self._sink(
            model.InputRequest(
                t=self._now(),
                request=request,
                lane=lane,
                prompt=well_formed(prompt),
                elsewhere=elsewhere,
            )
        )

    def input_reply(
        self, request: str, content: str, *, by: str = "", withdrawn: bool = False
    ) -> None:
        """Say what the person answered, or that the question was taken back."""
        self._sink(
            model.InputReply(
                t=self._now(),
                request=request,
                content=well_formed(content),
                by=by,
                withdrawn=withdrawn,
            )
        )

    def control(self, control: str, action: str, *, by: str = "") -> None:
        """Say who pressed which button."""
        self._sink(model.Control(t=self._now(), id=control, action=action, by=by))

    def usage(
        self,
        lane: int,
        *,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        finish_reason: str | None = None,
    ) -> None:
        """Say what one call of a model took."""
        self._sink(
            model.Usage(
                t=self._now(),
                lane=lane,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                finish_reason=finish_reason,
            )
        )

    def raw(self, native: Any, *, lane: int | None = None) -> None:  # noqa: ANN401
        """Give anything else that the framework said; ``native`` must be plain JSON."""
        self._sink(model.Raw(t=self._now(), native=_clean(native), lane=lane))

    def event(self, event: model.AnyEvent) -> None:
        """Pass on an event that somebody else made (a replay); its ids are kept."""
        match event:
            case model.Open(seg=seg, lane=lane):
                self._open[seg] = lane
            case model.Close(seg=seg):
                self._open.pop(seg, None)
            case _:
                pass
        self._sink(event)

    def end(
        self, outcome: model.Outcome, *, reason: str = "", error: model.ErrorInfo | None = None
    ) -> None:
        """End the run: closes what is open as ``partial``, then gives the last event.

        Its texts are cut, so that it never has to be: who reads knows a stream's end by this event.
        """
        for seg in tuple(self._open):
            self.close(seg, partial=True)
        reason = reason[:MAX_REASON]
        if error is not None:
            error = msgspec.structs.replace(
                error,
                type=error.type[:MAX_REASON],
                message=error.message[:MAX_REASON],
                traceback=error.traceback[-MAX_REASON:],
            )
        self._sink(model.End(t=self._now(), outcome=outcome, reason=reason, error=error))

    def _whole(self, seg: int, text: str) -> str:
        text = self._halves.pop(seg, "") + text
        if "\ud800" <= text[-1:] <= "\udbff":
            self._halves[seg] = text[-1]
            text = text[:-1]
        return well_formed(text)


def _clean(value: Any) -> Any:  # noqa: ANN401
    """Make every string in plain JSON well formed."""
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {well_formed(str(key)): _clean(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_clean(entry) for entry in value]
        case _:
            return value
