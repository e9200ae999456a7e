"""End a team after the agent that is speaking, as AutoGen's own termination conditions do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autogen_agentchat.base import TerminationCondition
from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage, StopMessage
from autogen_core import AgentId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["StopWhenAsked", "manager_of"]


class StopWhenAsked(TerminationCondition):
    """The team's own condition, or a stop that was asked for, whichever comes first.

    Args:
        own: The team's condition, if it has one.
        asked: Whether a stop was asked for.
        source: Who says so in the stop message.

    """

    def __init__(
        self, own: TerminationCondition | None, asked: Callable[[], bool], source: str
    ) -> None:
        self._own = own
        self._asked = asked
        self._source = source

    @property
    def terminated(self) -> bool:
        """Whether the team's own condition was reached before."""
        return self._own is not None and self._own.terminated

    async def __call__(
        self, messages: Sequence[BaseAgentEvent | BaseChatMessage]
    ) -> StopMessage | None:
        """Ask the team's own condition first: it may count."""
        stop = None if self._own is None else await self._own(messages)
        if stop is None and self._asked():
            return StopMessage(content="Stop requested", source=self._source)
        return stop

    async def reset(self) -> None:
        """Reset the team's own condition."""
        if self._own is not None:
            await self._own.reset()


async def manager_of(team: Any) -> Any | None:  # noqa: ANN401
    """Give the manager of a group chat, or None where it cannot be reached.

    A team makes its manager when it runs first; this does so a moment earlier.
    """
    try:
        runtime, topic = team._runtime, team._group_chat_manager_topic_type  # noqa: SLF001
        if not team._initialized:  # noqa: SLF001
            await team._init(runtime)  # noqa: SLF001
        return await runtime.try_get_underlying_agent_instance(
            AgentId(type=topic, key=team._team_id)  # noqa: SLF001
        )
    except (AttributeError, NotImplementedError, LookupError, TypeError):
        # A team of another kind, or a runtime in another process: it cannot be stopped early.
        return None
