"""The kernel's end of a stream: what it sends, what it keeps, when it gives up."""

from __future__ import annotations

import pytest

from swarm_stream.errors import (
    EventsLostError,
    LocalProtocolError,
    ProducerFencedError,
    RemoteProtocolError,
    StreamClosedError,
    StreamNameTakenError,
)
from swarm_stream.protocol import frames
from swarm_stream.protocol.buffer import Window
from swarm_stream.protocol.producer import RETRY_S, TRANSITIONS, ProducerConnection, Signal, State


def window() -> Window[bytes]:
    return Window(size=100, max_bytes=10_000, pause_at=0.8, resume_at=0.3)


class Kernel:
    """A producer with its window, and short words for what happens to it."""

    def __init__(self, **options: object) -> None:
        self.window = window()
        self.connection = ProducerConnection(
            "demo",
            producer="p1",
            window=self.window,
            **options,  # type: ignore[arg-type]  # each test gives what it is about
        )

    def put(self, text: str) -> None:
        for letter in text:
            self.window.put(b'{"x":"%b"}' % letter.encode())

    def sent(self) -> list[tuple[int, str]]:
        out = []
        while self.connection.has_more:
            for frame in self.connection.frames_to_send():
                if isinstance(frame, frames.Append):
                    letters = "".join(chr(bytes(event)[6]) for event in frame.events)
                    out.append((frame.offset, letters))
        return out

    def live(self, *, next_offset: int = 0, epoch: int = 1) -> Kernel:
        self.connection.connected()
        self.connection.frames_to_send()
        self.get(frames.ClaimReply(stream="demo", epoch=epoch, next=next_offset))
        return self

    def get(self, frame: frames.ServerFrame, *, now: float = 0.0) -> None:
        self.connection.receive(frame, now=now)

    def ack(self, next_offset: int) -> None:
        self.get(frames.Ack(stream="demo", next=next_offset))


def test_nothing_is_sent_before_the_claim_is_answered() -> None:
    kernel = Kernel()
    kernel.put("abc")
    kernel.connection.connected()
    (claim,) = kernel.connection.frames_to_send()
    assert claim == frames.Claim(
        stream="demo", producer="p1", epoch=None, meta=claim.meta, take_over=True
    )
    assert kernel.connection.frames_to_send() == []
    kernel.get(frames.ClaimReply(stream="demo", epoch=1, next=0))
    assert kernel.sent() == [(0, "abc")]


def test_reconnect_resends_what_the_server_did_not_get() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    assert kernel.sent() == [(0, "abc")]  # on the wire when the socket breaks ...
    kernel.connection.lost()
    kernel.live(next_offset=1)  # ... and one had arrived
    assert kernel.sent() == [(1, "bc")]
    assert kernel.connection.resent == 2
    assert kernel.window.base == 1


def test_what_gathers_while_one_frame_is_sent_leaves_together() -> None:
    kernel = Kernel().live()
    kernel.put("a")
    kernel.connection.frames_to_send()
    kernel.put("bcd")
    assert kernel.sent() == [(1, "bcd")]


def test_an_ack_lets_go_and_an_older_one_changes_nothing() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    kernel.sent()
    kernel.ack(2)
    kernel.ack(1)
    assert (kernel.window.base, kernel.connection.unacked) == (2, 1)


def test_an_ack_of_what_was_never_sent_is_a_fault_of_the_server() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    with pytest.raises(RemoteProtocolError, match="up to 3"):
        kernel.ack(3)
    assert kernel.window.base == 0


def test_a_gap_goes_back_to_where_the_server_is() -> None:
    kernel = Kernel().live()
    kernel.put("abcd")
    kernel.sent()
    kernel.get(frames.Gap(stream="demo", next=2))
    assert kernel.sent() == [(2, "cd")]


def test_the_end_is_reached_when_the_last_event_is_durable() -> None:
    kernel = Kernel().live()
    kernel.put("ab")
    kernel.connection.finish(1)
    kernel.sent()
    assert kernel.connection.state is State.LIVE
    kernel.ack(2)
    assert kernel.connection.state is State.DONE
    kernel.connection.lost()
    kernel.connection.connected()
    assert kernel.connection.frames_to_send() == []


def test_a_fenced_producer_sends_nothing_more_also_after_a_reconnect() -> None:
    kernel = Kernel().live()
    kernel.get(frames.Fenced(stream="demo", epoch=2))
    kernel.put("abc")
    assert kernel.sent() == []
    assert isinstance(kernel.connection.refusal, ProducerFencedError)
    kernel.connection.lost()
    kernel.connection.connected()
    assert kernel.connection.frames_to_send() == []


