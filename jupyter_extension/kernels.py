"""Who died: a producer that is no more ends its runs, one that is only silent does not.

A stream whose producer has left is looked at once a second. What is known, from best to worst:

* Its process ran on this machine: the operating system knows whether it lives. A kernel that
  sleeps, is stopped or is cut off lives.
* It is a kernel of this server that runs elsewhere (behind a gateway): Jupyter says when it was
  restarted or shut down.
* Anything else may come back at any time, until ``lost_after_s`` has passed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from swarm_stream.errors import LogError, NoSuchStreamError
from swarm_stream.hub.processes import ProcessId, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.logs.base import StreamInfo

__all__ = ["KERNEL_ACTIONS", "Facts", "KernelWatch", "Kernels", "reason_to_interrupt"]

_log = logging.getLogger("swarm_stream.server")

KERNEL_ACTIONS: Final = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
"""The schema of Jupyter's events about kernels."""

LOOK_S: Final = 1.0
"""Seconds between two looks at what is stalled."""

LEAVE_S: Final = 3.0
"""Seconds in which a kernel that was asked to go is gone or there again; then we ask no more."""

RETURN_S: Final = 60.0
"""Seconds that every producer has to come back to a server that has just started."""

BY: Final = "the server"


class Kernels(Protocol):
    """Jupyter's kernel manager, as far as it is needed."""

    def __contains__(self, kernel_id: str, /) -> bool:
        """Tell whether this server has the kernel."""
        ...

    def get_kernel(self, kernel_id: str) -> Any:  # noqa: ANN401  (Jupyter's manager of one kernel)
        """Give the manager of one kernel."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a producer that has left.

    Attributes:
        alive: Whether its process lives; None if that cannot be known.
        is_kernel: Whether it is a kernel, of whatever server.
        here: Whether it is a kernel that this server has now.
        asked_to_go: Whether Jupyter is restarting that kernel or shutting it down, or has.
        dead_s: Seconds since its process was first seen dead.
        stalled_s: Seconds since it left.

    """

    alive: bool | None
    is_kernel: bool = False
    here: bool = False
    asked_to_go: bool = False
    dead_s: float = 0.0
    stalled_s: float = 0.0


def reason_to_interrupt(facts: Facts, *, lost_after_s: float) -> str | None:
    """Give why its runs have ended, as words for people, or None if they may go on."""
    if facts.alive is False:
        if not facts.is_kernel:
            return "its process has ended"
        if not facts.asked_to_go:
            return "the kernel died" if facts.here else "the kernel has ended"
        if not facts.here:
            return "the kernel was shut down"
        # It may be a restart or a shutdown: the next look tells.
        return "the kernel was restarted" if facts.dead_s >= LEAVE_S else None
    if facts.alive is None and facts.stalled_s >= lost_after_s:
        hours = lost_after_s / 3600
        shown = f"{hours:g} hours" if hours >= 1 else f"{lost_after_s:g} seconds"
        return f"nothing was heard from its producer for {shown}"
    return None


class _Origin(msgspec.Struct):
    """The part of a stream's ``meta`` that says where it comes from."""

    kernel: str = ""
    process: ProcessId | None = None


@dataclass(slots=True)
class _Stalled:
    since: float
    origin: _Origin | None = None
    epoch: int = 0
    """In which the producer of that origin has the stream; who claims it later is another."""
    dead_since: float | None = None
    asked_to_go: bool = False


