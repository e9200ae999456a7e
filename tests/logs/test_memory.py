"""What only a log in memory does: a limit to what it holds, and calls without a loop."""

from __future__ import annotations

import pytest

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.logs.admission import Admitted, Closed
from swarm_stream.logs.base import Claimed, Moved, Slice
from swarm_stream.logs.memory import MemoryLog

EVENT = b'"12345678"'  # ten bytes


def add(log: MemoryLog, stream: str, times: int = 1, *, closes: bool = False) -> None:
    claimed = log.claim_now(stream, producer="p", meta=None)
    assert isinstance(claimed, Claimed)
    for n in range(claimed.next, claimed.next + times):
        ends = closes and n == claimed.next + times - 1
        log.append_now(stream, epoch=claimed.epoch, offset=n, events=[EVENT], closes=ends)


def names(log: MemoryLog) -> set[str]:
    return {name for name in "abc" if holds(log, name)}


def holds(log: MemoryLog, stream: str) -> bool:
    try:
        log.info_now(stream)
    except NoSuchStreamError:
        return False
    return True


def test_everything_can_be_done_without_a_loop() -> None:
    log = MemoryLog()
    moves: list[Moved] = []
    log.watch(moves.append)
    assert log.claim_now("s", producer="p", meta=b'{"v":1}') == Claimed(1, 0)
    verdict = log.append_now("s", epoch=1, offset=0, events=[b"1", b"2"], closes=True)
    assert verdict == Admitted(0, 2)
    assert moves == [Moved("s", (Slice(0, 2, b"1,2"),), 2, closed=True)]
    assert log.claim_now("s", producer="p", meta=None) == Closed(2)
    assert log.read_now("s", 1, max_events=9, max_bytes=9) == Slice(1, 1, b"2")
    assert log.info_now("s").meta == b'{"v":1}'
    assert [info.stream for info in log.list_now()] == ["s"]
    assert log.trim_now("s", before=9) == 2
    assert log.delete_now("s")


def test_finished_streams_go_first_the_longest_unchanged_before_the_others() -> None:
    log = MemoryLog(max_bytes=100)
    add(log, "a", 4, closes=True)
    add(log, "b", 4, closes=True)
    add(log, "c", 2)
    assert names(log) == {"a", "b", "c"}
    add(log, "c", 1)
    assert names(log) == {"b", "c"}
    assert log.info_now("c").head == 0


def test_then_the_oldest_events_of_the_largest_stream_go() -> None:
    log = MemoryLog(max_bytes=100)
    add(log, "a", 3)
    add(log, "b", 8)
    assert log.info_now("a").head == 0
    info = log.info_now("b")
    assert info.head > 0
    assert info.tail == 8
    with pytest.raises(OffsetOutOfRangeError):
        log.read_now("b", 0, max_events=1, max_bytes=1)
    assert log.read_now("b", info.head, max_events=9, max_bytes=99).count == 8 - info.head


@pytest.mark.parametrize("closes", [False, True])
def test_what_was_added_last_stays_however_large(closes: bool) -> None:  # noqa: FBT001
    log = MemoryLog(max_bytes=100)
    add(log, "a", 5)
    log.claim_now("b", producer="p", meta=None)
    big = b'"%b"' % (b"x" * 500)
    log.append_now("b", epoch=1, offset=0, events=[big], closes=closes)
    assert log.read_now("b", 0, max_events=1, max_bytes=1) == Slice(0, 1, big)


@pytest.mark.parametrize("closing", [0, 3])
def test_it_holds_no_more_than_its_limit(closing: int) -> None:
    log = MemoryLog(max_bytes=1000)
    for n in range(60):
        add(log, f"s{n % 7 if not closing else n}", 9, closes=bool(closing) and n % closing == 0)
        assert sum(info.size_bytes for info in log.list_now()) <= 1000 + 60 * len(EVENT)
    if not closing:
        assert sum(info.size_bytes for info in log.list_now()) <= 1000


def test_what_was_trimmed_or_deleted_makes_room() -> None:
    log = MemoryLog(max_bytes=100)
    add(log, "a", 9, closes=True)
    log.trim_now("a", before=6)
    add(log, "b", 4)
    log.delete_now("b")
    add(log, "c", 6)
    assert holds(log, "a")
    assert log.info_now("a").head == 6
    assert log.info_now("c").head == 0


def test_a_forgotten_stream_made_again_has_a_higher_epoch() -> None:
    log = MemoryLog(max_bytes=100)
    add(log, "a", 5, closes=True)
    add(log, "b", 8)
    assert not holds(log, "a")
    assert log.claim_now("a", producer="p", meta=None) == Claimed(2, 0)


@pytest.mark.asyncio
async def test_a_failing_call_fails_its_future_and_not_the_caller() -> None:
    log = MemoryLog()
    future = log.append("s", epoch=1, offset=0, events=[b"1"], closes=False)
    with pytest.raises(NoSuchStreamError):
        await future
    await log.aclose()
    with pytest.raises(LogError):
        log.append_now("s", epoch=1, offset=0, events=[b"1"], closes=False)
