"""Metrics by OpenTelemetry's conventions for generative AI: instruments, names, buckets.

They are those of https://github.com/open-telemetry/semantic-conventions-genai (in development).
OpenTelemetry itself is imported by ``telemetry`` alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from swarm_stream._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.metrics import Histogram, MeterProvider

    from swarm_stream.events.model import Usage
    from swarm_stream.runtime.meter import Answer
    from swarm_stream.sources.base import Model

__all__ = [
    "AGENT", "CONVERSATION", "ERROR", "OPERATION", "SCOPE", "TOOL", "WORKFLOW", "Attributes",
    "Instruments", "describe_model", "instruments", "kind_of",
]  # fmt: skip

SCOPE: Final = "swarm_stream"
OPERATION: Final = "gen_ai.operation.name"
CONVERSATION: Final = "gen_ai.conversation.id"
WORKFLOW: Final = "gen_ai.workflow.name"
AGENT: Final = "gen_ai.agent.name"
TOOL: Final = "gen_ai.tool.name"
ERROR: Final = "error.type"

_CALL_S: Final = tuple(0.01 * 2**step for step in range(14))
_AGENT_S: Final = tuple(0.1 * 2**step for step in range(13))
_WORKFLOW_S: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_TOKENS: Final = tuple(4**step for step in range(14))

Attributes = dict[str, str]


def describe_model(model: Model) -> Attributes:
    """Give a model's attributes, as far as they are known."""
    known = {"gen_ai.provider.name": model.provider, "gen_ai.request.model": model.name}
    return {name: value for name, value in known.items() if value}


def kind_of(error: BaseException | None) -> str:
    """Give an error's kind, and nothing of its text: that may quote a prompt or a key."""
    if error is None:
        return "_OTHER"
    kind = type(error)
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return home + kind.__qualname__


class Instruments:
    """The instruments of one provider. Any thread."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter(SCOPE, __version__)

        def histogram(name: str, bounds: Sequence[float], what: str, unit: str = "s") -> Histogram:
            return meter.create_histogram(
                f"gen_ai.{name}", unit, what, explicit_bucket_boundaries_advisory=bounds
            )

        self._call = histogram("client.operation.duration", _CALL_S, "A call of a model.")
        self._first_chunk = histogram(
            "client.operation.time_to_first_chunk", _CALL_S, "From the call to its first chunk."
        )
        self._gap = histogram(
            "client.operation.time_per_output_chunk", _CALL_S, "From one chunk to the next."
        )
        self._tokens = histogram("client.token.usage", _TOKENS, "Tokens of a call.", "{token}")
        self._agent = histogram("invoke_agent.duration", _AGENT_S, "A turn of an agent.")
        self._tool = histogram("execute_tool.duration", _CALL_S, "A call of a tool.")
        self._workflow = histogram("workflow.duration", _WORKFLOW_S, "A run of a team.")

    def workflow(self, duration_s: float, name: str, failed: Attributes) -> None:
        """Record a run of a team."""
        self._workflow.record(duration_s, {WORKFLOW: name, **failed})

    def agent(self, duration_s: float, name: str, failed: Attributes) -> None:
        """Record a turn of an agent."""
        self._agent.record(duration_s, {AGENT: name, **failed})

    def tool(self, duration_s: float, agent: str, name: str, failed: Attributes) -> None:
        """Record a call of a tool."""
        self._tool.record(duration_s, {TOOL: name, AGENT: agent, **failed})

    def answer(
        self, answer: Answer, over: float | None, usage: Usage | None, about: Mapping[str, str]
    ) -> None:
        """Record a model's answer, which was over at ``over``, if anybody saw that."""
        if answer.asked is None:
            return
        if over is not None:
            self._call.record(over - answer.asked, about)
        if answer.chunks:
            self._first_chunk.record(answer.first - answer.asked, about)
        if usage is not None:
            self.tokens(about, usage.prompt_tokens, usage.completion_tokens)

    def gaps(self, gaps_s: Sequence[float], about: Mapping[str, str]) -> None:
        """Record the gaps between the chunks of an answer."""
        for gap_s in gaps_s:
            self._gap.record(gap_s, about)

    def tokens(self, about: Mapping[str, str], prompt: int | None, completion: int | None) -> None:
        """Record the tokens of a call, where they were counted."""
        for kind, tokens in (("input", prompt), ("output", completion)):
            if tokens is not None:
                self._tokens.record(tokens, {**about, "gen_ai.token.type": kind})


@lru_cache(maxsize=4)
def instruments(provider: MeterProvider) -> Instruments:
    """Give a provider's instruments: made once, or its SDK complains."""
    return Instruments(provider)
