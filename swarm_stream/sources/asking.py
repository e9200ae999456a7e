"""Questions to a person from anywhere inside a run: a tool, an agent, an ``input_func``.

A task that a run starts knows its run by its context, and so does all that it starts in turn, so
that ``ask_here`` needs no handle on the session. Threads have no such context.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from swarm_stream.errors import SessionStateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from swarm_stream.sources.base import Run

__all__ = ["Asker", "Question", "as_input_func", "ask_here", "asks_here", "use_asker"]

_MARK: Final = "_swarm_stream_asks"
_Function = TypeVar("_Function", bound="Callable[..., Awaitable[str]]")


@dataclass(slots=True)
class Asker:
    """Whose question it is that is asked here.

    Attributes:
        run: The run.
        lane: The lane that asks, or None where nobody in particular does.
        request: The framework's own id of the question that is asked next, if it has one.
        asked: Whether anything was asked.

    """

    run: Run
    lane: int | None = None
    request: str | None = None
    asked: bool = False

    @classmethod
    def of(cls, run: Run) -> Asker:
        """Give the present task's, if it is one of this run, else one for the run itself."""
        here = _asker.get()
        return here if here is not None and here.run is run else cls(run)

    async def __call__(
        self,
        prompt: str,
        *,
        timeout_s: float | None = None,
        default: str | None = None,
        cancellation_token: Any = None,  # noqa: ANN401  (AutoGen's, which is not known here)
    ) -> str:
        """Ask; see ``Run.ask``. AutoGen's token takes the question back."""
        # The framework's id is for the first question; a second one is another question.
        request, self.request, self.asked = self.request, None, True
        work = self.run.ask(
            prompt, lane=self.lane, request=request, timeout_s=timeout_s, default=default
        )
        if cancellation_token is None:
            return await work
        waiting = asyncio.ensure_future(work)
        cancellation_token.link_future(waiting)
        return await waiting


_asker: ContextVar[Asker | None] = ContextVar("swarm_stream_asker", default=None)


def use_asker(asker: Asker) -> None:
    """Make ``asker`` the one of the present task, and of all that it starts."""
    _asker.set(asker)


class Question(Coroutine[Any, Any, str]):
    """An answer to be awaited. Used as anything else it says so.

    ``if ss.ask("Pay?"):`` without ``await`` would be true, and nobody would be asked.
    """

    def __init__(self, asking: Coroutine[Any, Any, str]) -> None:
        self._asking = asking

    def __await__(self) -> Generator[Any, None, str]:
        """Wait for the answer."""
        return self._asking.__await__()

    def send(self, value: Any) -> Any:  # noqa: ANN401
        """Go on, as any coroutine does."""
        return self._asking.send(value)

    def throw(self, *error: Any) -> Any:  # noqa: ANN401
        """Raise inside, as in any coroutine."""
        return self._asking.throw(*error)

    def close(self) -> None:
        """Take the question back."""
        self._asking.close()

    def __bool__(self) -> bool:
        """Refuse: whoever asks so has forgotten to await."""
        raise self._forgotten()

    def __eq__(self, other: object) -> bool:
        """Refuse to be compared with an answer: whoever does has forgotten to await."""
        if isinstance(other, Question):
            return self is other
        raise self._forgotten()

    __hash__ = object.__hash__  # asyncio.gather looks its arguments up

    def __repr__(self) -> str:
        """Say what is missing, for whoever gets to see it: a model, perhaps."""
        return "<a question that was not asked: write await ss.ask(...)>"

    def _forgotten(self) -> TypeError:
        self._asking.close()
        return TypeError("nobody was asked: write await ss.ask(...), in an async def")


def ask_here(
    prompt: str,
    *,
    timeout_s: float | None = None,
    default: str | None = None,
    cancellation_token: object = None,
) -> Question:
    """Ask whoever watches the run that this is called from; see ``Run.ask``. To be awaited.

    Raises:
        SessionStateError: If this is called from outside of a run.
        InputTimeoutError: If nobody answers in time and there is no default.

    """
    asker = _asker.get()
    if asker is None:
        raise SessionStateError(
            "ss.ask was called outside of a run. It asks for tools, agents and input_funcs that "
            "ss.stream runs, and those have to be async: write async def and await ss.ask(...). "
            "A plain function works in a thread, which does not know its run"
        )
    return Question(
        asker(prompt, timeout_s=timeout_s, default=default, cancellation_token=cancellation_token)
    )


def as_input_func(function: _Function) -> _Function:
    """Mark a function that asks by ``Run.ask``, so that a source need not ask again around it."""
    setattr(function, _MARK, function)  # itself: a wrapper that takes over attributes is another
    return function


def asks_here(function: object) -> bool:
    """Tell whether a function, or what a ``functools.partial`` holds, was marked so."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, _MARK, None) is function
