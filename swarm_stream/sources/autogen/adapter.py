"""``AutoGenStreamingAdapter``: an AutoGen agent or team as a source.

What is said is heard by the tap, where it is said; this module starts the run, waits for it, and
makes sure that it ends. The framework's result is never touched.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult, Team
from autogen_core import CancellationToken

from swarm_stream.errors import SessionStateError, SourceError
from swarm_stream.sources.autogen import running
from swarm_stream.sources.autogen.runtimes import Runtimes, retrieve
from swarm_stream.sources.autogen.state import mend_agent, mended_state
from swarm_stream.sources.autogen.tap import Tap
from swarm_stream.sources.autogen.task import messages_of
from swarm_stream.sources.autogen.walk import Runner, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from autogen_agentchat.messages import BaseChatMessage

    from swarm_stream.sources.base import Run

__all__ = ["AutoGenStreamingAdapter"]

_log = logging.getLogger("swarm_stream.sources.autogen")

# Teams that AutoGen cannot run again, and how they came to be so. Its agents can.
_spoiled: WeakKeyDictionary[Team, str] = WeakKeyDictionary()
# Agents whose last run was cut, perhaps in a tool call.
_cut: WeakSet[AssistantAgent] = WeakSet()

CAPS: Final = frozenset({"cancel", "stop", "pause", "backpressure", "input", "lanes"})


class AutoGenStreamingAdapter:
    """Run an AutoGen agent or team, and say what happens in it.

    For the time of the run the agents' and teams' instances are listened to (see ``tap``); they
    are as before when it ends. Runs once; ``request_*`` may be called from the loop that runs it.

    What ``run`` gives is AutoGen's own ``TaskResult``, and what it raises is the exception that
    the model client, tool or agent raised, also in teams, where AutoGen itself raises a
    ``RuntimeError`` with that exception's text.

    Args:
        source: An agent (``ChatAgent``), a team, or a function without arguments that makes one.
            A function is called at once.

    Raises:
        SourceError: If ``source`` is none of these.

    Attributes:
        leaked: After the run: names of what took no notice of its end and still works.

    """

    name = "autogen"
    needs_task = True
    caps = CAPS

    def __init__(self, source: Runner | Callable[[], Runner]) -> None:
        runner: Any = source
        if not isinstance(runner, Runner) and callable(runner):
            runner = runner()
        if not isinstance(runner, Runner) or not hasattr(runner, "run_stream"):
            raise SourceError(
                f"{type(runner).__name__} is neither an AutoGen agent nor a team. Give an "
                "autogen_agentchat agent, a team of them, or a function that makes one"
            )
        self.leaked: list[str] = []
        self._runner: Runner = runner
        self._root = walk(runner)
        self._runtimes = Runtimes(self._root)
        self._token = CancellationToken()
        self._cancelled = asyncio.Event()
        self._tap: Tap | None = None
        self._stopping = False
        self._earlier: AutoGenStreamingAdapter | None = None

    @property
    def runner(self) -> Runner:
        """The agent or team that is run."""
        return self._runner

    @property
    def is_team(self) -> bool:
        """Whether it is a team that is run."""
        return self._root.is_team

    @property
    def title(self) -> str:
        """The name of the agent or team."""
        return self._runner.name

    @property
    def agents(self) -> list[str]:
        """The names of all agents, also in nested teams and tools, in the order of the tree."""
        return [node.name for node in self._root if not node.is_team]

    def continue_from(self, earlier: object) -> None:
        """Begin with the state in which an earlier run, which is over, left its agents.

        What was said in a turn that was cut is not part of it; what the agent was told is.

        Raises:
            SourceError: If ``earlier`` is no run of AutoGen's, or of another set of agents.

        """
        if not isinstance(earlier, AutoGenStreamingAdapter):
            raise SourceError(
                "only runs of AutoGen agents and teams have a state to continue from; start this "
                "one without continue_from"
            )
        if _names(earlier) != _names(self):
            raise SourceError(
                f"{self.title!r} has other agents than {earlier.title!r}, whose state it cannot "
                f"take over: {', '.join(_names(self))} instead of {', '.join(_names(earlier))}"
            )
        self._earlier = earlier

    async def _begin_with_state(self) -> None:
        earlier, self._earlier = self._earlier, None  # or every run would keep all before it
        runner: Any = self._runner
        if earlier is not None and earlier.runner is not runner:
            await runner.load_state(await earlier.state())
        for node in self._root:
            if isinstance(node.runner, AssistantAgent) and node.runner in _cut:
                # AutoGen's agents can run again, but a model's server refuses a tool call that
                # was cut off from its result.
                await mend_agent(node.runner)
                _cut.discard(node.runner)

    async def state(self) -> dict[str, Any]:
        """Give AutoGen's own state of the agent or team, to be called when the run is over.

        A turn that was cut has not begun in it, so that ``load_state`` of a fresh team takes it.
        """
        return await mended_state(self._root, () if self._tap is None else self._tap.speaking)

    def check(self, task: object) -> None:
        """Refuse what cannot be run, before anything begins.

        Raises:
            SourceError: If AutoGen takes no such task.
            SessionStateError: If the team or an agent is running, or AutoGen cannot run it again.

        """
        messages_of(task)
        running.check_free(self._root)
        for node in self._root:
            team = node.runner
            if not isinstance(team, Team):
                continue
            if team in _spoiled:
                raise SessionStateError(
                    f"team {team.name!r} cannot run again: its last run {_spoiled[team]}, and "
                    "AutoGen's teams do not recover from that. Make a fresh team, or give "
                    "ss.stream a function that makes one"
                )

    def begun(self, task: asyncio.Task[object]) -> None:
        """Refuse the agents to others from now on; ``task`` is that in which this will run."""
        running.begin(self._root, task)

    async def run(self, run: Run, task: object) -> TaskResult:
        """Run to the end and give AutoGen's own result.

        Args:
            run: Where to say what happens.
            task: A text, a message, a list of messages, or None to go on where the agent or
                team stopped before, as AutoGen's ``run_stream()`` does. A text is not repeated:
                the session's ``start`` has it. Messages are, in a lane of kind ``user``.

        Raises:
            SourceError: If the task is none of these.
            SessionStateError: If the agent or team is running elsewhere or cannot run again.

        """
        self.check(task)
        messages = messages_of(task)
        tap = Tap(run, self._root)
        tap.stopping = self._stopping
        self._tap = tap
        driver: asyncio.Task[TaskResult] | None = None
        cut = True
        try:
            await self._begin_with_state()
            self._runtimes.quieten(tap.patches)
            await tap.install(messages, told=task is None or isinstance(task, str))
            if self._token.is_cancelled():
                raise asyncio.CancelledError
            driver = asyncio.create_task(
                self._drive(tap, messages or None), name=f"swarm_stream runs {self.title}"
            )
            await self._over(driver)
            cut = not driver.done()
        finally:
            if cut and driver is not None:
                self._spoil("was cancelled")
            try:
                await self._let_go(driver, tap, run.config.cancel_timeout_s)
            finally:
                tap.restore()
                running.over(self._root)
        if cut:
            raise asyncio.CancelledError
        return self._outcome(driver, tap)

    def request_cancel(self) -> None:
        """End the run within ``config.cancel_timeout_s``, whatever it does. May come twice."""
        self._cancelled.set()
        self._runtimes.note_loops()
        try:
            self._token.cancel()
        except Exception:  # noqa: BLE001  (it is logged; the run is to end whatever they do)
            _log.exception("a callback of the cancellation token failed")
        if self._tap is not None:
            self._tap.cancel()

    def request_stop(self) -> None:
        """End after the agents that are speaking: the team ends as by a termination condition.

        An agent that runs alone is let finish.
        """
        self._stopping = True
        if self._tap is not None:
            self._tap.stopping = True

    async def _drive(self, tap: Tap, messages: list[BaseChatMessage] | None) -> TaskResult:
        runner: Any = self._runner
        result: TaskResult | None = None
        tap.begin()
        # Not left early, whatever happens: closing a team's stream would wait for all its turns.
        async for item in runner.run_stream(task=messages, cancellation_token=self._token):
            if isinstance(item, TaskResult):
                result = item
            else:
                await tap.surface(item)
        if result is None:
            raise RuntimeError(f"{self.title!r} ended its stream without a TaskResult")
        return result

    async def _over(self, driver: asyncio.Task[TaskResult]) -> None:
        """Wait until the run is over, or is to be cancelled."""
        asked = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({driver, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()

    async def _let_go(
        self, driver: asyncio.Task[TaskResult] | None, tap: Tap, timeout_s: float
    ) -> None:
        """End what still runs, harder each time, and never wait for it without a limit."""
        step_s = timeout_s / 6  # five steps, and room for what they take themselves
        if driver is not None and not driver.done():
            self.request_cancel()
            await asyncio.wait({driver}, timeout=step_s)
            # A manager's own call of a model is no invocation of an agent, so the tap has no hold
            # of it. The driver itself comes last: AutoGen's way out of it ends its runtimes.
            for harder in (self._runtimes.cancel_handlers, driver.cancel):
                if not driver.done():
                    harder()
                    await asyncio.wait({driver}, timeout=step_s)
        self.leaked = [*await tap.let_go(step_s), *await self._runtimes.let_go(step_s)]
        if driver is not None:
            # What a cancelled framework raises on its way out is nobody's concern.
            driver.add_done_callback(retrieve)
            if not driver.done():
                self.leaked.append(self.title)
        if self._cancelled.is_set():
            self._runtimes.abandon()
        self.leaked = list(dict.fromkeys(self.leaked))
        if self.leaked:
            # The run's end and its error name them as well.
            _log.info("still running after a run of %s: %s", self.title, ", ".join(self.leaked))

    def _outcome(self, driver: asyncio.Task[TaskResult], tap: Tap) -> TaskResult:
        if driver.cancelled():
            self._spoil("was cancelled")
            raise asyncio.CancelledError
        raised = driver.exception()
        if raised is None:
            return driver.result()
        self._spoil("failed")
        # Raised outside of any handler, so that the original keeps its own cause and context.
        raise tap.failures.original(raised) if isinstance(raised, Exception) else raised

    def _spoil(self, how: str) -> None:
        for node in self._root:
            if isinstance(node.runner, Team):
                _spoiled[node.runner] = how
            elif isinstance(node.runner, AssistantAgent):
                _cut.add(node.runner)


def _names(adapter: AutoGenStreamingAdapter) -> list[str]:
    return [node.name for node in walk(adapter.runner)]
