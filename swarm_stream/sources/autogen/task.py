"""What an AutoGen agent or team is asked to do."""

from __future__ import annotations

from collections.abc import Sequence

from autogen_agentchat.messages import BaseChatMessage, TextMessage

from swarm_stream.errors import SourceError

__all__ = ["messages_of"]


def messages_of(task: object) -> list[BaseChatMessage]:
    """Give a task as messages, as AutoGen itself would make them.

    Raises:
        SourceError: If AutoGen takes no such task.

    """
    match task:
        case None:
            return []
        case str():
            return [TextMessage(content=task, source="user")]
        case BaseChatMessage():
            return [task]
        case Sequence() if task and all(isinstance(entry, BaseChatMessage) for entry in task):
            return list(task)
        case Sequence() if not task:
            raise SourceError("the list of messages is empty; give a task, or task=None to go on")
        case list() | tuple():
            number, entry = next(
                (number, entry)
                for number, entry in enumerate(task)
                if not isinstance(entry, BaseChatMessage)
            )
            raise SourceError(
                f"an AutoGen task is a text, a message or a list of messages, and item {number} of "
                f"this list is {type(entry).__name__}. Give one text, or "
                "TextMessage(content='...', source='user') for each"
            )
        case _:
            raise SourceError(
                f"an AutoGen task is a text, a message or a list of messages, not "
                f"{type(task).__name__}. For other data write task=str(data)"
            )
