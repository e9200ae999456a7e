"""``ScriptedClient``: a chat model that plays a script, for demos, notebooks and tests.

It is an AutoGen ``ChatCompletionClient`` that needs no key and no network, gives the same chunks
each time, honours the cancellation token, and can do what real models do at the worst moment:
reason, call tools, fail at chunk k, stall for ever. AutoGen's own replay client cannot stream
tool calls or thoughts, loses white space and ignores cancellation.

What a turn may say is in ``script.py``; this module plays it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autogen_core import EVENT_LOGGER_NAME, FunctionCall
from autogen_core.logging import LLMCallEvent, LLMStreamEndEvent
from autogen_core.models import (
    ChatCompletionClient,
    CreateResult,
    ModelFamily,
    ModelInfo,
    RequestUsage,
    SystemMessage,
)
from pydantic import BaseModel

from swarm_stream.errors import ConfigurationError
from swarm_stream.sources.script import ScriptExhaustedError, ToolUse, Turn, as_turn, chunked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from autogen_core import CancellationToken
    from autogen_core.models import LLMMessage
    from autogen_core.tools import Tool, ToolSchema

__all__ = ["Call", "ScriptExhaustedError", "ScriptedClient", "ToolUse", "Turn", "chunked"]


_events = logging.getLogger(EVENT_LOGGER_NAME)


@dataclass(slots=True)
class Call:
    """One call of the model: what it was given, and what it gave.

    Attributes:
        messages: What the agent sent.
        turn: The turn of the script that answered.
        streamed: Whether the answer was asked for in chunks.
        chunks: What left the client, in order; grows while the call runs.
        finished: Whether the call came to its end.

    """

    messages: list[LLMMessage]
    turn: Turn
    streamed: bool
    chunks: list[str] = field(default_factory=list)
    finished: bool = False


class ScriptedClientConfig(BaseModel):
    """AutoGen asks for the type of a component's settings; a script has none to save."""


