"""Telling the watcher of a log that tails have moved: in order, never nested, never fatal."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swarm_stream.logs.base import Moved

__all__ = ["Watch"]

_logger = logging.getLogger("swarm_stream.logs")


class Watch:
    """Carries moves to the one watcher that a log has.

    A watcher that appends to the same log causes another move; that one is told after the one
    that is being told, so that a watcher sees offsets in order. A watcher that raises is a bug
    of ours; it is logged, since the append itself has succeeded and must be acknowledged.
    """

    def __init__(self) -> None:
        self._watcher: Callable[[Moved], None] | None = None
        self._moves: deque[Moved] = deque()
        self._telling = False

    def set(self, watcher: Callable[[Moved], None]) -> None:
        """Tell ``watcher`` from now on, and nobody else."""
        self._watcher = watcher

    def tell(self, moves: Iterable[Moved]) -> None:
        """Tell the watcher of ``moves``, after those that it is being told of."""
        if self._watcher is None:
            return
        self._moves.extend(moves)
        if self._telling:
            return
        self._telling = True
        try:
            while self._moves:
                try:
                    self._watcher(self._moves.popleft())
                except Exception:
                    _logger.exception("the watcher of a log failed")
        finally:
            self._telling = False
