"""How many events a server takes in one ``append``, learnt from what it refuses.

Pure. A server's limit may be lower than ours, and it says so for each frame that is too large, also
for those that were on their way when the first of them was refused. Those are no news.
"""

from __future__ import annotations

from collections import deque

__all__ = ["FrameLimit"]


class FrameLimit:
    """The limit that a producer keeps to.

    Attributes:
        events: Events in a frame.

    """

    def __init__(self, events: int) -> None:
        self.events = events
        # Appends on their way: where each ends, and how many events it has.
        self._flying: deque[tuple[int, int]] = deque()

    def sent(self, end: int, count: int) -> None:
        """Note a frame of ``count`` events up to ``end``."""
        self._flying.append((end, count))

    def acked(self, next_offset: int) -> None:
        """Note what the server has."""
        while self._flying and self._flying[0][0] <= next_offset:
            self._flying.popleft()

    def lost(self) -> None:
        """Note that nothing is on its way any more."""
        self._flying.clear()

    def refused(self) -> bool:
        """Take a refusal; False where it was for a single event, which cannot be made smaller."""
        if self._first_above(self.events) is None:
            if self.events == 1:
                return False
            self.events //= 2
        # Frames of a stream keep their order, and so do refusals.
        refused = self._first_above(self.events)
        if refused is not None:
            self._flying.remove(refused)
        return True

    def _first_above(self, events: int) -> tuple[int, int] | None:
        return next((frame for frame in self._flying if frame[1] > events), None)
