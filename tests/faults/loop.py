"""An event loop whose clock stands still until it is moved, and which tells when all is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StepLoop"]

T = TypeVar("T")


class StepLoop(asyncio.SelectorEventLoop):
    """See above. ``monotonic`` and the clock of ``time()`` are for ``hub.socket``."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1000.0
        self.problems: list[str] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float) -> None:
        self._now += seconds
        self.drain()

    def drain(self) -> None:
        """Let every task go as far as it can."""
        ready: Any = self._ready  # type: ignore[attr-defined]  # nothing public tells
        while True:
            self.call_soon(self.stop)
            self.run_forever()
            if not ready:
                return

    def within(self, do: Callable[[], T]) -> T:
        """Do something that needs a loop that runs."""
        future = self.create_future()

        def doing() -> None:
            try:
                future.set_result(do())
            except BaseException as error:  # noqa: BLE001  (raised below)
                future.set_exception(error)

        self.call_soon(doing)
        self.drain()
        result: T = future.result()
        return result

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # An error that nobody asked for is that of a hub which was killed.
        if "never retrieved" not in context["message"]:
            self.problems.append(f"{context['message']}: {context.get('exception')!r}")
