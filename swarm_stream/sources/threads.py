"""Functions that work in threads: nobody can end those, so a run that is over names them."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Threads"]

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Threads:
    """What of a run is at work in threads. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working: dict[object, str] = {}

    def __iter__(self) -> Iterator[str]:
        """Give the names of what is at work, in the order in which it began."""
        with self._lock:
            return iter(tuple(self._working.values()))

    def enter(self, name: str) -> object:
        """Note that something begins; gives what ``leave`` takes."""
        key = object()
        with self._lock:
            self._working[key] = name
        return key

    def leave(self, key: object) -> None:
        """Note that it is over."""
        with self._lock:
            self._working.pop(key, None)

    def watch(self, name: str, function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        """Give ``function``, counted while it works."""

        @functools.wraps(function)
        def watched(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            key = self.enter(name)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave(key)

        return watched
