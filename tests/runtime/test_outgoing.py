"""Whose turn it is to send: everybody's, in the end, and not everybody's at once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.protocol import frames
from swarm_stream.protocol.buffer import Window
from swarm_stream.protocol.producer import ProducerConnection
from swarm_stream.runtime.outgoing import UNDER_WAY, Outgoing


class Stream:
    """A session, as the link sees it, that tells the link of everything it puts."""

    def __init__(self, name: str) -> None:
        self.window: Window[bytes] = Window(
            size=10**6, max_bytes=10**9, pause_at=0.8, resume_at=0.3
        )
        self.connection = ProducerConnection(name, producer="p", window=self.window)

    def link_changed(self) -> None: ...

    def link_turn(self) -> None: ...

    def control_arrived(self, frame: frames.Control) -> None: ...


class Link:
    """Sends when it is asked to, and hears what the test has the server answer."""

    def __init__(self, count: int) -> None:
        self.outgoing = Outgoing()
        self.streams = [Stream(f"s{number}") for number in range(count)]
        self.arrived: Counter[str] = Counter()
        self.connect()

    def connect(self) -> None:
        for stream in self.streams:
            stream.connection.connected()
            self.outgoing.add(stream)
        assert len(self.send()) == len(self.streams)
        for stream in self.streams:
            name = stream.connection.stream
            self.hear(stream, frames.ClaimReply(stream=name, epoch=1, next=self.arrived[name]))

    def send(self) -> list[frames.ClientFrame]:
        return [frames.decode_client_frame(frame) for frame in self.outgoing.gather()]

    def hear(self, stream: Stream, frame: frames.ServerFrame) -> None:
        stream.connection.receive(frame, now=0)
        self.outgoing.answered(stream)
        if stream.connection.has_more:
            self.outgoing.add(stream)

    def put(self, stream: Stream) -> None:
        stream.window.put(b"{}")
        self.outgoing.add(stream)

    def receive(self, sent: list[frames.ClientFrame]) -> None:
        """Take in appends as a server does, without answering yet."""
        for frame in sent:
            assert isinstance(frame, frames.Append)
            assert frame.offset == self.arrived[frame.stream]
            self.arrived[frame.stream] += len(frame.events)

    def ack(self, stream: Stream) -> None:
        name = stream.connection.stream
        self.hear(stream, frames.Ack(stream=name, next=self.arrived[name]))

    def lose(self) -> None:
        for stream in self.streams:
            stream.connection.lost()
        self.outgoing.lost()


def test_no_more_streams_are_under_way_than_agreed() -> None:
    link = Link(UNDER_WAY + 10)
    for stream in link.streams:
        link.put(stream)
    sent = link.send()
    assert len(sent) == UNDER_WAY
    link.receive(sent)
    # What they put meanwhile leaves at once, what the others put with what they have.
    for stream in link.streams:
        link.put(stream)
    link.receive(again := link.send())
    assert {frame.stream for frame in again if isinstance(frame, frames.Append)} == {
        frame.stream for frame in sent if isinstance(frame, frames.Append)
    }
    link.ack(link.streams[0])
    [late] = link.send()
    assert isinstance(late, frames.Append)
    assert late.stream == f"s{UNDER_WAY}"
    assert len(late.events) == 2


def test_a_stream_that_is_gone_makes_room() -> None:
    link = Link(UNDER_WAY + 1)
    for stream in link.streams:
        link.put(stream)
    link.receive(link.send())
    assert link.send() == []
    link.outgoing.left(link.streams[3])
    assert len(link.send()) == 1


def test_a_refusal_makes_room_until_it_is_tried_again() -> None:
    link = Link(UNDER_WAY + 1)
    for stream in link.streams:
        link.put(stream)
    link.send()
    refused = link.streams[0]
    name = refused.connection.stream
    error = frames.Error(stream=name, code="log_failed", message="full", cause="append")
    link.hear(refused, error)
    [late] = link.send()
    assert isinstance(late, frames.Append)
    assert late.stream == f"s{UNDER_WAY}"


@given(st.data())
def test_everything_leaves_in_the_end(data: st.DataObject) -> None:
    count = data.draw(st.sampled_from([1, UNDER_WAY, UNDER_WAY + 3]))
    link = Link(count)
    put: Counter[str] = Counter()
    some = st.lists(st.integers(0, count - 1), max_size=count)
    for step in data.draw(st.lists(st.sampled_from(["put", "send", "ack", "cut"]), max_size=20)):
        match step:
            case "put":
                for number in data.draw(some):
                    link.put(link.streams[number])
                    put[f"s{number}"] += 1
            case "send":
                link.receive(link.send())
            case "ack":
                for number in data.draw(some):
                    link.ack(link.streams[number])
            case _:
                link.lose()
                link.connect()
    for _ in range(count + 1):
        link.receive(link.send())
        for stream in link.streams:
            link.ack(stream)
    assert link.arrived == put
    assert not any(stream.window.bytes_held for stream in link.streams)
