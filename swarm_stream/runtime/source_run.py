"""A session as its source sees it (``sources.base.Run``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarm_stream.runtime.session import StreamingSession

__all__ = ["RunOfSession"]


class RunOfSession:
    """A session as its source sees it; ``events`` means something else on the session itself."""

    __slots__ = ("_session", "ask", "config", "events", "gate", "speak")

    def __init__(self, session: StreamingSession) -> None:
        self._session = session
        self.config = session.config
        self.events = session.writer
        self.gate = session.gate
        self.speak = session.speak
        self.ask = session.ask

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was asked for."""
        return self._session.stopping
