"""A watch over dead producers, with a log in memory and a clock that stands still."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_extension.kernels import BY, KernelWatch
from swarm_stream.hub.hub import StreamHub
from swarm_stream.hub.processes import ProcessId, this_process
from swarm_stream.logs.memory import MemoryLog

if TYPE_CHECKING:
    import pytest

__all__ = ["DEAD", "KERNEL", "LIVING", "LOST_S", "PlainKernels", "Watched"]

LOST_S = 100.0
LIVING = this_process()
DEAD = msgspec.structs.replace(LIVING, started=LIVING.started + 1)
KERNEL = "0a1b"


class Watched:
    """A watch over a log in memory, with a clock of its own."""

    def __init__(self, *, lost_after_s: float = LOST_S, wall_ms: float | None = None) -> None:
        self.log = MemoryLog()
        self.hub = StreamHub(self.log, server_id="srv")
        self.kernels: dict[str, Any] = {}
        self.now = 1000.0
        options: dict[str, Any] = {} if wall_ms is None else {"wall_ms": lambda: wall_ms}
        self.watch = KernelWatch(
            self.hub,
            PlainKernels(self.kernels),
            lost_after_s=lost_after_s,
            clock=lambda: self.now,
            **options,
        )

    def leave(
        self, stream: str = "s", *, process: ProcessId | None = None, kernel: str = ""
    ) -> None:
        """Make a stream whose producer has left."""
        self.make(stream, process=process, kernel=kernel)
        self.hub.producers.tell_watchers(stream, stalled=True)

    def make(
        self, stream: str = "s", *, process: ProcessId | None = None, kernel: str = ""
    ) -> None:
        meta = msgspec.json.encode(
            {"process": process, "kernel": kernel} if process else {"kernel": kernel}
        )
        self.log.claim_now(stream, producer="p", meta=meta)
        self.log.append_now(
            stream, epoch=1, offset=0, events=[b'{"type":"start","t":1}'], closes=False
        )

    def overtake(self, patch: pytest.MonkeyPatch, *, process: ProcessId) -> None:
        """Have another producer claim each stream just before the server takes it."""
        claim = self.log.claim

        def claims(stream: str, *, producer: str, **rest: Any) -> Any:
            if producer == BY:
                meta = msgspec.json.encode({"process": process, "kernel": KERNEL})
                self.log.claim_now(stream, producer="p2", meta=meta)
            return claim(stream, producer=producer, **rest)

        patch.setattr(self.log, "claim", claims)

    async def look(self, stream: str = "s") -> str | None:
        """Look once; gives the reason if that ended the stream."""
        await self.watch.look()
        info = self.log.info_now(stream)
        if not info.closed:
            return None
        part = self.log.read_now(stream, info.tail - 1, max_events=1, max_bytes=1)
        return str(json.loads(part.body)["reason"])


class PlainKernels:
    """A kernel manager of plain objects."""

    def __init__(self, kernels: dict[str, Any]) -> None:
        self._kernels = kernels

    def __contains__(self, kernel_id: str, /) -> bool:
        return kernel_id in self._kernels

    def get_kernel(self, kernel_id: str) -> Any:
        return self._kernels[kernel_id]