class ScriptedClient(ChatCompletionClient):
    """Play a script instead of asking a model.

    Each call of ``create`` or ``create_stream`` takes the next turn at once, before it waits for
    anything, so agents that share a client never get the same one. A delay of 0 still gives
    other tasks their turn after each chunk.

    Args:
        script: What to say, turn by turn. A turn is a text, a list of chunks, a ``Turn``, a
            dictionary of its fields, an exception to raise, or a function of the messages that
            gives one of these. Instead of a list: one such function, or a mapping from a word
            in the system message (or in the last message) to a list, for agents that share a
            client; the key ``""`` fits whatever no other key does.
        delay_s: Seconds before each chunk, or a pair of bounds to draw them from.
        seed: Where random delays start; the same seed gives the same delays.
        loop: Whether the script starts again when it is over.
        deaf: Whether the cancellation token is ignored, as some clients do.
        chunk_chars: Longest piece of a word that a text is split into.
        model_info: Overrides of what the model says that it can do.

    Raises:
        ConfigurationError: If the script or a delay cannot be played.

    """

    component_type = "model"
    component_config_schema = ScriptedClientConfig

    def __init__(  # noqa: PLR0913
        self,
        script: Sequence[Any] | Mapping[str, Sequence[Any]] | Callable[[Sequence[LLMMessage]], Any],
        *,
        delay_s: float | tuple[float, float] = 0.0,
        seed: int = 0,
        loop: bool = False,
        deaf: bool = False,
        chunk_chars: int = 5,
        model_info: Mapping[str, Any] | None = None,
    ) -> None:
        bounds = delay_s if isinstance(delay_s, tuple) else (delay_s, delay_s)
        if not 0 <= bounds[0] <= bounds[1]:
            raise ConfigurationError(
                f"delay_s must be seconds, or a pair of them from low to high; got {delay_s!r}"
            )
        if isinstance(script, str):
            raise ConfigurationError(
                f"a script is a list of turns; for a single one write ScriptedClient([{script!r}])"
            )
        self.calls: list[Call] = []
        self._bounds = bounds
        self._seed = seed
        self._loop = loop
        self._deaf = deaf
        self._chunk_chars = chunk_chars
        self._choose = script if callable(script) else None
        self._parts: dict[str, list[Any]] = {}
        if not callable(script):
            named = script if isinstance(script, dict) else {"": script}
            self._parts = {key: list(turns) for key, turns in named.items()}
        for turns in self._parts.values():
            for turn in turns:
                if not callable(turn):
                    as_turn(turn)  # a script that cannot be played is better refused now
        self._next: dict[str, int] = dict.fromkeys(self._parts, 0)
        self._used = RequestUsage(prompt_tokens=0, completion_tokens=0)
        self._info = ModelInfo(
            vision=True,
            function_calling=True,
            json_output=True,
            structured_output=True,
            family=ModelFamily.UNKNOWN,
            multiple_system_messages=True,
        )
        self._info.update(model_info or {})  # type: ignore[typeddict-item]  # checked by AutoGen

    @property
    def produced(self) -> list[list[str]]:
        """The chunks that left the client, call by call, as far as each has come."""
        return [list(call.chunks) for call in self.calls]

    @property
    def text(self) -> str:
        """All that was streamed, joined."""
        return "".join("".join(call.chunks) for call in self.calls if call.streamed)

    async def create(  # noqa: PLR0913
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),  # noqa: ARG002
        tool_choice: Any = "auto",  # noqa: ANN401, ARG002
        json_output: bool | type[BaseModel] | None = None,  # noqa: ARG002
        extra_create_args: Mapping[str, Any] | None = None,  # noqa: ARG002
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        """Give the next turn whole."""
        call, index = self._begin(messages, streamed=False)
        rest = _Rest(None if self._deaf else cancellation_token)
        await self._before(call.turn, rest, at=None, delay_s=self._delays(index, call.turn).next())
        if call.turn.whole:
            call.chunks.append(call.turn.whole)
        return self._result(call)

    async def create_stream(  # noqa: PLR0913
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),  # noqa: ARG002
        tool_choice: Any = "auto",  # noqa: ANN401, ARG002
        json_output: bool | type[BaseModel] | None = None,  # noqa: ARG002
        extra_create_args: Mapping[str, Any] | None = None,  # noqa: ARG002
        cancellation_token: CancellationToken | None = None,
    ) -> AsyncGenerator[str | CreateResult, None]:
        """Give the next turn in chunks, then its result."""
        call, index = self._begin(messages, streamed=True)
        turn = call.turn
        rest = _Rest(None if self._deaf else cancellation_token)
        delays = self._delays(index, turn)
        chunks = turn.stream(self._chunk_chars)
        for at, chunk in enumerate(chunks):
            await self._before(turn, rest, at=at, delay_s=delays.next())
            call.chunks.append(chunk)
            yield chunk
        await self._before(turn, rest, at=None, delay_s=0, count=len(chunks))
        yield self._result(call)

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def actual_usage(self) -> RequestUsage:
        """Give the tokens of all calls so far."""
        return self._used

    def total_usage(self) -> RequestUsage:
        """Give the tokens of all calls so far."""
        return self._used

    def count_tokens(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),  # noqa: ARG002
    ) -> int:
        """Count the words of the messages, for want of a tokenizer."""
        return sum(len(str(message.content).split()) for message in messages)

    def remaining_tokens(
        self, messages: Sequence[LLMMessage], *, tools: Sequence[Tool | ToolSchema] = ()
    ) -> int:
        """Give what is left of an imagined context of 100,000 tokens."""
        return max(0, 100_000 - self.count_tokens(messages, tools=tools))

    @property
    def capabilities(self) -> ModelInfo:
        """Say what the model can do."""
        return self._info

    @property
    def model_info(self) -> ModelInfo:
        """Say what the model can do."""
        return self._info

    def _begin(self, messages: Sequence[LLMMessage], *, streamed: bool) -> tuple[Call, int]:
        call = Call(list(messages), self._take(messages), streamed)
        self.calls.append(call)
        return call, len(self.calls) - 1

    def _take(self, messages: Sequence[LLMMessage]) -> Turn:
        if self._choose is not None:
            return as_turn(self._choose(messages))
        key = self._key(messages)
        turns, index = self._parts[key], self._next[key]
        if index >= len(turns):
            if not self._loop or not turns:
                raise ScriptExhaustedError(key, turns=len(turns))
            index = 0
        self._next[key] = index + 1
        turn = turns[index]
        return as_turn(turn(messages) if callable(turn) else turn)

    def _key(self, messages: Sequence[LLMMessage]) -> str:
        systems = [m.content for m in messages if isinstance(m, SystemMessage)]
        last = str(messages[-1].content) if messages else ""
        for text in (" ".join(systems), last):
            for key in self._parts:
                if key and key in text:
                    return key
        if "" not in self._parts:
            raise ConfigurationError(
                f"no part of the script is for this call: none of {sorted(self._parts)} is in the "
                'system message or the last message. Give a part with the key "" for the others'
            )
        return ""

    def _delays(self, index: int, turn: Turn) -> _Delays:
        delay = turn.delay_s
        bounds = self._bounds if delay is None else (delay, delay)
        # Each call draws from a row of its own, so calls that run at once do not disturb it.
        return _Delays(bounds, random.Random(f"{self._seed}/{index}"))  # noqa: S311

    async def _before(
        self, turn: Turn, rest: _Rest, *, at: int | None, delay_s: float, count: int = 0
    ) -> None:
        """Do what comes before chunk ``at``, or before the end where it is None."""
        await rest(delay_s)

        def due(wanted: int | None) -> bool:
            return wanted is not None and (wanted == at or (at is None and wanted >= count))

        if due(turn.stall_at):
            await rest.for_ever()
        if turn.error is not None and (
            due(turn.error_at) or (at is None and turn.error_at is None)
        ):
            raise turn.error

    def _result(self, call: Call) -> CreateResult:
        call.finished = True
        turn = call.turn
        calls = [
            FunctionCall(
                id=tool.id or f"call_{len(self.calls)}_{n}", name=tool.name, arguments=text
            )
            for n, tool in enumerate(turn.tool_uses)
            for text in [tool.json]
        ]
        thought = turn.thought or (turn.whole if calls else None) or None
        prompt, completion = turn.usage or (
            self.count_tokens(call.messages),
            len(turn.stream(self._chunk_chars)) + len(calls),
        )
        self._used = RequestUsage(
            self._used.prompt_tokens + prompt, self._used.completion_tokens + completion
        )
        result = CreateResult(
            # AutoGen's names for these are checked by its own model.
            finish_reason=turn.finish_reason or ("function_calls" if calls else "stop"),  # type: ignore[arg-type]
            content=calls or turn.whole,
            usage=RequestUsage(prompt_tokens=prompt, completion_tokens=completion),
            cached=False,
            thought=thought,
        )
        self._tell(call, result)
        return result

    def _tell(self, call: Call, result: CreateResult) -> None:
        """Say what the call took where AutoGen's clients do."""
        counts = {
            "prompt_tokens": result.usage.prompt_tokens,
            "completion_tokens": result.usage.completion_tokens,
        }
        if call.streamed:
            _events.info(LLMStreamEndEvent(response=result.model_dump(), **counts))
        else:
            _events.info(LLMCallEvent(messages=[], response=result.model_dump(), **counts))


