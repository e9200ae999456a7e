"""AutoGen's messages in a chat history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autogen_agentchat.messages import BaseAgentEvent, BaseChatMessage

from swarm_stream.sources.autogen.translate import Voice

if TYPE_CHECKING:
    from swarm_stream.events.model import Channel
    from swarm_stream.sources.base import Run

__all__ = ["AutoGenTeller", "is_autogen_message"]


def is_autogen_message(given: object) -> bool:
    """Tell whether this is a message or an event of AutoGen's."""
    return isinstance(given, BaseChatMessage | BaseAgentEvent)


class AutoGenTeller:
    """Say AutoGen's messages; calls and results of a lane belong together."""

    def __init__(self) -> None:
        self._voices: dict[int, Voice] = {}

    def __call__(self, run: Run, lane: int, message: object) -> list[tuple[Channel, str]]:
        """Write a message, and give what is to be spoken: channel and text."""
        voice = self._voices.setdefault(lane, Voice(run.events, lane))
        said = [(speech.channel, speech.text) for speech in voice.take(message)]
        voice.end(partial=False)
        return said
