"""Who says what in an AutoGen run, each thing once, whichever way it comes up.

The same event comes out of the agent that says it, of every agent and team around it, and of
the run itself. It belongs to the innermost one; what no agent was heard to say is a manager's
word, a task, or a remote agent's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from autogen_agentchat.base import Response
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    SelectSpeakerEvent,
    TextMessage,
    UserInputRequestedEvent,
)

from swarm_stream.sources.autogen.calls import write_usage
from swarm_stream.sources.autogen.models import model_of
from swarm_stream.sources.autogen.translate import Voice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from swarm_stream.sources.autogen.calls import ModelCall
    from swarm_stream.sources.autogen.human import HumanInput
    from swarm_stream.sources.autogen.lanes import Lanes
    from swarm_stream.sources.autogen.walk import Node
    from swarm_stream.sources.base import Run

__all__ = ["Hearing", "Said", "Voices"]

Said = BaseAgentEvent | BaseChatMessage


class Hearing:
    """What was heard in one run. On the loop that runs the agents.

    Args:
        run: Where it is written.
        root: The agents and teams of the run.
        lanes: Their lanes.
        human: Takes announcements of questions.

    """

    def __init__(self, run: Run, root: Node, lanes: Lanes, human: HumanInput) -> None:
        self._run = run
        self._root = root
        self._lanes = lanes
        self._human = human
        # What was said already, with the lanes around the one that said it.
        self._seen: dict[tuple[type, str], tuple[Node, Mapping[Node, int]]] = {}
        self._tasks: set[tuple[type, str]] = set()
        self._voices: dict[int, Voice] = {}

    def expect(self, task: Iterable[BaseChatMessage], *, told: bool) -> None:
        """Know the messages that the run begins with; ``told`` ones are not written again."""
        for message in task:
            if told:
                self._mark(message, self._root)
            else:
                self._tasks.add(_key(message))

    def is_new(self, item: object) -> TypeGuard[Said]:
        """Tell whether something is said that was not heard before."""
        return isinstance(item, Said) and _key(item) not in self._seen

    def close(self) -> None:
        """End what is not ended."""
        for voice in self._voices.values():
            voice.end(partial=False)
        self._voices.clear()

    async def hear(
        self, item: object, node: Node, lanes: Mapping[Node, int], voices: Voices
    ) -> None:
        """Take what came out of an agent's invocation, but for its chunks."""
        message = item.chat_message if isinstance(item, Response) else item
        if not isinstance(message, Said):
            voices.own.take(message)
            return
        key = _key(message)
        speaker, around = self._seen.get(key, (node, {}))
        if speaker is not node and node in around:
            return  # it was said further inside
        self._seen[key] = (node, lanes)
        if isinstance(message, UserInputRequestedEvent):
            self._human.requested(message.request_id, voices.own.lane, node.runner)
            return
        # A response is the agent's own whatever name it bears. Other names are those of agents
        # inside of it that the tree does not show.
        mine = isinstance(item, Response) or message.source in voices.names
        await self._speak(voices.own if mine else voices.of(message.source), message)

    async def around(self, node: Node, item: Said) -> None:
        """Take what no agent was heard to say: a manager's word, a task, a remote agent's."""
        self._mark(item, node)
        lane = self._lanes.of(node)
        speaker = node.participant(item.source)
        manager = getattr(node.runner, "_group_chat_manager_name", None)
        if _key(item) in self._tasks:
            voice = self._voice(self._lanes.named(item.source, None, "user"), typed=True)
            await self._speak(voice, item)
        elif isinstance(item, SelectSpeakerEvent):
            await self._speak(self._voice(lane, node), item)
        elif speaker is not None:
            await self._speak(self._voice(self._lanes.of(speaker)), item)
        elif isinstance(item, BaseChatMessage) and item.source != manager and node.parent is None:
            await self._speak(self._voice(self._lanes.named(item.source, lane, "agent")), item)
        elif isinstance(item, TextMessage) and item.source != manager:
            self._run.events.message(lane, item.content, kind="task")
        elif isinstance(item, BaseChatMessage) and item.source != manager:
            await self._speak(self._voice(lane), item)
        else:
            if isinstance(item, ModelClientStreamingChunkEvent):
                await self._run.gate()
            await self._speak(self._voice(self._lanes.named(item.source, lane, "manager")), item)

    def _voice(self, lane: int, team: Node | None = None, *, typed: bool = False) -> Voice:
        """Give the voice of somebody whose invocations are not seen."""
        voice = self._voices.get(lane)
        if voice is None:

            def lane_of(name: str) -> int | None:
                chosen = None if team is None else team.participant(name)
                return None if chosen is None else self._lanes.of(chosen)

            voice = Voice(self._run.events, lane, lane_of=lane_of, typed=typed)
            self._voices[lane] = voice
        return voice

    async def _speak(self, voice: Voice, item: object) -> None:
        for speech in voice.take(item):
            await self._run.speak(speech.lane, speech.text, channel=speech.channel)
        voice.settle()

    def manager_called(self, call: ModelCall) -> None:
        """Take a model's call that no agent made: the manager's of one of the teams."""
        team = next((n for n in self._root if _is_manager(n, call.agent_id)), self._root)
        write_usage(self._run.events, self._lanes.of(team), call)
        model = model_of(team.runner)
        self._run.watcher.counted(model, call.prompt_tokens, call.completion_tokens)

    def _mark(self, item: Said, node: Node) -> None:
        self._seen[_key(item)] = (node, self._lanes.path(node))


class Voices:
    """The voices of one invocation: the agent's own, and those of agents it lets speak."""

    def __init__(self, run: Run, lanes: Lanes, node: Node) -> None:
        self.names = node.names
        self._run = run
        self._lanes = lanes
        self._others: dict[str, Voice] = {}
        self.own = Voice(run.events, lanes.of(node), typed=node.kind == "user")

    def of(self, source: str) -> Voice:
        """Give the voice of another name."""
        if source not in self._others:
            lane = self._lanes.named(source, self.own.lane, "agent")
            self._others[source] = Voice(self._run.events, lane)
        return self._others[source]

    def end(self, *, partial: bool) -> None:
        """End all of them."""
        for voice in (*self._others.values(), self.own):
            voice.end(partial=partial)


def _is_manager(node: Node, agent_id: str) -> bool:
    topic = getattr(node.runner, "_group_chat_manager_topic_type", "")
    return bool(topic) and agent_id.startswith(topic)


def _key(item: Said) -> tuple[type, str]:
    # AutoGen gives a thought the id of the message that it belongs to, so the type counts.
    return type(item), item.id