class _Delays:
    """The row of delays of one call."""

    def __init__(self, bounds: tuple[float, float], row: random.Random) -> None:
        self._low, self._high = bounds
        self._row = row

    def next(self) -> float:
        return self._low if self._low == self._high else self._row.uniform(self._low, self._high)


class _Rest:
    """Wait, until the time is up or the token is cancelled."""

    def __init__(self, token: CancellationToken | None) -> None:
        self._token = token
        self._pending: asyncio.Future[None] | None = None
        if token is not None:
            # One callback for each call: one for each chunk would pile up in the token.
            token.add_callback(self._cancel)

    async def __call__(self, delay_s: float) -> None:
        if self._token is not None and self._token.is_cancelled():
            raise asyncio.CancelledError
        if delay_s <= 0:
            await asyncio.sleep(0)
        else:
            await self._wait(delay_s)
        if self._token is not None and self._token.is_cancelled():
            raise asyncio.CancelledError

    async def for_ever(self) -> None:
        await self._wait(None)

    async def _wait(self, delay_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._pending = future = loop.create_future()
        timer = None if delay_s is None else loop.call_later(delay_s, _wake, future)
        try:
            await future
        finally:
            self._pending = None
            if timer is not None:
                timer.cancel()

    def _cancel(self) -> None:
        future = self._pending
        if future is not None and not future.done():
            # The token may be cancelled from another thread.
            future.get_loop().call_soon_threadsafe(future.cancel)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
