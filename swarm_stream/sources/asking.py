"""Questions to a person from anywhere inside a run: a tool, an agent, an ``input_func``.

A task that a run starts knows its run by its context, and so does all that it starts in turn, so
that ``ask_here`` needs no handle on the session. Threads have no such context.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from swarm_stream.errors import SessionStateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from swarm_stream.sources.base import Run

__all__ = ["Asker", "as_input_func", "ask_here", "asks_here", "use_asker"]

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


async def ask_here(
    prompt: str,
    *,
    timeout_s: float | None = None,
    default: str | None = None,
    cancellation_token: object = None,
) -> str:
    """Ask whoever watches the run that this is called from; see ``Run.ask``.

    Raises:
        SessionStateError: If this is called from outside of a run.
        InputTimeoutError: If nobody answers in time and there is no default.

    """
    asker = _asker.get()
    if asker is None:
        raise SessionStateError(
            "ss.ask was called outside of a run. Call it in a tool, an agent or an input_func that "
            "ss.stream runs (in async code: a thread does not know its run)"
        )
    return await asker(
        prompt, timeout_s=timeout_s, default=default, cancellation_token=cancellation_token
    )


def as_input_func(function: _Function) -> _Function:
    """Mark a function that asks by ``Run.ask``, so that a source need not ask again around it."""
    setattr(function, _MARK, True)
    return function


def asks_here(function: object) -> bool:
    """Tell whether a function was marked so."""
    return getattr(function, _MARK, False) is True