def test_a_full_disk_is_tried_again_later_and_said() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    kernel.sent()
    kernel.get(frames.Error(code="log_failed", message="disk full", stream="demo"), now=5.0)
    kernel.put("d")
    assert kernel.sent() == []
    assert kernel.connection.notice == "disk full"
    kernel.connection.tick(now=5.0 + RETRY_S)
    assert kernel.sent() == [(0, "abcd")]
    kernel.ack(4)
    assert kernel.connection.notice == ""


def test_a_claim_that_the_log_could_not_write_is_made_again() -> None:
    kernel = Kernel()
    kernel.put("abc")
    kernel.connection.connected()
    (claim,) = kernel.connection.frames_to_send()
    kernel.get(frames.Error(code="log_failed", message="disk full", stream="demo"), now=5.0)
    kernel.connection.tick(now=5.0 + RETRY_S)
    assert kernel.connection.frames_to_send() == [claim]
    kernel.get(frames.ClaimReply(stream="demo", epoch=1, next=0))
    assert kernel.sent() == [(0, "abc")]


def test_a_server_that_takes_fewer_events_gets_fewer() -> None:
    kernel = Kernel().live()
    refusal = frames.Error(code="too_many_events", message="at most 300", stream="demo")
    kernel.put("a" * 600)
    for sent in (600, 500, 250):
        (append,) = kernel.connection.frames_to_send()
        assert isinstance(append, frames.Append)
        assert (append.offset, len(append.events)) == (0, sent)
        if sent > 300:
            kernel.get(refusal)
    assert kernel.connection.state is State.LIVE


@pytest.mark.parametrize("limit", range(1, 9))
def test_frames_that_were_on_their_way_when_one_was_refused_are_no_news(limit: int) -> None:
    """Each of them is refused by itself; the frames that follow are to be no smaller for it."""
    kernel = Kernel().live()
    flying: list[frames.Append] = []
    for _ in range(5):
        kernel.put("abcdefgh")  # each batch leaves before anything is answered
        flying += [f for f in kernel.connection.frames_to_send() if isinstance(f, frames.Append)]
    logged, largest = 0, 0
    for _ in range(1000):
        if not flying:
            break
        append = flying.pop(0)
        if len(append.events) > limit:
            kernel.get(frames.Error(code="too_many_events", message="few", stream="demo"))
        elif append.offset > logged:
            kernel.get(frames.Gap(stream="demo", next=logged))
        else:
            largest = max(largest, len(append.events))
            logged = max(logged, append.offset + len(append.events))
            kernel.ack(logged)
        flying += [f for f in kernel.connection.frames_to_send() if isinstance(f, frames.Append)]
    assert kernel.connection.state is State.LIVE
    assert logged == 40
    assert kernel.connection.unacked == 0
    assert 2 * largest + 1 >= limit


def ended_before_its_ack() -> Kernel:
    kernel = Kernel().live()
    kernel.put("abc")
    kernel.connection.finish(2)
    kernel.sent()
    kernel.ack(1)
    kernel.connection.lost()
    kernel.connection.connected()
    kernel.connection.frames_to_send()
    kernel.get(frames.Error(code="stream_closed", message="it has ended", stream="demo"))
    return kernel


def test_an_end_whose_ack_was_lost_is_asked_for_again() -> None:
    kernel = ended_before_its_ack()
    assert kernel.sent() == [(1, "bc")]
    kernel.ack(3)
    assert kernel.connection.state is State.DONE
    assert kernel.connection.unacked == 0


def test_an_end_that_was_somebody_elses_is_told_apart() -> None:
    kernel = ended_before_its_ack()
    kernel.sent()
    kernel.get(frames.Fenced(stream="demo", epoch=2))
    assert isinstance(kernel.connection.refusal, ProducerFencedError)
    kernel = ended_before_its_ack()
    kernel.sent()
    kernel.get(frames.Error(code="stream_closed", message="it has ended", stream="demo"))
    assert isinstance(kernel.connection.refusal, StreamClosedError)
    assert kernel.connection.unacked == 2


def test_a_run_that_has_not_ended_takes_a_closed_stream_for_anothers() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    kernel.connection.lost()
    kernel.connection.connected()
    kernel.get(frames.Error(code="stream_closed", message="it has ended", stream="demo"))
    assert isinstance(kernel.connection.refusal, StreamClosedError)


