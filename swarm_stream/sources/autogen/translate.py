"""From AutoGen's events to ours: what one agent says, while it is invoked once.

Pure: no task, no clock and no gate. The tap calls a ``Voice`` for each thing that an agent
yields; the voice writes events, and gives back the texts that came whole, which the tap hands to
``Run.speak``.

Segments are never matched by AutoGen's ids: they are missing (CodeExecutorAgent), reused (tool
loops) or changed on the way (whenever there is a thought). A segment belongs to the invocation,
and ends with the next message or tool call, a switch between text and reasoning, or the
invocation itself.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    CodeExecutionEvent,
    CodeGenerationEvent,
    HandoffMessage,
    ModelClientStreamingChunkEvent,
    MultiModalMessage,
    SelectorEvent,
    SelectSpeakerEvent,
    StopMessage,
    StructuredMessage,
    TextMessage,
    ThoughtEvent,
    ToolCallExecutionEvent,
    ToolCallRequestEvent,
    ToolCallSummaryMessage,
)

from swarm_stream.sources.autogen.calls import counted, write_usage
from swarm_stream.sources.autogen.plain import fields_of, parts, plain
from swarm_stream.sources.autogen.think import ThinkSplitter

if TYPE_CHECKING:
    from collections.abc import Callable

    from autogen_core.models import FunctionExecutionResult

    from swarm_stream.events.model import Channel
    from swarm_stream.events.writer import EventWriter
    from swarm_stream.sources.autogen.calls import ModelCall

__all__ = ["Speech", "Voice"]


class Speech(NamedTuple):
    """A text that came whole and is to be streamed word by word."""

    lane: int
    channel: Channel
    text: str


class Voice:
    """What one agent says in one invocation.

    Args:
        events: Where it is written.
        lane: The agent's lane.
        lane_of: Gives the lane of an agent's name in the team that chose it, or None.
        typed: Whether a person types this: text that comes whole is then shown at once.

    """

    def __init__(
        self,
        events: EventWriter,
        lane: int,
        *,
        lane_of: Callable[[str], int | None] = lambda _name: None,
        typed: bool = False,
    ) -> None:
        self.lane = lane
        self._events = events
        self._lane_of = lane_of
        self._typed = typed
        self._splitter = ThinkSplitter()
        self._seg: int | None = None
        self._channel: Channel = "text"
        # Since the last message or tool call: what was streamed as it came, its text without
        # the reasoning, where the open segment begins in that, and whether there was reasoning.
        self._raw: list[str] = []
        self._said: list[str] = []
        self._from = 0
        self._reasoned = False
        # Native call ids may be empty or come again, also in one invocation.
        self._calls: defaultdict[str, deque[str]] = defaultdict(deque)
        self._code: str | None = None
        self._took: list[ModelCall] = []
        self._counted = False

    def chunk(self, text: str) -> None:
        """Take one chunk that the model streamed."""
        self._raw.append(text)
        if text and self._splitter.plain(text):
            self._delta(self._splitter.channel, text)
            return
        for channel, piece in self._splitter.feed(text):
            self._delta(channel, piece)

    def take(self, item: object) -> list[Speech]:
        """Take anything else that the agent said.

        Returns:
            What remains to be spoken, in order. Everything else is written already.

        """
        speeches = self._take(item)
        if isinstance(item, BaseChatMessage | BaseAgentEvent) and item.models_usage is not None:
            usage = item.models_usage
            if not self._counted:
                self._took.append(counted(usage.prompt_tokens, usage.completion_tokens))
        return speeches

    def called(self, call: ModelCall) -> None:
        """Take what the agent's model client said of a call; its messages need not tell it then."""
        self._counted = True
        self._took.append(call)

    def settle(self) -> None:
        """Say what the model took, and how its answer ended: after the answer itself."""
        for call in self._took:
            write_usage(self._events, self.lane, call)
        self._took.clear()

    def end(self, *, partial: bool) -> None:
        """End the invocation; ``partial`` where it was cut."""
        self._finish(partial=partial)
        self.settle()

    def _take(self, item: object) -> list[Speech]:  # noqa: C901, PLR0912
        match item:
            case ModelClientStreamingChunkEvent(content=text):
                self.chunk(text)
            case ThoughtEvent(content=text):
                return self._thought(text)
            case ToolCallRequestEvent(content=calls):
                self._finish()
                for call in calls:
                    minted = self._events.tool_call(self.lane, call.name, call.arguments)
                    self._calls[call.id].append(minted)
            case ToolCallExecutionEvent(content=results):
                for result in results:
                    self._result(result)
            case CodeGenerationEvent():
                return self._generated(item)
            case CodeExecutionEvent(result=ran):
                generated, self._code = self._code, None
                if generated is None:
                    generated = self._events.tool_call(self.lane, "code", "")
                self._events.tool_result(generated, ran.output, is_error=ran.exit_code != 0)
            case SelectSpeakerEvent(content=names):
                lanes = [self._lane_of(name) for name in names]
                self._finish()
                if None in lanes:
                    self._events.raw(plain(item), lane=self.lane)
                else:
                    self._events.select(lane for lane in lanes if lane is not None)
            case SelectorEvent(content=text):
                return self._final(text)
            case HandoffMessage(target=target, content=text):
                self._finish()
                self._events.handoff(self.lane, target, text)
            case ToolCallSummaryMessage(content=text):
                self._finish()
                self._events.message(self.lane, text, kind="summary")
            case StopMessage(content=text) if not self._said:
                self._finish()
                self._events.message(self.lane, text, kind="stop")
            case MultiModalMessage(content=content):
                self._finish()
                self._events.message(self.lane, parts(content), kind="multimodal")
            case StructuredMessage(content=content):
                self._finish()
                self._events.message(self.lane, fields_of(content), kind="structured")
            case TextMessage(content=text) if self._typed and not self._said:
                self._finish()
                self._events.message(self.lane, text)
            case TextMessage(content=text) | StopMessage(content=text):
                return self._final(text)
            case BaseChatMessage():
                self._finish()
                self._events.raw(plain(item), lane=self.lane)
            case _:
                self._events.raw(plain(item), lane=self.lane)
        return []

    def _delta(self, channel: Channel, text: str) -> None:
        if self._seg is None or channel != self._channel:
            if self._seg is not None:
                self._events.close(self._seg)
            self._seg = self._events.open(self.lane, channel)
            self._channel = channel
            self._from = len(self._said)
        if channel == "text":
            self._said.append(text)
        else:
            self._reasoned = True
        self._events.delta(self._seg, text)

    def _release(self) -> None:
        for channel, piece in self._splitter.release():
            self._delta(channel, piece)

    def _finish(self, *, final: str | None = None, partial: bool = False) -> None:
        """Close what is open, and forget what was said before."""
        self._release()
        self._splitter.restart()
        if self._seg is not None:
            self._events.close(self._seg, text=final, partial=partial)
        self._seg = None
        self._raw.clear()
        self._said.clear()
        self._reasoned = False

    def _final(self, text: str) -> list[Speech]:
        """Take the final form of what was streamed, or a text that was not streamed."""
        self._release()
        if not self._said:
            self._finish()
            return self._whole(text)
        # An answer is what was said after the reasoning, or all of it; some clients count the
        # reasoning with its markers as a part of the answer.
        streamed = ("".join(self._said[self._from :]), "".join(self._said), "".join(self._raw))
        if text in streamed:
            self._finish()
        elif self._seg is not None and self._channel == "text":
            self._finish(final=text)
        else:
            self._finish()
            self._events.message(self.lane, text)
        return []

    def _whole(self, text: str) -> list[Speech]:
        splitter = ThinkSplitter()
        said = [*splitter.feed(text), *splitter.release()]
        return [Speech(self.lane, channel, piece) for channel, piece in said]

    def _thought(self, text: str) -> list[Speech]:
        self._release()
        # With tool calls the thought is the text before them. It is compared without the blanks
        # at its ends, and streamed reasoning not at all: AutoGen strips letters of "<think>" off.
        if self._reasoned or "".join(self._said).strip() == text.strip():
            return []
        return [Speech(self.lane, "reasoning", text)]

    def _generated(self, item: CodeGenerationEvent) -> list[Speech]:
        speeches = self._final(item.content)
        if item.code_blocks:
            code = "\n".join(f"```{b.language}\n{b.code}\n```" for b in item.code_blocks)
            self._code = self._events.tool_call(self.lane, "code", code)
        return speeches

    def _result(self, result: FunctionExecutionResult) -> None:
        waiting = self._calls.get(result.call_id)
        call = waiting.popleft() if waiting else self._events.tool_call(self.lane, result.name, "")
        self._events.tool_result(call, result.content, is_error=bool(result.is_error))
