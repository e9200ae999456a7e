"""What a scripted model may say: turns, and how text is cut into chunks.

Knows no agent framework, so that clients for others can play the same scripts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from swarm_stream.errors import ConfigurationError, SwarmStreamError

__all__ = ["ScriptExhaustedError", "ToolUse", "Turn", "as_turn", "chunked"]


class ScriptExhaustedError(SwarmStreamError, RuntimeError):
    """Raised when a scripted model is asked for more turns than its script has."""

    def __init__(self, part: str, *, turns: int) -> None:
        self.part = part
        self.turns = turns
        which = f"part {part!r} of the script" if part else "the script"
        super().__init__(
            f"{which} is over: all of its {turns} turns were given. Add turns, or let it start "
            "again with ScriptedClient(..., loop=True)"
        )


def chunked(text: str, *, chars: int = 5) -> list[str]:
    """Cut text into token-like chunks that give exactly the text again when joined.

    The same text always gives the same chunks. A chunk is up to ``chars`` characters of a word
    with the blank before it, or a few other characters.
    """
    # Every character is a word's, a blank or neither, so nothing falls between the three.
    return re.findall(rf"\s?\w{{1,{max(1, chars)}}}|\s?[^\w\s]{{1,3}}|\s", text)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool. ``arguments`` is JSON text, or what becomes it."""

    name: str
    arguments: str | Mapping[str, Any] = "{}"
    id: str = ""

    @property
    def json(self) -> str:
        """The arguments as the text that a model would give."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a scripted model.

    Attributes:
        text: What it says, cut into chunks when it is streamed.
        chunks: What it says, cut already; instead of ``text``.
        thought: What it thinks first; streamed between ``<think>`` and ``</think>``.
        tools: Tools it calls: ``ToolUse``, ``(name, arguments)`` or a dictionary.
        usage: Tokens of the prompt and of the answer; counted roughly when None.
        finish_reason: As AutoGen names it; ``stop`` or ``function_calls`` when None.
        error: What is raised.
        error_at: Number of chunks that leave before the error; None is after all of them.
        stall_at: Number of chunks that leave before it says nothing more until it is cancelled.
        delay_s: Seconds before each chunk, instead of the client's.

    """

    text: str = ""
    chunks: Sequence[str] | None = None
    thought: str = ""
    tools: Sequence[Any] = ()
    usage: tuple[int, int] | None = None
    finish_reason: str | None = None
    error: BaseException | None = None
    error_at: int | None = None
    stall_at: int | None = None
    delay_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be played."""
        if self.chunks is not None and self.text:
            raise ConfigurationError("a turn has text or chunks, not both; leave one out")
        if self.error_at is not None and self.error is None:
            raise ConfigurationError("error_at needs error: the exception to raise there")
        for tool in self.tools:
            _tool(tool)

    @property
    def whole(self) -> str:
        """All that it says, in one piece."""
        return self.text if self.chunks is None else "".join(self.chunks)

    @property
    def tool_uses(self) -> list[ToolUse]:
        """The tools that it calls."""
        return [_tool(tool) for tool in self.tools]

    def stream(self, chars: int) -> list[str]:
        """Give the chunks as AutoGen's clients stream them, thoughts first."""
        said = chunked(self.text, chars=chars) if self.chunks is None else list(self.chunks)
        if not self.thought:
            return said
        first, *more = chunked(self.thought, chars=chars)
        return ["<think>" + first, *more, "</think>", *said]


def as_turn(given: Any) -> Turn:  # noqa: ANN401
    """Read one turn of a script.

    Raises:
        ConfigurationError: If it is none.

    """
    match given:
        case Turn():
            return given
        case str():
            return Turn(given)
        case BaseException():
            return Turn(error=given)
        case Mapping():
            known = {entry.name for entry in fields(Turn)}
            if unknown := set(given) - known:
                raise ConfigurationError(
                    f"a turn has no {', '.join(map(repr, sorted(unknown)))}; it has "
                    f"{', '.join(sorted(known))}"
                )
            return Turn(**given)
        case list() | tuple() if all(isinstance(chunk, str) for chunk in given):
            return Turn(chunks=tuple(given))
        case _:
            raise ConfigurationError(
                f"{type(given).__name__} is no turn of a script; give a text, a list of chunks, "
                "a Turn, a dictionary of its fields or an exception"
            )


def _tool(given: Any) -> ToolUse:  # noqa: ANN401
    match given:
        case ToolUse():
            return given
        case str():
            return ToolUse(given)
        case Mapping():
            return ToolUse(**given)
        case (str() as name, arguments):
            return ToolUse(name, arguments)
        case _:
            raise ConfigurationError(
                f"{given!r} is no call of a tool; give ToolUse(name, arguments), a pair of both, "
                "or just the name"
            )
