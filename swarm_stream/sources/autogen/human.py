"""Questions that AutoGen's ``UserProxyAgent`` asks a person."""

from __future__ import annotations

import asyncio
import builtins
import inspect
from typing import TYPE_CHECKING, Any

from autogen_agentchat.agents import UserProxyAgent

from swarm_stream.sources.asking import Asker, asks_here, use_asker

if TYPE_CHECKING:
    from autogen_core import CancellationToken

    from swarm_stream.sources.autogen.lanes import Lanes
    from swarm_stream.sources.autogen.patches import Patches
    from swarm_stream.sources.base import Run
    from swarm_stream.sources.threads import Threads

__all__ = ["HumanInput"]


class HumanInput:
    """Bring the questions of one run to whoever watches it.

    An agent with ``ss.ask`` or ``session.input_func`` asks whoever watches, and so does one that
    would call ``input()``, which holds a whole kernel and which only one page can answer. An
    ``input_func`` of its user's own is called as ever, and its question and answer are shown; if
    it calls ``ss.ask`` in turn, that becomes the question.

    AutoGen announces a question by an event and asks it by a call; either may come first. They
    have the same request id, and whichever brings the prompt shows the question.
    """

    def __init__(self, run: Run, lanes: Lanes, threads: Threads) -> None:
        self._run = run
        self._lanes = lanes
        self._threads = threads
        self._shown: set[str] = set()
        self._announced: dict[str, int] = {}

    def attach(self, agent: UserProxyAgent, patches: Patches) -> None:
        """Take over the agent's input function for the run."""
        own: Any = agent.input_func

        async def asked(prompt: str, cancellation_token: CancellationToken | None = None) -> str:
            request = UserProxyAgent.InputRequestContext.request_id()
            lane = self._lanes.scope.lane or 0
            self._shown.add(request)
            self._announced.pop(request, None)
            if _is_terminal(own):
                return await self._run.ask(prompt, lane=lane, request=request)
            asker = Asker(self._run, lane, request)
            if asks_here(own):
                use_asker(asker)
                answer: str = await own(prompt, cancellation_token)
                return answer
            return await self._by_own(own, agent.name, asker, prompt, cancellation_token)

        patches.put(agent, "input_func", asked)
        patches.put(agent, "_is_async", value=True)

    def requested(self, request: str, lane: int, agent: object) -> None:
        """Take an announcement. The prompt comes with the call, if there is one."""
        if request in self._shown:
            return
        if isinstance(agent, UserProxyAgent):
            self._announced[request] = lane
        else:
            self._show(request, lane)

    def left_out(self, lane: int | None) -> None:
        """Show what a lane announced and never asked for."""
        for request, asker in tuple(self._announced.items()):
            if asker == lane:
                del self._announced[request]
                self._show(request, asker)

    def _show(self, request: str, lane: int) -> None:
        self._shown.add(request)
        self._run.events.input_request(request, lane, "", elsewhere=True)

    async def _by_own(
        self,
        own: Any,  # noqa: ANN401
        name: str,
        asker: Asker,
        prompt: str,
        token: CancellationToken | None,
    ) -> str:
        """Have an agent's own function ask, and show what it asks and is told."""
        events, request, lane = self._run.events, asker.request or "", asker.lane or 0
        events.input_request(request, lane, prompt, elsewhere=True)
        try:
            if inspect.iscoroutinefunction(own):
                use_asker(asker)
                reply: str = await own(prompt, token)
            else:
                watched = self._threads.watch(f"input_func of {name}", own)
                reply = await asyncio.get_running_loop().run_in_executor(None, watched, prompt)
        except BaseException:
            if not asker.asked:
                events.input_reply(request, "", withdrawn=True)
            raise
        if not asker.asked:
            events.input_reply(request, str(reply), by="input_func")
        return reply


def _is_terminal(function: object) -> bool:
    # In a notebook input() is a method of the kernel while a cell runs, and another one later.
    name, module = getattr(function, "__name__", ""), str(getattr(function, "__module__", ""))
    return (
        function == builtins.input
        or (name == "raw_input" and module.startswith("ipykernel."))
        or (name == "cancellable_input" and module.startswith("autogen_agentchat."))
    )
