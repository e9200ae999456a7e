"""Where events come from: the contract between a session and a source.

A ``Source`` runs something (an agent, a team, an iterator, a recording) and says what happens
through the ``Run`` that the session gives it. It knows nothing of buffers, sockets or views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from swarm_stream.config import StreamingConfig
    from swarm_stream.events.model import Channel
    from swarm_stream.events.writer import EventWriter

__all__ = ["Model", "Run", "Source", "Turn", "Watcher"]


class Model(NamedTuple):
    """A model, by the names that OpenTelemetry has for such; empty where they are not known."""

    provider: str = ""
    name: str = ""


class Turn(Protocol):
    """One invocation of an agent, while it is timed. In the task that runs it."""

    def goes_on(self) -> None:
        """Note that the agent is asked to speak, or to go on: it is going to call its model."""
        ...

    def end(self, error: BaseException | None) -> None:
        """Note that it is over, and what it raised. Once, the last call."""
        ...


class Watcher(Protocol):
    """Is told who works when, so that it can be timed. Never raises, never waits."""

    def turn(self, lane: int, agent: str, model: Model) -> Turn:
        """Note that an agent begins to speak, in the present task."""
        ...

    def tool(self, agent: str, tool: str) -> AbstractContextManager[object]:
        """Time a call of a tool."""
        ...

    def counted(self, model: Model, prompt: int | None, completion: int | None) -> None:
        """Note the tokens of a call that is no answer of an agent: a manager's."""
        ...


class Run(Protocol):
    """What a session gives to a source. Used on the loop that runs the source."""

    @property
    def config(self) -> StreamingConfig:
        """The settings of the session."""
        ...

    @property
    def events(self) -> EventWriter:
        """Where the source says what happens. Calls return at once and never fail on a full buffer.

        Await ``gate`` before each delta, so that the buffer is not overrun.
        """
        ...

    @property
    def watcher(self) -> Watcher:
        """Who is to be told when agents and tools work, where the source knows."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was asked for: end after the agent that is speaking."""
        ...

    async def gate(self) -> None:
        """Wait while the run is paused or its buffer is above the pause mark.

        Returns without a switch of tasks while the gate is open. Cancelling is safe.
        """
        ...

    async def speak(self, lane: int, text: str, *, channel: Channel = "text") -> None:
        """Stream text that came whole, word by word, at ``config.max_tokens_per_second``.

        Opens and closes the segment itself. Returns when the text is queued, so that pacing
        does not slow the agents, and waits only when more than a buffer of words is queued.
        """
        ...

    async def ask(
        self,
        prompt: str,
        *,
        lane: int | None = None,
        request: str | None = None,
        timeout_s: float | None = None,
        default: str | None = None,
    ) -> str:
        """Ask a person and wait for the answer, for days if need be. Cancelling is safe.

        Args:
            prompt: The question.
            lane: Who asks; the run itself where it is left out.
            request: The framework's id of the question, if it has one.
            timeout_s: Seconds to wait; ``config.input_timeout_s`` if None, for ever if 0.
            default: The answer when the time is up; ``config.input_default`` where neither this
                nor ``timeout_s`` is given.

        Raises:
            InputTimeoutError: If the time is up and there is no default.

        """
        ...


class Source(Protocol):
    """Something that can be run once, and watched."""

    @property
    def name(self) -> str:
        """The adapter's name, as ``start.source`` shows it: ``autogen``, ``iterator``, ..."""
        ...

    @property
    def title(self) -> str:
        """What is run, for headers and lists: the team's or agent's name."""
        ...

    @property
    def agents(self) -> Iterable[str]:
        """Names of the agents that are known before the run."""
        ...

    @property
    def caps(self) -> frozenset[str]:
        """What it can do: of ``cancel stop pause backpressure input lanes``."""
        ...

    @property
    def leaked(self) -> Sequence[str]:
        """Names of what still runs although the run is over: nobody can end a thread."""
        ...

    def check(self, task: object) -> None:
        """Refuse a task that does not fit, before anything starts.

        Raises:
            SourceError: If it does not fit; names the next step.
            SessionStateError: If the source runs already, or cannot run again.

        """
        ...

    async def run(self, run: Run, task: object) -> object:
        """Run to the end and give the framework's own result, unaltered.

        The session has written ``start`` and will write ``end``; the source writes all between.
        A recording gives its own ``end``, which is then the run's, too.

        Whatever the framework raises is raised from here. When cancelled, it lets go of
        everything it started before it returns.
        """
        ...

    def request_cancel(self) -> None:
        """End ``run`` within ``config.cancel_timeout_s``. Returns at once; may come twice.

        ``run`` raises ``CancelledError`` then, and ``leaked`` names what it had to leave behind.
        """
        ...

    def request_stop(self) -> None:
        """Ask the framework to end after the agent that is speaking."""
        ...
