"""A session as its source sees it (``sources.base.Run``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarm_stream.events.model import Channel
    from swarm_stream.runtime.pacer import Pacer
    from swarm_stream.runtime.recorder import Recorder
    from swarm_stream.runtime.session import StreamingSession
    from swarm_stream.runtime.turns import Turns

__all__ = ["RunOfSession"]


class RunOfSession:
    """A session as its source sees it; ``events`` means something else on the session itself."""

    def __init__(
        self, session: StreamingSession, recorder: Recorder, pacer: Pacer, watcher: Turns
    ) -> None:
        self.config = session.config
        self.events = recorder.events
        self.gate = session.gate
        self.watcher = watcher
        self._session = session
        self._recorder = recorder
        self._pacer = pacer

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was asked for."""
        return self._session.stopping

    async def speak(self, lane: int, text: str, *, channel: Channel = "text") -> None:
        """Stream text that came whole, word by word."""
        await self.gate()
        await self._pacer.speak(lane, text, channel)

    async def ask(
        self,
        prompt: str,
        *,
        lane: int | None = None,
        request: str | None = None,
        timeout_s: float | None = None,
        default: str | None = None,
    ) -> str:
        """Ask whoever watches and wait for the answer."""
        if timeout_s is None:
            timeout_s = self.config.input_timeout_s
            default = self.config.input_default if default is None else default
        return await self._session.questions.ask(
            prompt,
            lane=self._first_lane() if lane is None else lane,
            request=request,
            timeout_s=timeout_s,
            default=default,
        )

    def _first_lane(self) -> int:
        with self._recorder.lock:
            lane = next(iter(self._recorder.transcript.lanes), None)
        return self.events.lane(self._session.source.title) if lane is None else lane
