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
from autogen_agentchat.messages import ModelClientStreamingChunkEvent

from swarm_stream.sources.asking import Asker, use_asker
from swarm_stream.sources.autogen.calls import call_to, listen
from swarm_stream.sources.autogen.failures import Failures
from swarm_stream.sources.autogen.hearing import Hearing, Voices
from swarm_stream.sources.autogen.human import HumanInput
from swarm_stream.sources.autogen.lanes import Lanes
from swarm_stream.sources.autogen.models import model_of
from swarm_stream.sources.autogen.patches import Patches
from swarm_stream.sources.autogen.stop import StopWhenAsked, manager_of
from swarm_stream.sources.autogen.tools import RunningTools
from swarm_stream.sources.autogen.walk import tools_of, unfiltered
from swarm_stream.sources.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

    from autogen_agentchat.messages import BaseChatMessage

    from swarm_stream.sources.autogen.hearing import Said
    from swarm_stream.sources.autogen.walk import Node
    from swarm_stream.sources.base import Run

__all__ = ["Tap"]

_END = object()
_log = logging.getLogger("swarm_stream.sources.autogen")


class Tap:
    """What listens at the agents of one run.

    Used on the loop that runs the agents. ``install`` before the run, ``restore`` after it,
    however it ends.

    Args:
        run: Where things are said.
        root: The agents and teams of the run.

    Attributes:
        failures: The exceptions of the run.
        cancelled: Whether new invocations are refused.
        stopping: Whether the run is to end after the agents that are speaking.
        patches: What was replaced for the time of the run.
        speaking: The agents whose invocation has begun and has not come to its end.

    """

    def __init__(self, run: Run, root: Node) -> None:
        self.failures = Failures()
        self.cancelled = False
        self.stopping = False
        self._run = run
        self._root = root
        self._lanes = Lanes(run.events)
        self._threads = Threads()
        self._human = HumanInput(run, self._lanes, self._threads)
        self._hearing = Hearing(run, root, self._lanes, self._human)
        self._tools = RunningTools(self._threads, run.watcher)
        self.patches = Patches()
        self._deaf: Callable[[], None] = lambda: None
        self._pumps: dict[asyncio.Task[None], str] = {}
        self.speaking: set[Node] = set()

    @property
    def running(self) -> list[str]:
        """Names of what is at work, for saying what could not be ended: agents, tools, threads."""
        return [*self._pumps.values(), *self._tools.running, *self._threads]

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
        self._hearing.expect(task, told=told)
        for node in self._root:
            if node.is_team:
                await self._make_stoppable(node)
        self.failures.listen(lambda: self._lanes.scope.owner is self._lanes)
        self._deaf = listen()

    def begin(self) -> None:
        """Make the present task, and all that it starts, a part of this run."""
        self._lanes.begin()
        call_to(self._hearing.manager_called)

    def restore(self) -> None:
        """Stop listening: every agent is as it was."""
        self.failures.close()
        self._deaf()
        self._tools.detach()
        self.patches.restore()
        self._hearing.close()

    def cancel(self) -> None:
        """End every invocation at once, and refuse new ones."""
        self.cancelled = True
        self._cancel()

    async def let_go(self, timeout_s: float) -> list[str]:
        """End what is still at work, and give the names of what could not be ended in time.

        Threads are not waited for: nobody can end them.
        """
        working = self._cancel()
        if working:
            await asyncio.wait(working, timeout=timeout_s)
        return self.running

    def _cancel(self) -> set[asyncio.Task[Any]]:
        for pump in self._pumps:
            pump.cancel()
        return {*self._pumps, *self._tools.cancel()}

    async def surface(self, item: Said) -> None:
        """Take what came out of the run itself; what an agent said is known already."""
        if self._hearing.is_new(item):
            await self._hearing.around(self._root, item)

    def _tap(self, node: Node) -> None:
        runner: Any = node.runner
        queue = getattr(runner, "_output_message_queue", None)
        if not node.is_team:
            original = runner.on_messages_stream

            def on_messages_stream(
                messages: object, cancellation_token: object
            ) -> AsyncGenerator[Any, None]:
                return self._invoke(node, lambda: original(messages, cancellation_token))

            self.patches.put(runner, "on_messages_stream", on_messages_stream)
            for tool in tools_of(runner):
                self._tools.attach(tool)
            person = unfiltered(runner)
            if isinstance(person, UserProxyAgent):
                self._human.attach(person, self.patches)
        elif isinstance(queue, asyncio.Queue):
            # A manager's own events are heard where it hands them out: when they come out of
            # the run, the agent that it selected may have spoken already.
            put = queue.put

            async def tapped_put(item: object) -> None:
                if self._hearing.is_new(item):
                    await self._hearing.around(node, item)
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        return
                await put(item)

            self.patches.put(queue, "put", tapped_put)
        inner_queue = node.is_team and isinstance(queue, asyncio.Queue)
        if node.parent is not None and not inner_queue and (node.tool or node.is_team):
            self._tap_runs(node)

    def _tap_runs(self, node: Node) -> None:
        """Hear what only a run of its own gives: the task of an agent that is a tool."""
        runner: Any = node.runner
        original = runner.run_stream

        async def run_stream(**given: object) -> AsyncGenerator[Any, None]:
            async for item in original(**given):
                if self._hearing.is_new(item):
                    await self._hearing.around(node, item)
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        continue
                yield item

        self.patches.put(runner, "run_stream", run_stream)

    async def _make_stoppable(self, node: Node) -> None:
        manager = await manager_of(node.runner)
        if manager is not None and hasattr(manager, "_termination_condition"):
            own = manager._termination_condition  # noqa: SLF001
            condition = StopWhenAsked(own, self._stop_asked, node.name)
            self.patches.put(manager, "_termination_condition", condition)

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
        use_asker(Asker(self._run, scope.lane))
        self._tools.begin(node.name)
        voices = Voices(self._run, self._lanes, node)
        names = node.names
        gate = self._run.gate
        own = voices.own
        call_to(own.called)
        turn = self._run.watcher.turn(own.lane, node.name, model_of(node.runner))
        complete = False
        raised: BaseException | None = None
        try:
            async with AsyncExitStack() as stack:
                await gate()
                stream = start()
                self.speaking.add(node)
                if hasattr(stream, "aclose"):
                    stack.push_async_callback(stream.aclose)
                turn.goes_on()
                async for item in stream:
                    await gate()
                    if isinstance(item, ModelClientStreamingChunkEvent):
                        voice = own if item.source in names else voices.of(item.source)
                        voice.chunk(item.content)
                        continue
                    await self._hearing.hear(item, node, scope.lanes, voices)
                    hand.put_nowait(item)
                    # As without us, the agent goes on when the next item is asked for.
                    await hand.join()
                    turn.goes_on()
            complete = True
            self.speaking.discard(node)
        except BaseException as error:
            raised = error
            if isinstance(error, Exception):
                self.failures.add(error)
            raise
        finally:
            voices.end(partial=not complete)
            self._human.left_out(scope.lane)
            hand.put_nowait(_END)
            turn.end(raised)
