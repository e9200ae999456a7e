"""The buffer between an agent and the log: nothing lost, hysteresis, waiting across threads."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import BackpressureError, LocalProtocolError
from swarm_stream.runtime.buffer import TokenBuffer


def buffer(size: int = 10, **settings: float) -> TokenBuffer[bytes]:
    return TokenBuffer(StreamingConfig(buffer_size=size, **settings))  # type: ignore[arg-type]  # numbers


def test_it_asks_to_pause_at_80_percent_and_to_go_on_at_30() -> None:
    held = buffer(10)
    seen = []
    for _ in range(9):
        held.put_nowait(b"x")
        seen.append(held.paused)
    assert seen == [False] * 7 + [True, True]
    seen = []
    for acked in range(1, 10):
        held.ack(acked)
        seen.append((9 - acked, held.paused))
    assert [left for left, paused in seen if paused] == [8, 7, 6, 5, 4]
    assert held.metrics.pauses == 1
    assert held.metrics.peak == 9


def test_a_full_buffer_refuses_who_does_not_wait_and_keeps_what_must_not_wait() -> None:
    held = buffer(2)
    held.put_nowait(b"a")
    held.put_nowait(b"b")
    with pytest.raises(BackpressureError, match="buffer_size"):
        held.put_nowait(b"c")
    assert held.put_now(b"end") == 2
    assert list(held.take_nowait()) == [b"a", b"b", b"end"]


@pytest.mark.asyncio
async def test_put_waits_for_room_and_cancelling_it_leaves_nothing_behind() -> None:
    held = buffer(1)
    await held.put(b"a")
    waiting = asyncio.ensure_future(held.put(b"b"))
    given_up = asyncio.ensure_future(held.put(b"never"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert not waiting.done()
    held.ack(1)
    assert await waiting == 1
    held.ack(2)
    assert held.next == 2


@pytest.mark.asyncio
async def test_get_takes_each_event_once_and_keeps_it_until_it_is_acknowledged() -> None:
    held = buffer()
    getting = asyncio.ensure_future(held.get())
    await asyncio.sleep(0)
    held.put_nowait(b"a")
    held.put_nowait(b"b")
    assert await getting == b"a"
    assert list(await held.take()) == [b"b"]
    held.rewind()
    assert list(await held.take()) == [b"a", b"b"]


@pytest.mark.asyncio
async def test_a_reader_on_another_thread_gets_everything_in_order() -> None:
    held = buffer(16)
    count = 3000
    got: list[int] = []

    def read() -> None:
        async def main() -> None:
            while len(got) < count:
                batch = await held.take(max_events=7)
                got.extend(int(event) for event in batch)
                held.ack(len(got))

        asyncio.run(main())

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(count):
        await held.put(b"%d" % number)
    await held.wait_acked(count)
    await asyncio.to_thread(thread.join)
    assert got == list(range(count))
    assert held.metrics.peak <= 16


def test_acknowledging_what_was_never_put_changes_nothing() -> None:
    held = buffer()
    held.put_nowait(b"a")
    with pytest.raises(LocalProtocolError):
        held.ack(2)
    assert len(held) == 1


def test_on_put_is_called_once_until_it_is_armed_again() -> None:
    calls: list[int] = []
    held: TokenBuffer[bytes] = TokenBuffer(on_put=lambda: calls.append(1))
    held.put_nowait(b"a")
    held.put_nowait(b"b")
    assert len(calls) == 1
    held.rearm()
    held.put_nowait(b"c")
    assert len(calls) == 2


@given(st.lists(st.one_of(st.integers(1, 8), st.integers(-8, -1)), max_size=60))
def test_any_order_of_puts_and_acks_loses_nothing_and_reorders_nothing(steps: list[int]) -> None:
    held = buffer(10)
    put: list[bytes] = []
    base = 0
    for step in steps:
        if step > 0:
            for _ in range(step):
                put.append(b"%d" % len(put))
                held.put_now(put[-1])
        else:
            base = min(len(put), base - step)
            held.ack(base)
        assert list(held.slice(base, max_events=1000, max_bytes=10**6)) == put[base:]
        assert held.metrics.bytes_held == sum(map(len, put[base:]))
        if len(held) >= 8:
            assert held.paused
        if len(held) <= 3:
            assert not held.paused


def test_a_slice_keeps_to_its_limits_but_always_moves() -> None:
    held = buffer(100)
    for event in (b"aaaa", b"bbbb", b"cccc"):
        held.put_nowait(event)
    assert list(held.slice(0, max_events=2, max_bytes=100)) == [b"aaaa", b"bbbb"]
    assert list(held.slice(0, max_events=9, max_bytes=10)) == [b"aaaa", b"bbbb"]
    assert list(held.slice(0, max_events=9, max_bytes=1)) == [b"aaaa"]
    assert list(held.slice(3, max_events=9, max_bytes=1)) == []
