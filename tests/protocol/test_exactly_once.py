"""Whatever the network does, the log holds each event once and in order.

A producer, the server's append table and a viewer's cursor, with a wire that can be cut at any
frame, a server that restarts, retries and a rival producer's claim.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from swarm_stream.logs.admission import Admitted, Closed, Fenced, Gap, Held, admit
from swarm_stream.protocol import frames
from swarm_stream.protocol.buffer import Window
from swarm_stream.protocol.producer import ProducerConnection, State


class ExactlyOnce(RuleBasedStateMachine):
    """One producer, one log, and a wire that can be cut at any frame."""

    def __init__(self) -> None:
        super().__init__()
        self.window: Window[bytes] = Window(size=50, max_bytes=10_000, pause_at=0.8, resume_at=0.3)
        self.producer = ProducerConnection("demo", producer="p", window=self.window)
        self.emitted: list[bytes] = []
        self.log: list[bytes] = []
        self.epoch = 0
        self.up: list[frames.ClientFrame] = []
        self.down: list[frames.ServerFrame] = []
        self.ended = False

    @precondition(lambda self: not self.ended)
    @rule()
    def emit(self) -> None:
        event = b'{"n":%d}' % len(self.emitted)
        self.emitted.append(event)
        self.window.put(event)

    @precondition(lambda self: not self.ended)
    @rule()
    def end(self) -> None:
        self.emit()
        self.ended = True
        self.producer.finish(len(self.emitted) - 1)

    @precondition(lambda self: self.producer.state is State.OFFLINE)
    @rule()
    def connect(self) -> None:
        self.producer.connected()
        self.send()

    @rule()
    def send(self) -> None:
        self.up += self.producer.frames_to_send()

    @precondition(lambda self: self.up)
    @rule()
    def server_takes_a_frame(self) -> None:
        match self.up.pop(0):
            case frames.Claim(epoch=held):
                self.epoch = held or self.epoch + 1
                answer = frames.ClaimReply(stream="demo", epoch=self.epoch, next=len(self.log))
                self.down.append(answer)
            case frames.Append(epoch=epoch, offset=offset, events=events):
                self.down.append(self.append(epoch, offset, [bytes(event) for event in events]))

    def append(self, epoch: int, offset: int, events: list[bytes]) -> frames.ServerFrame:
        held = Held(self.epoch, len(self.log), closed=False)
        match admit(held, epoch=epoch, offset=offset, count=len(events)):
            case Admitted(skip=skip):
                self.log += events[skip:]
                return frames.Ack(stream="demo", next=len(self.log))
            case Gap(next=next_offset):
                return frames.Gap(stream="demo", next=next_offset)
            case Fenced(epoch=current):
                return frames.Fenced(stream="demo", epoch=current)
            case Closed() | _:
                return frames.Error(code="bad_epoch", message="never issued")

    @precondition(lambda self: self.down)
    @rule()
    def producer_takes_a_frame(self) -> None:
        self.producer.receive(self.down.pop(0), now=0.0)

    @precondition(lambda self: self.producer.state is not State.OFFLINE)
    @rule()
    def cut(self) -> None:
        self.up.clear()
        self.down.clear()
        self.producer.lost()

    @invariant()
    def log_is_a_prefix_of_what_was_emitted(self) -> None:
        assert self.log == self.emitted[: len(self.log)]

    @invariant()
    def nothing_is_forgotten_before_it_is_durable(self) -> None:
        assert len(self.emitted) - self.producer.unacked <= len(self.log)

    def teardown(self) -> None:
        if self.producer.state is State.OFFLINE:
            self.connect()
        while self.up or self.down or self.producer.has_more:
            self.send()
            if self.up:
                self.server_takes_a_frame()
            elif self.down:
                self.producer_takes_a_frame()
        assert self.log == self.emitted
        assert self.producer.unacked == 0


TestExactlyOnce = ExactlyOnce.TestCase
TestExactlyOnce.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
