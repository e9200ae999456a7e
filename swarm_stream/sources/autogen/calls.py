"""What model clients say of their calls: tokens and finish reasons.

AutoGen's messages carry neither the reason why an answer ended nor, for managers, any tokens. Its
clients write both to the ``autogen_core.events`` log, in the task that called them. That log is
listened to while runs go on; what its user sees of it stays as it was.
"""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from autogen_core import EVENT_LOGGER_NAME
from autogen_core.logging import LLMCallEvent, LLMStreamEndEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.writer import EventWriter

__all__ = ["ModelCall", "call_to", "counted", "listen", "write_usage"]

# Other names of the reasons that ``events.model.Usage`` has.
_REASONS: Final = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "function_calls": "function_calls",
    "function_call": "function_calls",
    "tool_calls": "function_calls",
    "tool_use": "function_calls",
    "content_filter": "content_filter",
}


_OURS: Final = logging.INFO - 1
"""A level that nobody else sets: by it we know whether the level is still the one we have set."""


class ModelCall(NamedTuple):
    """One call of a model that has ended. Counts are None where nobody counted."""

    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    agent_id: str
    """AutoGen's id of whoever handled the message in which the call was made, or empty."""


def write_usage(events: EventWriter, lane: int, call: ModelCall) -> None:
    """Say what a call took, and how its answer ended."""
    events.usage(
        lane,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        finish_reason=call.finish_reason,
    )


def counted(
    prompt: int, completion: int, reason: str | None = None, agent_id: str = ""
) -> ModelCall:
    """Make a call of what was counted: 0 and 0 is what streams give that were not asked to."""
    if prompt or completion:
        return ModelCall(prompt, completion, reason, agent_id)
    return ModelCall(None, None, reason, agent_id)


_told: ContextVar[Callable[[ModelCall], None] | None] = ContextVar(
    "swarm_stream_model_calls", default=None
)


def call_to(heard: Callable[[ModelCall], None]) -> None:
    """Have ``heard`` called for the calls of the present task, and of all that it starts."""
    _told.set(heard)


class _EventLog(logging.Filter):
    """Hears the records of the event log, and hides those that were hidden without it."""

    def __init__(self) -> None:
        super().__init__()
        self._logger = logging.getLogger(EVENT_LOGGER_NAME)
        self._lock = threading.Lock()
        self._users = 0
        self._level = logging.NOTSET
        self._shown = logging.NOTSET
        self._raised = False

    def open(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            self._level, self._shown = self._logger.level, self._logger.getEffectiveLevel()
            self._raised = self._shown > logging.INFO
            if self._raised:
                self._logger.setLevel(_OURS)
            self._logger.addFilter(self)

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._logger.removeFilter(self)
                if self._raised and self._logger.level == _OURS:
                    self._logger.setLevel(self._level)  # else its user has set it since

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _told.get()
        if heard is not None and isinstance(record.msg, LLMCallEvent | LLMStreamEndEvent):
            heard(_read(record.msg))
        return self._logger.level != _OURS or record.levelno >= self._shown


_event_log: Final = _EventLog()


def listen() -> Callable[[], None]:
    """Listen to the event log, for one run; gives what ends it, which may be called twice."""
    closing = [_event_log.close]
    _event_log.open()

    def close() -> None:
        if closing:
            closing.pop()()

    return close


def _read(said: LLMCallEvent | LLMStreamEndEvent) -> ModelCall:
    streamed = isinstance(said, LLMStreamEndEvent)
    reason = _REASONS.get(_reason(said.kwargs.get("response")))
    if reason is None and streamed:
        # A body that ended in order without a reason; AutoGen takes it for the whole answer.
        reason = "unknown"
    agent_id = str(said.kwargs.get("agent_id") or "")
    return counted(said.prompt_tokens, said.completion_tokens, reason, agent_id)


def _reason(response: Any) -> str:  # noqa: ANN401  (every client logs another shape)
    match response:
        case {"finish_reason": str() as reason} | {"stop_reason": str() as reason}:
            return reason
        case {"choices": [{"finish_reason": str() as reason}, *_]}:
            return reason
        case _:
            return ""