def test_a_refused_run_answers_its_buttons() -> None:
    kernel = Kernel().live()
    kernel.get(frames.Fenced(stream="demo", epoch=2))
    answer = frames.Controlled(stream="demo", id="c1", ok=True)
    kernel.connection.answer(answer)
    assert kernel.connection.frames_to_send() == [answer]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("stream_taken", StreamNameTakenError),
        ("stream_closed", StreamClosedError),
        ("bad_epoch", RemoteProtocolError),
    ],
)
def test_a_refused_claim_says_why(code: str, error: type[Exception]) -> None:
    kernel = Kernel(take_over=False)
    kernel.connection.connected()
    kernel.connection.frames_to_send()
    kernel.get(frames.Error(code=code, message="no", stream="demo"))
    assert kernel.connection.state is State.REFUSED
    assert isinstance(kernel.connection.refusal, error)


def test_taking_over_begins_behind_the_other_producers_events() -> None:
    kernel = Kernel().live(next_offset=7, epoch=2)
    kernel.put("ab")
    assert kernel.sent() == [(7, "ab")]


def test_events_that_were_numbered_already_do_not_go_behind_anothers() -> None:
    kernel = Kernel()
    kernel.put("abc")
    kernel.live(next_offset=2, epoch=2)
    assert kernel.sent() == []
    assert isinstance(kernel.connection.refusal, StreamNameTakenError)
    assert kernel.connection.unacked == 3


def test_a_log_that_lost_what_it_acknowledged_is_told_to_the_user() -> None:
    kernel = Kernel().live()
    kernel.put("abc")
    kernel.sent()
    kernel.ack(3)
    kernel.connection.lost()
    kernel.live(next_offset=1)
    assert isinstance(kernel.connection.refusal, EventsLostError)


def test_a_log_that_lost_events_gets_them_again_from_the_history() -> None:
    class History:
        def slice(self, offset: int, *, max_events: int, max_bytes: int) -> list[bytes]:
            held = [b'{"x":"%b"}' % letter.encode() for letter in "abc"]
            return held[offset : offset + max_events]

    kernel = Kernel(history=History()).live()
    kernel.put("abc")
    kernel.sent()
    kernel.ack(3)
    kernel.connection.lost()
    kernel.live(next_offset=1)
    kernel.put("d")
    assert "".join(letters for _, letters in kernel.sent()) == "bcd"


def test_every_pair_that_is_not_in_the_table_is_refused_and_changes_nothing() -> None:
    for state in State:
        for signal in Signal:
            kernel = Kernel()
            kernel.connection.state = state
            if (state, signal) in TRANSITIONS:
                continue
            with pytest.raises(LocalProtocolError):
                kernel.connection._move(signal)
            assert kernel.connection.state is state


@pytest.mark.parametrize("state", ["offline", "joining", "live"])
def test_a_producer_whose_stream_is_taken_in_its_own_process_gives_up(state: str) -> None:
    kernel = Kernel()
    if state != "offline":
        kernel.connection.connected()
    if state == "live":
        kernel.get(frames.ClaimReply(stream="demo", epoch=1, next=0))
    kernel.put("abc")
    kernel.connection.give_up()
    assert isinstance(kernel.connection.refusal, ProducerFencedError)
    assert kernel.sent() == []
    assert kernel.connection.frames_to_send() == []
    kernel.connection.give_up()  # twice is once


def test_a_producer_that_is_done_has_nothing_to_give_up() -> None:
    kernel = Kernel().live()
    kernel.put("a")
    kernel.connection.finish(0)
    kernel.sent()
    kernel.ack(1)
    kernel.connection.give_up()
    assert kernel.connection.state is State.DONE
    assert kernel.connection.refusal is None


def test_an_ack_before_the_claim_is_answered_is_another_producers() -> None:
    kernel = Kernel()
    kernel.connection.connected()
    kernel.connection.frames_to_send()
    kernel.ack(7)  # of the session that had the stream on this socket before
    kernel.get(frames.ClaimReply(stream="demo", epoch=2, next=7))
    kernel.put("ab")
    assert kernel.sent() == [(7, "ab")]


def test_the_answer_to_another_producers_claim_is_none_of_ours() -> None:
    """Of one that had the stream on this connection until we took it over."""
    kernel = Kernel()
    kernel.put("abc")
    kernel.connection.connected()
    kernel.connection.frames_to_send()
    kernel.get(frames.ClaimReply(stream="demo", epoch=1, next=0, producer="p0"))
    assert kernel.sent() == []
    kernel.get(frames.ClaimReply(stream="demo", epoch=2, next=0, producer="p1"))
    assert kernel.sent() == [(0, "abc")]
    assert kernel.connection.epoch == 2