class KernelWatch:
    """End the runs of dead producers. All calls on the hub's loop.

    Args:
        hub: Whose streams are watched.
        kernels: The server's kernels.
        lost_after_s: Seconds after which a producer of which nothing is known counts as dead.
        clock: Seconds of a monotonic clock.
        wall_ms: Milliseconds since the epoch.

    """

    def __init__(
        self,
        hub: StreamHub,
        kernels: Kernels,
        *,
        lost_after_s: float,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._hub = hub
        self._kernels = kernels
        self._lost_after_s = lost_after_s
        self._clock = clock
        self._wall_ms = wall_ms
        self._stalled: dict[str, _Stalled] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        hub.watch_producers(self._changed)

    async def start(self) -> None:
        """Take in the runs that an earlier server left open, and begin to look.

        Raises:
            LogError: If the log cannot be read.

        """
        for info in await self._hub.log.list():
            if not info.closed and info.stream not in self._stalled:
                self._stalled[info.stream] = _Stalled(self._clock() - self._silent_s(info))
        self._task = asyncio.ensure_future(self._run())

    async def aclose(self) -> None:
        """Look no more. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def kernel_acted(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        """Take in one of Jupyter's events about kernels (a listener of ``jupyter_events``)."""
        del logger, schema_id
        words = {"shutdown": "the kernel was shut down", "restart": "the kernel was restarted"}
        reason = words.get(data.get("action", ""))
        kernel = data.get("kernel_id")
        if reason is None or not kernel or data.get("status") != "success":
            return
        try:
            for stream, epoch in (await self._of_kernel(kernel)).items():
                await self._interrupt(stream, epoch, reason)
        except LogError as error:
            _log.warning("the runs of kernel %s could not be ended: %s", kernel, error)

    async def look(self) -> None:
        """Look at every stalled stream once; those of dead producers end."""
        for stream, stalled in tuple(self._stalled.items()):
            if stalled.origin is None:
                await self._find_origin(stream, stalled)
        alive = await _which_live(s.origin for s in self._stalled.values() if s.origin is not None)
        now = self._clock()
        for stream, stalled in tuple(self._stalled.items()):
            if stalled.origin is None or self._stalled.get(stream) is not stalled:
                continue  # it left, or came back, meanwhile
            process = stalled.origin.process
            facts = self._facts(stalled, alive.get(process) if process is not None else None, now)
            reason = reason_to_interrupt(facts, lost_after_s=self._lost_after_s)
            if reason is not None:
                await self._interrupt(stream, stalled.epoch, reason)

    def _facts(self, stalled: _Stalled, alive: bool | None, now: float) -> Facts:  # noqa: FBT001
        assert stalled.origin is not None  # noqa: S101  (read before)
        kernel = stalled.origin.kernel
        here = bool(kernel) and kernel in self._kernels
        if alive is False and stalled.dead_since is None:
            stalled.dead_since = now
        if here and getattr(self._kernels.get_kernel(kernel), "shutting_down", False):
            stalled.asked_to_go = True
        return Facts(
            alive=alive,
            is_kernel=bool(kernel),
            here=here,
            asked_to_go=stalled.asked_to_go,
            dead_s=now - (stalled.dead_since if stalled.dead_since is not None else now),
            stalled_s=now - stalled.since,
        )

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.look()
            except Exception:  # noqa: BLE001  (watching must go on)
                _log.exception("looking for dead producers failed; trying again")
            if not self._stalled:
                await self._wake.wait()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _changed(self, stream: str, stalled: bool) -> None:  # noqa: FBT001
        if stalled:
            self._stalled[stream] = _Stalled(self._clock())
            self._wake.set()
        else:
            self._stalled.pop(stream, None)

    def _silent_s(self, info: StreamInfo) -> float:
        """Give how long a producer was silent before this server began, as far as it counts."""
        silent_s = (self._wall_ms() - info.updated_ms) / 1000
        return min(max(0.0, silent_s), max(0.0, self._lost_after_s - RETURN_S))

    async def _find_origin(self, stream: str, stalled: _Stalled) -> None:
        """Look up where a stream comes from; one that is over or deleted is missed no more."""
        try:
            info = await self._hub.log.info(stream)
        except NoSuchStreamError:
            info = None
        if info is not None and not info.closed:
            stalled.origin, stalled.epoch = _read_origin(info.meta), info.epoch
        elif self._stalled.get(stream) is stalled:
            del self._stalled[stream]

    async def _of_kernel(self, kernel: str) -> dict[str, int]:
        """Give the open streams of a kernel, but for those of a process that is known to live.

        With their epochs: a restarted kernel may claim one of them meanwhile.
        """
        found = {}
        for info in await self._hub.log.list():
            origin = _read_origin(info.meta)
            if not info.closed and origin.kernel == kernel:
                found[info.stream] = origin.process, info.epoch
        alive = await _which_live(_Origin(kernel, process) for process, _ in found.values())
        return {
            stream: epoch
            for stream, (process, epoch) in found.items()
            if process is None or not alive.get(process)
        }

    async def _interrupt(self, stream: str, epoch: int, reason: str) -> None:
        try:
            ended = await self._hub.interrupt(
                stream, epoch=epoch, by=BY, reason=reason, now_ms=self._wall_ms()
            )
        except NoSuchStreamError:
            self._stalled.pop(stream, None)
        except LogError as error:
            _log.warning("stream %s cannot be ended, trying again: %s", stream, error)
        else:
            if self._stalled.pop(stream, None) is not None and not ended:
                # Another has it, and has perhaps gone as well: the next look finds out.
                self._stalled[stream] = _Stalled(self._clock())
            if ended:
                _log.info("stream %s interrupted: %s", stream, reason)


async def _which_live(origins: Iterable[_Origin]) -> dict[ProcessId, bool | None]:
    processes = {origin.process for origin in origins if origin.process is not None}
    if not processes:
        return {}
    return await asyncio.to_thread(lambda: {process: is_alive(process) for process in processes})


def _read_origin(meta: bytes) -> _Origin:
    try:
        return msgspec.json.decode(meta, type=_Origin)
    except msgspec.DecodeError:
        # Another client's meta, with other things under these names.
        return _Origin()
