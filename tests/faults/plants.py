"""Bugs to be planted, one at a time, to see that they are found. None of them is in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from swarm_stream.hub import hub as hub_module
from swarm_stream.hub.controls import PendingControls
from swarm_stream.hub.hot_tail import HotTail
from swarm_stream.hub.producers import Producers
from swarm_stream.logs import memory
from swarm_stream.logs.admission import Admitted, Fenced, admit
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.logs.sqlite_ledger import MAX_OFFSET, Ledger
from swarm_stream.protocol.producer import ProducerConnection
from swarm_stream.protocol.pump import SubscriberPump
from swarm_stream.protocol.server import ServerConnection
from swarm_stream.protocol.subscriber import SubscriberConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from swarm_stream.hub.socket import HubSocket
    from swarm_stream.logs.admission import Held, Verdict
    from swarm_stream.logs.base import StreamLog
    from swarm_stream.protocol import frames

__all__ = ["PLANTS"]

PLANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def plant(function: Callable[[pytest.MonkeyPatch], None]) -> Callable[[pytest.MonkeyPatch], None]:
    PLANTS[function.__name__] = function
    return function


@plant
def producer_forgets_what_it_has_sent(patch: pytest.MonkeyPatch) -> None:
    real = ProducerConnection.frames_to_send

    def forgetful(self: ProducerConnection) -> list[frames.ClientFrame]:
        out = real(self)
        self._window.ack(self._sent)
        return out

    patch.setattr(ProducerConnection, "frames_to_send", forgetful)


@plant
def producer_does_not_go_back_after_a_cut(patch: pytest.MonkeyPatch) -> None:
    real = ProducerConnection._rewind

    def onward(self: ProducerConnection, next_offset: int) -> None:
        sent = self._sent
        real(self, next_offset)
        self._sent = max(self._sent, sent)

    patch.setattr(ProducerConnection, "_rewind", onward)


@plant
def producer_does_not_try_a_full_disk_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ProducerConnection, "tick", lambda self, *, now: None)


@plant
def hub_acknowledges_before_the_log_has_it(patch: pytest.MonkeyPatch) -> None:
    real = Producers.append

    def hasty(self: Producers, socket: HubSocket, frame: frames.Append) -> None:
        socket.acked(frame.stream, frame.offset + len(frame.events))
        real(self, socket, frame)

    patch.setattr(Producers, "append", hasty)


@plant
def hub_lets_a_ghost_claim(patch: pytest.MonkeyPatch) -> None:
    real = Producers.claim

    def trusting(self: Producers, socket: HubSocket, frame: frames.Claim) -> None:
        real(self, socket, msgspec.structs.replace(frame, epoch=None))

    patch.setattr(Producers, "claim", trusting)


@plant
def hub_does_not_wake_for_an_end(patch: pytest.MonkeyPatch) -> None:
    real = SubscriberPump.moved

    def sleepy(self: SubscriberPump, stream: str, *, tail: int, closed: bool) -> bool:
        return real(self, stream, tail=tail, closed=False)

    patch.setattr(SubscriberPump, "moved", sleepy)


@plant
def hub_leaves_out_what_lies_inside_a_slice(patch: pytest.MonkeyPatch) -> None:
    real = HotTail.frame

    def careless(self: HotTail, stream: str, offset: int, **limits: Any) -> Any:
        later = [part.offset for part in self._slices if part.offset >= offset]
        return real(self, stream, later[0] if later else offset, **limits)

    patch.setattr(HotTail, "frame", careless)


@plant
def hub_sends_events_before_their_subscription(patch: pytest.MonkeyPatch) -> None:
    real = ServerConnection.frames_to_send
    late: dict[ServerConnection, list[bytes]] = {}

    def held_up(self: ServerConnection) -> list[bytes]:
        out = late.pop(self, [])
        for frame in real(self):
            (late.setdefault(self, []) if b'"subscribed"' in frame else out).append(frame)
        return out

    patch.setattr(ServerConnection, "frames_to_send", held_up)


@plant
def hub_forgets_buttons_when_a_producer_goes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PendingControls, "again", lambda self, stream, producer: None)


@plant
def log_writes_a_retry_again(patch: pytest.MonkeyPatch) -> None:
    def doubling(held: Held, *, epoch: int, offset: int, count: int) -> Verdict:
        verdict = admit(held, epoch=epoch, offset=offset, count=count)
        if isinstance(verdict, Admitted) and 0 < verdict.skip < count:
            return Admitted(verdict.skip - 1, verdict.next + 1)
        return verdict

    patch.setattr(memory, "admit", doubling)


@plant
def log_lets_a_fenced_producer_write(patch: pytest.MonkeyPatch) -> None:
    def lax(held: Held, *, epoch: int, offset: int, count: int) -> Verdict:
        verdict = admit(held, epoch=epoch, offset=offset, count=count)
        if isinstance(verdict, Fenced):
            return admit(held, epoch=held.epoch, offset=offset, count=count)
        return verdict

    patch.setattr(memory, "admit", lax)


@plant
def hub_ends_a_run_that_has_begun_since(patch: pytest.MonkeyPatch) -> None:
    real = hub_module.interrupt

    async def blind(log: StreamLog, stream: str, **ending: Any) -> bool:
        return await real(log, stream, **(ending | {"epoch": MAX_OFFSET}))

    patch.setattr(hub_module, "interrupt", blind)


@plant
def log_trims_too_much(patch: pytest.MonkeyPatch) -> None:
    real = MemoryLog.trim_now

    def greedy(self: MemoryLog, stream: str, *, before: int) -> int:
        return real(self, stream, before=before + 2)

    patch.setattr(MemoryLog, "trim_now", greedy)


@plant
def sqlite_log_forgets_that_a_stream_has_ended(patch: pytest.MonkeyPatch) -> None:
    real = Ledger._insert

    def forgetful(self: Ledger, into: str, rows: Sequence[tuple[object, ...]]) -> None:
        if "tails" in into:
            rows = [(*row[:3], False, *row[4:]) for row in rows]
        real(self, into, rows)

    patch.setattr(Ledger, "_insert", forgetful)


@plant
def viewer_goes_back_one_too_many(patch: pytest.MonkeyPatch) -> None:
    real = SubscriberConnection.connected

    def back(self: SubscriberConnection) -> None:
        wanted, self.next = self.next, max(0, self.next - 1)
        real(self)
        self.next = wanted

    patch.setattr(SubscriberConnection, "connected", back)


@plant
def viewer_says_nothing_of_what_is_gone(patch: pytest.MonkeyPatch) -> None:
    real = SubscriberConnection._gone

    def silent(self: SubscriberConnection, head: int, tail: int) -> None:
        real(self, head, tail)
        self._taken = [what for what in self._taken if not hasattr(what, "first")]

    patch.setattr(SubscriberConnection, "_gone", silent)


@plant
def viewer_does_not_skip_what_it_knows(patch: pytest.MonkeyPatch) -> None:
    real = SubscriberConnection._take

    def gullible(self: SubscriberConnection, offset: int, events: Sequence[Any]) -> None:
        self.next = min(self.next, offset)
        real(self, offset, events)

    patch.setattr(SubscriberConnection, "_take", gullible)


@plant
def hub_queues_without_end_for_who_does_not_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ServerConnection, "clogged", False)
