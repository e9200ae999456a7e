"""A ``Run`` for tests: keeps the events, and asserts that they are well formed."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from swarm_stream.config import StreamingConfig
from swarm_stream.events import model
from swarm_stream.events.writer import EventWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.model import Channel
    from swarm_stream.sources.base import Model


class FakeWatcher:
    """Notes who was said to work."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, Model]] = []
        self.tools: list[tuple[str, str]] = []
        self.tokens: list[tuple[Model, int | None, int | None]] = []
        self.asked: list[str] = []
        self.ended: list[tuple[str, BaseException | None]] = []

    def turn(self, lane: int, agent: str, model: Model) -> FakeTurn:
        self.turns.append((agent, model))
        return FakeTurn(self, agent)

    def tool(self, agent: str, tool: str) -> AbstractContextManager[None]:
        self.tools.append((agent, tool))
        return nullcontext()

    def counted(self, model: Model, prompt: int | None, completion: int | None) -> None:
        self.tokens.append((model, prompt, completion))


class FakeTurn:
    def __init__(self, watcher: FakeWatcher, agent: str) -> None:
        self._watcher = watcher
        self._agent = agent

    def goes_on(self) -> None:
        self._watcher.asked.append(self._agent)

    def end(self, error: BaseException | None) -> None:
        self._watcher.ended.append((self._agent, error))


class FakeRun:
    """Collects what a source says. ``speak`` gives a text in words, at once."""

    def __init__(self, *, answer: Callable[[str], str] | None = None, **settings: Any) -> None:
        self.config = StreamingConfig(**settings)
        self.seen: list[model.AnyEvent] = []
        self.stopping = False
        self.watcher = FakeWatcher()
        self.asked: list[tuple[str, int, str | None]] = []
        self.gate_calls = 0
        self.on_event: Callable[[model.AnyEvent], object] = lambda _event: None
        self._open_gate = asyncio.Event()
        self._open_gate.set()
        self._answer = answer
        self._clock = 0.0
        self._lanes: set[int] = set()
        self._open: set[int] = set()
        self._closed: set[int] = set()
        self._calls: set[str] = set()
        self._spoken: set[int] = set()
        self.events = EventWriter(self._take, self._tick)

    def _tick(self) -> float:
        self._clock += 1
        return self._clock

    def _take(self, event: model.AnyEvent) -> None:
        match event:
            case model.Lane(lane=lane, parent=parent):
                assert lane not in self._lanes
                assert parent is None or parent in self._lanes
                self._lanes.add(lane)
            case model.Open(seg=seg, lane=lane):
                assert seg not in self._open | self._closed
                assert lane in self._lanes
                self._open.add(seg)
            case model.Delta(seg=seg, text=text):
                assert seg in self._open
                assert text
            case model.Close(seg=seg):
                assert seg in self._open
                self._open.remove(seg)
                self._closed.add(seg)
            case model.ToolCall(call=call, lane=lane):
                assert call not in self._calls
                assert lane in self._lanes
                self._calls.add(call)
            case model.ToolResult(call=call):
                assert call in self._calls
            case model.Select(lanes=lanes):
                assert set(lanes) <= self._lanes
            case model.Message(lane=lane) | model.Handoff(lane=lane) | model.Usage(lane=lane):
                assert lane in self._lanes
        model.encode_event(event)
        self.seen.append(event)
        self.on_event(event)

    async def gate(self) -> None:
        self.gate_calls += 1
        if not self._open_gate.is_set():
            await self._open_gate.wait()

    def shut(self) -> None:
        self._open_gate.clear()

    def reopen(self) -> None:
        self._open_gate.set()

    async def speak(self, lane: int, text: str, *, channel: Channel = "text") -> None:
        seg = self.events.open(lane, channel)
        self._spoken.add(seg)
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text):
            self.events.delta(seg, word)
        self.events.close(seg)

    async def ask(
        self,
        prompt: str,
        *,
        lane: int | None = None,
        request: str | None = None,
        timeout_s: float | None = None,
        default: str | None = None,
    ) -> str:
        lane = lane or 0
        self.asked.append((prompt, lane, request))
        self.events.input_request(request or "r", lane, prompt)
        if self._answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        reply = self._answer(prompt)
        self.events.input_reply(request or "r", reply, by="test")
        return reply

    # What tests ask.

    def assert_all_closed(self) -> None:
        assert not self._open, "segments left open"

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.seen if isinstance(event, kind)]

    @property
    def lanes(self) -> dict[str, tuple[str | None, str]]:
        """For each lane's name: its parent's name and its kind."""
        names = {lane.lane: lane.name for lane in self.of(model.Lane)}
        return {
            lane.name: (None if lane.parent is None else names[lane.parent], lane.kind)
            for lane in self.of(model.Lane)
        }

    @property
    def name_of(self) -> dict[int, str]:
        return {lane.lane: lane.name for lane in self.of(model.Lane)}

    def streamed(self, channel: str = "text") -> dict[str, str]:
        """What the models streamed in each lane, joined."""
        return {name: "".join(texts) for name, texts in self._texts(channel, spoken=False).items()}

    def spoken(self, channel: str = "text") -> dict[str, list[str]]:
        """The texts that came whole, by lane."""
        return self._texts(channel, spoken=True)

    def streamed_in_order(self) -> str:
        """All that the models streamed, in all lanes and channels."""
        return "".join(e.text for e in self.of(model.Delta) if e.seg not in self._spoken)

    def all_text(self) -> str:
        """All texts that a reader finds anywhere, a line each."""
        texts = [
            text
            for channel in model.CHANNELS
            for spoken in (True, False)
            for said in self._texts(channel, spoken=spoken).values()
            for text in (*said, "".join(said))
        ]
        texts.append(self.streamed_in_order())
        texts += [e.text for e in self.of(model.Close) if e.text is not None]
        texts += [str(e.content) for e in self.of(model.Message) + self.of(model.Handoff)]
        return "\n".join(texts)

    def finals(self) -> list[str]:
        """Final texts that differ from what was streamed."""
        return [e.text for e in self.of(model.Close) if e.text is not None]

    def _texts(self, channel: str, *, spoken: bool) -> dict[str, list[str]]:
        """The texts of all segments, by the name of their lane."""
        segs: dict[int, list[str]] = {}
        texts: defaultdict[str, list[str]] = defaultdict(list)
        for event in self.of(model.Open) + self.of(model.Delta):
            if isinstance(event, model.Delta):
                segs[event.seg].append(event.text)
            else:
                segs[event.seg] = []
        for event in self.of(model.Open):
            if event.channel == channel and (event.seg in self._spoken) is spoken:
                texts[self.name_of[event.lane]].append("".join(segs[event.seg]))
        return dict(texts)

    def deltas(self, lane: str) -> list[str]:
        lane_of = {e.seg: self.name_of[e.lane] for e in self.of(model.Open)}
        return [e.text for e in self.of(model.Delta) if lane_of[e.seg] == lane]
