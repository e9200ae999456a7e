"""Replace attributes of instances for a while, and put back exactly what was there."""

from __future__ import annotations

import logging
from typing import Any

from swarm_stream.errors import SessionStateError

__all__ = ["Patches"]

_log = logging.getLogger("swarm_stream.sources.autogen")
_ABSENT = object()
_MARK = "_swarm_stream_tap"


class Patches:
    """What was replaced during one run.

    Only the instance's own dictionary is touched, so classes, ``isinstance``, saved state and
    other instances never notice.
    """

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, object, object]] = []

    def put(self, owner: Any, name: str, value: Any) -> bool:  # noqa: ANN401
        """Replace an attribute; False where the object allows none.

        Raises:
            SessionStateError: If another run has replaced it. Two runs of one agent would mix
                their conversations, which AutoGen does not prevent.

        """
        own = getattr(owner, "__dict__", None)
        if own is None:
            _log.warning("cannot watch %s: it has no instance dictionary", type(owner).__name__)
            return False
        old = own.get(name, _ABSENT)
        if hasattr(old, _MARK):
            raise SessionStateError(
                f"{getattr(owner, 'name', type(owner).__name__)!r} is part of a run that has not "
                "ended. Wait for that run or cancel it, or give ss.stream a function that makes "
                "fresh agents"
            )
        if callable(value):
            setattr(value, _MARK, True)
        own[name] = value
        self._done.append((owner, name, old, value))
        return True

    def restore(self) -> None:
        """Put everything back, last one first. What somebody else replaced since is left."""
        while self._done:
            owner, name, old, value = self._done.pop()
            own = owner.__dict__
            if own.get(name, _ABSENT) is not value:
                continue
            if old is _ABSENT:
                del own[name]
            else:
                own[name] = old
