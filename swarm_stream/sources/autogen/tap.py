"""Listen at the agents of one AutoGen run.

For the time of a run the instance attribute ``on_messages_stream`` of every agent is replaced.
Chunks are written where they leave the agent and go no further: through AutoGen's queues they
would cost ten times as much, run ahead without a limit, and be lost when the run fails. All else
passes through unchanged, so that the framework works and ends as it does without us.

Each invocation of an agent is read by a task of its own. Cancelling that task ends it at once,
whatever the model client or the tool does with AutoGen's token; it also frees an agent whose
tool call was cancelled, which AutoGen leaves waiting for ever.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from autogen_agentchat.agents import UserProxyAgent
from autogen_agentchat.base import Response
from autogen_agentchat.messages import (
    BaseAgentEvent,
    BaseChatMessage,
    ModelClientStreamingChunkEvent,
    SelectSpeakerEvent,
    TextMessage,
    UserInputRequestedEvent,
)

from swarm_stream.sources.autogen.failures import Failures
from swarm_stream.sources.autogen.human import HumanInput
from swarm_stream.sources.autogen.lanes import Lanes
from swarm_stream.sources.autogen.patches import Patches
from swarm_stream.sources.autogen.stop import StopWhenAsked, manager_of
from swarm_stream.sources.autogen.translate import Voice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping

    from swarm_stream.sources.autogen.walk import Node
    from swarm_stream.sources.base import Run

__all__ = ["Tap"]

_END = object()
_log = logging.getLogger("swarm_stream.sources.autogen")

Said = BaseAgentEvent | BaseChatMessage


class Tap:
    """What listens at the agents of one run.

    Used on the loop that runs the agents. ``install`` before the run, ``restore`` after it,
    however it ends.

    Args:
        run: Where things are said.
        root: The agents and teams of the run.

    """

    def __init__(self, run: Run, root: Node) -> None:
        self.failures = Failures()
        self.cancelled = False
        self.stopping = False
        self._run = run
        self._root = root
        self._lanes = Lanes(run.events)
        self._human = HumanInput(run, self._lanes)
        self._patches = Patches()
        self._pumps: dict[asyncio.Task[None], str] = {}
        # What was said already, with the lanes around the one that said it: the same event comes
        # up again through every agent and team that the speaker is inside of.
        self._seen: dict[tuple[type, str], tuple[Node, Mapping[Node, int]]] = {}
        self._tasks: set[tuple[type, str]] = set()
        self._voices: dict[int, Voice] = {}

    @property
    def running(self) -> list[str]:
        """Names of the agents that are being read, for saying what could not be ended."""
        return sorted(self._pumps.values())

    async def install(self, task: Iterable[BaseChatMessage], *, told: bool) -> None:
        """Begin to listen.

        Args:
            task: The messages that the run begins with.
            told: Whether ``start`` tells all of them, so that they need not be repeated.

        Raises:
            SessionStateError: If an agent is part of another run.

        """
        for node in self._root:
            self._tap(node)
        self._lanes.announce(self._root)
        for message in task:
            if told:
                self._mark(message, self._root)
            else:
                self._tasks.add(_key(message))
        for node in self._root:
            if node.is_team:
                await self._make_stoppable(node)
        self.failures.listen(lambda: self._lanes.scope.owner is self._lanes)

    def begin(self) -> None:
        """Make the present task, and all that it starts, a part of this run."""
        self._lanes.begin()

    def restore(self) -> None:
        """Stop listening: every agent is as it was."""
        self.failures.close()
        self._patches.restore()
        for voice in self._voices.values():
            voice.end(partial=False)
        self._voices.clear()

    def cancel(self) -> None:
        """End every invocation at once, and refuse new ones."""
        self.cancelled = True
        for pump in self._pumps:
            pump.cancel()

    async def let_go(self, timeout_s: float) -> list[str]:
        """End what is still read, and give the names of what could not be ended in time."""
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(tuple(self._pumps), timeout=timeout_s)
        return self.running

    async def surface(self, item: Said) -> None:
        """Take what came out of the run itself; what an agent said is known already."""
        if _key(item) not in self._seen:
            await self._around(self._root, item)

    def _tap(self, node: Node) -> None:
        runner: Any = node.runner
        queue = getattr(runner, "_output_message_queue", None)
        if not node.is_team:
            original = runner.on_messages_stream

            def on_messages_stream(
                messages: object, cancellation_token: object
            ) -> AsyncGenerator[Any, None]:
                return self._invoke(node, lambda: original(messages, cancellation_token))

            self._patches.put(runner, "on_messages_stream", on_messages_stream)
            if isinstance(runner, UserProxyAgent):
                self._human.attach(runner, self._patches)
        elif isinstance(queue, asyncio.Queue):
            # A manager's own events are heard where it hands them out: when they come out of
            # the run, the agent that it selected may have spoken already.
            put = queue.put

            async def tapped_put(item: object) -> None:
                if isinstance(item, Said) and _key(item) not in self._seen:
                    await self._around(node, item)
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        return
                await put(item)

            self._patches.put(queue, "put", tapped_put)
        inner_queue = node.is_team and isinstance(queue, asyncio.Queue)
        if node.parent is not None and not inner_queue and (node.tool or node.is_team):
            self._tap_runs(node)

    def _tap_runs(self, node: Node) -> None:
        """Hear what only a run of its own gives: the task of an agent that is a tool."""
        runner: Any = node.runner
        original = runner.run_stream

        async def run_stream(**given: object) -> AsyncGenerator[Any, None]:
            async for item in original(**given):
                if isinstance(item, Said) and _key(item) not in self._seen:
                    await self._around(node, item)
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        continue
                yield item

        self._patches.put(runner, "run_stream", run_stream)

    async def _make_stoppable(self, node: Node) -> None:
        manager = await manager_of(node.runner)
        if manager is not None and hasattr(manager, "_termination_condition"):
            own = manager._termination_condition  # noqa: SLF001
            condition = StopWhenAsked(own, self._stop_asked, node.name)
            self._patches.put(manager, "_termination_condition", condition)

    def _stop_asked(self) -> bool:
        return self.stopping or self._run.stopping

    async def _invoke(
        self, node: Node, start: Callable[[], AsyncIterator[Any]]
    ) -> AsyncGenerator[Any, None]:
        """Be the agent's ``on_messages_stream``: give what it says, without the chunks."""
        if self.cancelled:
            raise asyncio.CancelledError
        hand: asyncio.Queue[Any] = asyncio.Queue()
        pump = asyncio.create_task(
            self._pump(node, start, hand), name=f"swarm_stream reads {node.name}"
        )
        self._pumps[pump] = node.name
        pump.add_done_callback(self._forget)
        try:
            while (item := await hand.get()) is not _END:
                yield item
                hand.task_done()
            await pump
        finally:
            if not pump.done():
                pump.cancel()
                # Bounded: an agent may ignore it. It is named in the run's end, then.
                await asyncio.wait({pump}, timeout=self._run.config.cancel_timeout_s)

    def _forget(self, pump: asyncio.Task[None]) -> None:
        self._pumps.pop(pump, None)
        if not pump.cancelled():
            pump.exception()  # it was raised in the agent's place, or nobody wants it any more

    async def _pump(
        self, node: Node, start: Callable[[], AsyncIterator[Any]], hand: asyncio.Queue[Any]
    ) -> None:
        """Read one invocation: write its chunks, and hand over the rest one by one."""
        scope = self._lanes.enter(node)
        voices = _Voices(self._run, self._lanes, node)
        names = node.names
        gate = self._run.gate
        own = voices.own
        complete = False
        try:
            async with AsyncExitStack() as stack:
                await gate()
                stream = start()
                if hasattr(stream, "aclose"):
                    stack.push_async_callback(stream.aclose)
                async for item in stream:
                    await gate()
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        voice = own if item.source in names else voices.of(item.source)
                        voice.chunk(item.content)
                        continue
                    await self._hear(item, node, scope.lanes, voices)
                    hand.put_nowait(item)
                    # As without us, the agent goes on when the next item is asked for.
                    await hand.join()
            complete = True
        except Exception as error:
            self.failures.add(error)
            raise
        finally:
            voices.end(partial=not complete)
            self._human.left_out(scope.lane)
            hand.put_nowait(_END)

    async def _hear(
        self, item: object, node: Node, lanes: Mapping[Node, int], voices: _Voices
    ) -> None:
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

    async def _around(self, node: Node, item: Said) -> None:
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

    def _mark(self, item: Said, node: Node) -> None:
        self._seen[_key(item)] = (node, self._lanes.path(node))


class _Voices:
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


def _key(item: Said) -> tuple[type, str]:
    # AutoGen gives a thought the id of the message that it belongs to, so the type counts.
    return type(item), item.id
