"""What really went wrong in a team.

AutoGen's teams raise ``RuntimeError`` with the text of the original exception in it. The
exception itself is caught where it happens: at the agents by the tap, and at the managers by the
record that AutoGen's runtime logs, which would else be printed beside the run's own end.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Failures"]

_RUNTIME_LOGGER = "autogen_core"
_WRAPPED = "Failed to get user input: "


class Failures:
    """The exceptions of one run, in the order in which they happened."""

    def __init__(self) -> None:
        self._all: list[Exception] = []
        self._filter: Callable[[logging.LogRecord], bool] | None = None

    def add(self, error: Exception) -> None:
        """Keep an exception; the same one passes through many hands."""
        if not any(known is error for known in self._all):
            self._all.append(error)

    def original(self, raised: Exception) -> Exception:
        """Give the exception that AutoGen's ``raised`` tells of, or ``raised`` itself."""
        if type(raised) is not RuntimeError:
            return raised
        told = str(raised)
        for error in self._all:
            if f"{type(error).__name__}: {error}" in told:
                return _unwrapped(error)
        return _unwrapped(raised)

    def listen(self, ours: Callable[[], bool]) -> None:
        """Begin to read the runtime's records; those of other runs are left alone."""

        def keep(record: logging.LogRecord) -> bool:
            raised = record.exc_info[1] if record.exc_info else None
            if raised is None or not ours():
                return True
            if isinstance(raised, Exception):
                self.add(raised)
            return False

        self._filter = keep
        logging.getLogger(_RUNTIME_LOGGER).addFilter(keep)

    def close(self) -> None:
        """Stop reading. Does nothing the second time."""
        if self._filter is not None:
            logging.getLogger(_RUNTIME_LOGGER).removeFilter(self._filter)
            self._filter = None


def _unwrapped(error: Exception) -> Exception:
    """Give what was raised where a person was asked: AutoGen wraps it, sometimes twice."""
    while str(error).startswith(_WRAPPED) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error
