"""Claims that the log has not answered yet: who is about to have which stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from swarm_stream.hub.socket import HubSocket

__all__ = ["Bid", "Bids"]


@dataclass(slots=True, eq=False)
class Bid:
    """One claim. Not equal to another one of the same producer: each has its own answer."""

    stream: str
    producer: str
    socket: HubSocket


class Bids:
    """The claims under way in a hub. All calls on its loop.

    Args:
        sockets: Those that are open: what another one has claimed will have no producer.

    """

    def __init__(self, sockets: Collection[HubSocket]) -> None:
        self._sockets = sockets
        self._bids: dict[str, set[Bid]] = {}

    def made(self, bid: Bid) -> None:
        """Note that a claim was handed to the log."""
        self._bids.setdefault(bid.stream, set()).add(bid)

    def answered(self, bid: Bid) -> None:
        """Note that the log has answered it, or never will."""
        bids = self._bids[bid.stream]
        bids.discard(bid)
        if not bids:
            del self._bids[bid.stream]

    def producers(self, stream: str) -> set[str]:
        """Give who is about to have a stream."""
        bids = self._bids.get(stream, ())
        return {bid.producer for bid in bids if bid.socket in self._sockets}
