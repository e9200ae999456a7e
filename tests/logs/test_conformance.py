"""What every log does, whatever it is made of. See ``conftest.LOGS`` for the logs held to it."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.logs.admission import Admitted, BadEpoch, Closed, Fenced, Gap
from swarm_stream.logs.base import Claimed, Slice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm_stream.logs.base import Moved, StreamLog

pytestmark = pytest.mark.asyncio


def numbered(start: int, stop: int) -> list[bytes]:
    return [b'{"n":%d}' % n for n in range(start, stop)]


async def fill(
    log: StreamLog, stream: str, *batches: Sequence[bytes], closes: bool = False
) -> None:
    """Claim ``stream`` as "p" and append each batch, the last of which may close it."""
    claimed = await log.claim(stream, producer="p", meta=None)
    assert isinstance(claimed, Claimed)
    offset = claimed.next
    for number, batch in enumerate(batches, start=1):
        ends = closes and number == len(batches)
        verdict = await log.append(
            stream, epoch=claimed.epoch, offset=offset, events=batch, closes=ends
        )
        assert verdict == Admitted(0, offset + len(batch))
        offset += len(batch)


async def read_all(
    log: StreamLog, stream: str, offset: int = 0, *, max_events: int = 7, max_bytes: int = 10_000
) -> list[bytes]:
    """Read to the tail, by the cursor that each read gives; checks that nothing is left out."""
    found: list[bytes] = []
    while True:
        part = await log.read(stream, offset, max_events=max_events, max_bytes=max_bytes)
        assert part.offset == offset
        assert part.count <= max_events
        assert part.count <= 1 or len(part.body) <= max_bytes
        if part.count == 0:
            assert part.body == b""
            return found
        events = msgspec.json.decode(b"[%b]" % part.body, type=list[msgspec.Raw])
        assert len(events) == part.count
        found += map(bytes, events)
        offset += part.count


# Claims


async def test_a_first_claim_makes_the_stream(log: StreamLog) -> None:
    assert await log.claim("s", producer="a", meta=b'{"title":"t"}') == Claimed(1, 0)
    info = await log.info("s")
    assert (info.head, info.tail, info.closed, info.epoch) == (0, 0, False, 1)
    assert (info.producer, info.meta, info.size_bytes) == ("a", b'{"title":"t"}', 0)


async def test_the_holder_claims_again_and_keeps_its_epoch(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 3))
    assert await log.claim("s", producer="p", meta=None) == Claimed(1, 3)


async def test_each_other_producer_gets_the_next_epoch(log: StreamLog) -> None:
    epochs = [await log.claim("s", producer=p, meta=None) for p in "abba"]
    assert epochs == [Claimed(1, 0), Claimed(2, 0), Claimed(2, 0), Claimed(3, 0)]


async def test_who_had_a_stream_before_does_not_get_it_back(log: StreamLog) -> None:
    await log.claim("s", producer="a", meta=None)
    assert await log.claim("s", producer="b", meta=None) == Claimed(2, 0)
    assert await log.claim("s", producer="a", meta=b'{"x":1}', epoch=1) == Fenced(2)
    assert await log.claim("s", producer="b", meta=None, epoch=2) == Claimed(2, 0)
    assert (await log.info("s")).meta == b"{}"
    # A run that begins anew takes it over as ever.
    assert await log.claim("s", producer="a", meta=None) == Claimed(3, 0)


async def test_who_brings_the_next_epoch_gets_it_only_if_nobody_has_it(log: StreamLog) -> None:
    await log.claim("s", producer="a", meta=b'{"x":1}')
    for _ in range(2):  # the answer may have been lost
        assert await log.claim("s", producer="b", meta=None, epoch=2) == Claimed(2, 0)
    assert await log.claim("s", producer="c", meta=None, epoch=2) == Fenced(2)
    assert await log.claim("s", producer="a", meta=None) == Claimed(3, 0)
    assert await log.claim("s", producer="b", meta=None, epoch=2) == Fenced(3)
    assert (await log.info("s")).meta == b'{"x":1}'


async def test_a_closed_stream_cannot_be_claimed(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 3), closes=True)
    assert await log.claim("s", producer="p", meta=None) == Closed(3)
    assert await log.claim("s", producer="q", meta=b'{"x":1}') == Closed(3)
    assert (await log.info("s")).meta == b"{}"


async def test_meta_is_replaced_by_a_claim_that_brings_some(log: StreamLog) -> None:
    metas = []
    for producer, meta in (("a", None), ("a", b'{"v":1}'), ("a", None), ("b", None)):
        await log.claim("s", producer=producer, meta=meta)
        metas.append((await log.info("s")).meta)
    assert metas == [b"{}", b'{"v":1}', b'{"v":1}', b'{"v":1}']


# Appends


async def test_calls_take_effect_in_the_order_in_which_they_are_made(log: StreamLog) -> None:
    futures = [
        log.append("s", epoch=1, offset=0, events=numbered(0, 1), closes=False),
        log.claim("s", producer="a", meta=None),
        *(
            log.append("s", epoch=1, offset=n, events=numbered(n, n + 1), closes=False)
            for n in range(300)
        ),
        log.append("s", epoch=1, offset=301, events=numbered(301, 302), closes=False),
        log.claim("s", producer="b", meta=None),
        log.append("s", epoch=1, offset=300, events=numbered(300, 301), closes=False),
        log.append("s", epoch=2, offset=300, events=numbered(300, 301), closes=True),
        log.append("s", epoch=2, offset=301, events=numbered(301, 302), closes=False),
        log.trim("s", before=0),
        log.delete("s"),
        log.append("s", epoch=2, offset=301, events=numbered(301, 302), closes=False),
    ]
    done = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(done[0], NoSuchStreamError)
    assert done[1:-1] == [
        Claimed(1, 0),
        *(Admitted(0, n + 1) for n in range(300)),
        Gap(300),
        Claimed(2, 300),
        Fenced(2),
        Admitted(0, 301),
        Closed(301),
        0,
        True,
    ]
    assert isinstance(done[-1], NoSuchStreamError)


async def test_an_epoch_that_was_never_issued_is_refused(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 2))
    verdict = await log.append("s", epoch=9, offset=2, events=numbered(2, 3), closes=False)
    assert verdict == BadEpoch(1)
    assert await read_all(log, "s") == numbered(0, 2)


async def test_a_fenced_producer_changes_nothing(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 2))
    await log.claim("s", producer="q", meta=None)
    for closes in (False, True):
        verdict = await log.append("s", epoch=1, offset=2, events=numbered(2, 4), closes=closes)
        assert verdict == Fenced(2)
    assert await read_all(log, "s") == numbered(0, 2)
    assert not (await log.info("s")).closed


async def test_a_gap_is_refused_and_leaves_no_hole(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 2))
    verdict = await log.append("s", epoch=1, offset=3, events=numbered(3, 5), closes=True)
    assert verdict == Gap(2)
    assert await read_all(log, "s") == numbered(0, 2)


async def test_a_retry_is_acknowledged_and_stored_once(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5))
    for offset, stop in ((0, 5), (0, 2), (3, 5)):
        verdict = await log.append(
            "s", epoch=1, offset=offset, events=numbered(offset, stop), closes=False
        )
        assert verdict == Admitted(stop - offset, 5)
    assert await read_all(log, "s") == numbered(0, 5)
    assert (await log.info("s")).size_bytes == len(b",".join(numbered(0, 5)))


async def test_of_a_partial_overlap_the_new_events_are_stored(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5))
    verdict = await log.append("s", epoch=1, offset=2, events=numbered(2, 9), closes=True)
    assert verdict == Admitted(3, 9)
    assert await read_all(log, "s") == numbered(0, 9)
    assert (await log.info("s")).closed


async def test_a_closed_stream_takes_retries_and_nothing_new(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5), closes=True)
    for epoch in (1, 7):
        verdict = await log.append("s", epoch=epoch, offset=3, events=numbered(3, 5), closes=True)
        assert verdict == Admitted(2, 5)
        verdict = await log.append("s", epoch=epoch, offset=3, events=numbered(3, 6), closes=True)
        assert verdict == Closed(5)
    # Of one who was fenced before, who knows whether these were its events?
    verdict = await log.append("s", epoch=0, offset=3, events=numbered(3, 5), closes=True)
    assert verdict == Fenced(1)
    assert await read_all(log, "s") == numbered(0, 5)


async def test_no_events_change_nothing(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5))
    verdict = await log.append("s", epoch=1, offset=5, events=[], closes=True)
    assert verdict == Admitted(0, 5)
    assert not (await log.info("s")).closed


async def test_events_are_kept_byte_for_byte(log: StreamLog) -> None:
    events = [
        '{"text":"é ñ 漢字 🙂 \u2028"}'.encode(),
        b'{"text":"\\ud83d\\ude00 \\u0000 \\" , ] }"}',
        b'{ "spaced" : [ 1 , 2 ] }',
        b"1e400",
        b'""',
    ]
    await fill(log, "s", events, events)
    assert await read_all(log, "s", max_events=3) == events * 2


async def test_raw_values_of_a_decoded_frame_may_be_handed_in(log: StreamLog) -> None:
    frame = b'{"events":[{"n":0},{"n":1}]}'
    events = msgspec.json.decode(frame, type=dict[str, list[msgspec.Raw]])["events"]
    await fill(log, "s", events)  # type: ignore[arg-type]  # Raw has the buffer of bytes
    assert (await log.read("s", 0, max_events=9, max_bytes=999)).body == b'{"n":0},{"n":1}'


async def test_a_big_batch_is_kept(log: StreamLog) -> None:
    events = [b'{"n":%d,"text":"%b"}' % (n, b"x" * 1000) for n in range(3000)]
    await fill(log, "s", events, [b'"after"'])
    assert await read_all(log, "s", max_events=1000, max_bytes=10**6) == [*events, b'"after"']
    assert await read_all(log, "s", 2990, max_events=4, max_bytes=2500) == [
        *events[2990:],
        b'"after"',
    ]


async def test_an_event_larger_than_a_read_comes_alone(log: StreamLog) -> None:
    big = b'"%b"' % (b"x" * 5000)
    await fill(log, "s", [b"0", big, b"2"])
    assert await log.read("s", 1, max_events=9, max_bytes=100) == Slice(1, 1, big)
    assert await log.read("s", 2, max_events=9, max_bytes=100) == Slice(2, 1, b"2")


async def test_cancelling_a_waiting_append_leaves_all_of_it_or_none(log: StreamLog) -> None:
    await log.claim("s", producer="p", meta=None)
    batches = [numbered(n, n + 3) for n in range(0, 60, 3)]
    futures = [
        asyncio.ensure_future(log.append("s", epoch=1, offset=3 * n, events=batch, closes=False))
        for n, batch in enumerate(batches)
    ]
    for future in futures[::2]:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)
    assert futures[-1].result() == Admitted(0, 60)
    assert await read_all(log, "s") == numbered(0, 60)


# Reads


async def test_reads_begin_anywhere_from_head_to_tail(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 1), numbered(1, 6), numbered(6, 8), numbered(8, 40))
    for offset in range(41):
        for max_events in (1, 3, 100):
            found = await read_all(log, "s", offset, max_events=max_events)
            assert found == numbered(offset, 40)


async def test_a_read_at_the_tail_gives_nothing(log: StreamLog) -> None:
    await log.claim("s", producer="p", meta=None)
    assert await log.read("s", 0, max_events=9, max_bytes=99) == Slice(0, 0, b"")
    await fill(log, "s", numbered(0, 3))
    assert await log.read("s", 3, max_events=9, max_bytes=99) == Slice(3, 0, b"")


@pytest.mark.parametrize("max_bytes", [1, 8, 20, 100, 300])
async def test_reads_keep_to_their_bytes(log: StreamLog, max_bytes: int) -> None:
    await fill(log, "s", *(numbered(n, n + 1) for n in range(20)), numbered(20, 60))
    assert await read_all(log, "s", max_events=99, max_bytes=max_bytes) == numbered(0, 60)


async def test_small_appends_are_read_together(log: StreamLog) -> None:
    await fill(log, "s", *(numbered(n, n + 1) for n in range(50)))
    part = await log.read("s", 0, max_events=40, max_bytes=10_000)
    assert part.count == 40
    part = await log.read("s", 3, max_events=40, max_bytes=10_000)
    assert part.count == 40


@pytest.mark.parametrize("offset", [-1, 4, 2**53])
async def test_outside_head_and_tail_there_is_nothing_to_read(log: StreamLog, offset: int) -> None:
    await fill(log, "s", numbered(0, 3))
    with pytest.raises(OffsetOutOfRangeError) as caught:
        await log.read("s", offset, max_events=9, max_bytes=99)
    assert (caught.value.head, caught.value.tail) == (0, 3)


async def test_what_was_acknowledged_can_be_read_at_once(log: StreamLog) -> None:
    await log.claim("s", producer="p", meta=None)
    for n in range(50):
        await log.append("s", epoch=1, offset=n, events=numbered(n, n + 1), closes=False)
        part = await log.read("s", n, max_events=9, max_bytes=99)
        assert part == Slice(n, 1, b'{"n":%d}' % n)


async def test_reading_while_another_writes_sees_a_dense_prefix(log: StreamLog) -> None:
    await log.claim("s", producer="p", meta=None)
    offset, found = 0, []
    writes = [
        log.append("s", epoch=1, offset=n, events=numbered(n, n + 5), closes=False)
        for n in range(0, 1000, 5)
    ]
    while offset < 1000:
        part = await log.read("s", offset, max_events=64, max_bytes=10_000)
        if part.count:
            found.append(part.body)
        offset += part.count
        await asyncio.sleep(0)
    assert b",".join(found) == b",".join(numbered(0, 1000))
    assert await asyncio.gather(*writes) == [Admitted(0, n) for n in range(5, 1005, 5)]


@pytest.mark.parametrize("call", ["read", "info", "trim", "append"])
async def test_an_unknown_stream_is_an_error(log: StreamLog, call: str) -> None:
    calls = {
        "read": lambda: log.read("s", 0, max_events=1, max_bytes=1),
        "info": lambda: log.info("s"),
        "trim": lambda: log.trim("s", before=1),
        "append": lambda: log.append("s", epoch=1, offset=0, events=[b"1"], closes=False),
    }
    await fill(log, "another", numbered(0, 1))
    with pytest.raises(NoSuchStreamError, match="'s'"):
        await calls[call]()


# Lists


async def test_streams_are_apart(log: StreamLog) -> None:
    names = ["s", "S", "s.1", "a" * 200, "~-_"]
    for number, name in enumerate(names):
        await fill(log, name, numbered(number, number + 3), closes=number % 2 == 0)
    for number, name in enumerate(names):
        assert await read_all(log, name) == numbered(number, number + 3)
        assert (await log.info(name)).closed == (number % 2 == 0)


async def test_the_list_has_what_changed_last_first(log: StreamLog) -> None:
    assert await log.list() == []
    for name in "abcd":
        await log.claim(name, producer="p", meta=None)
    await log.append("b", epoch=1, offset=0, events=[b"1"], closes=False)
    await log.append("a", epoch=1, offset=0, events=[b"1"], closes=False)
    await log.claim("c", producer="q", meta=None)
    # Neither of these changes anything.
    await log.claim("d", producer="p", meta=None)
    await log.append("b", epoch=1, offset=0, events=[b"1"], closes=False)
    await log.trim("b", before=1)
    infos = await log.list()
    assert [info.stream for info in infos] == ["c", "a", "b", "d"]
    assert [await log.info(info.stream) for info in infos] == infos


async def test_info_tells_times_and_sizes(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 3), numbered(3, 4))
    info = await log.info("s")
    assert 0 < info.created_ms <= info.updated_ms
    assert 4 * len(b'{"n":0}') <= info.size_bytes <= 4 * len(b'{"n":0},')


async def test_times_are_those_of_the_write_not_of_what_was_written_before(
    log: StreamLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now_s, stream in ((2_000_000_000, "s"), (2_000_000_060, "t")):
        monkeypatch.setattr(time, "time", lambda now_s=now_s: now_s)
        await log.claim(stream, producer="p", meta=None)
        info = await log.info(stream)
        assert info.created_ms == info.updated_ms == now_s * 1000
    monkeypatch.setattr(time, "time", lambda: 2_000_000_090)
    await log.append("s", epoch=1, offset=0, events=[b"1"], closes=False)
    info = await log.info("s")
    assert (info.created_ms, info.updated_ms) == (2_000_000_000_000, 2_000_000_090_000)


# Trim and delete


async def test_trim_lets_go_of_no_more_than_asked(log: StreamLog) -> None:
    await fill(log, "s", *(numbered(n, n + 4) for n in range(0, 40, 4)))
    head = await log.trim("s", before=18)
    assert 0 < head <= 18
    assert (await log.info("s")).head == head
    assert await read_all(log, "s", head) == numbered(head, 40)
    for offset in range(head):
        with pytest.raises(OffsetOutOfRangeError):
            await log.read("s", offset, max_events=1, max_bytes=1)


async def test_trim_never_brings_the_head_back(log: StreamLog) -> None:
    await fill(log, "s", *(numbered(n, n + 4) for n in range(0, 40, 4)))
    head = await log.trim("s", before=20)
    assert await log.trim("s", before=4) == head
    assert await log.trim("s", before=-1) == head


async def test_all_of_a_stream_can_be_trimmed_and_it_goes_on(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5), numbered(5, 9))
    assert await log.trim("s", before=1000) == 9
    info = await log.info("s")
    assert (info.head, info.tail, info.size_bytes) == (9, 9, 0)
    assert await log.read("s", 9, max_events=9, max_bytes=99) == Slice(9, 0, b"")
    # A retry of what was trimmed is still a retry.
    verdict = await log.append("s", epoch=1, offset=7, events=numbered(7, 11), closes=False)
    assert verdict == Admitted(2, 11)
    assert await read_all(log, "s", 9) == numbered(9, 11)


async def test_trimming_repeatedly_gets_there_however_long_the_stream(log: StreamLog) -> None:
    await fill(log, "s", *(numbered(n, n + 1) for n in range(700)))
    head, before = -1, 0
    while head != before:
        head, before = before, await log.trim("s", before=690)
    assert head == 690
    assert await read_all(log, "s", 690) == numbered(690, 700)


async def test_a_deleted_stream_is_forgotten(log: StreamLog) -> None:
    await fill(log, "s", numbered(0, 5), closes=True)
    await fill(log, "t", numbered(0, 5))
    assert await log.delete("s")
    assert not await log.delete("s")
    with pytest.raises(NoSuchStreamError):
        await log.info("s")
    assert [info.stream for info in await log.list()] == ["t"]
    assert await read_all(log, "t") == numbered(0, 5)


async def test_a_stream_made_again_is_empty_and_fences_the_producers_before_it(
    log: StreamLog,
) -> None:
    await log.claim("s", producer="old", meta=b'{"v":1}')
    await log.append("s", epoch=1, offset=0, events=numbered(0, 5), closes=False)
    await log.delete("s")
    assert await log.claim("s", producer="old", meta=None) == Claimed(2, 0)
    assert (await log.info("s")).meta == b"{}"
    assert await log.append("s", epoch=1, offset=0, events=[b"1"], closes=False) == Fenced(2)
    assert await log.append("s", epoch=2, offset=0, events=[b"7"], closes=False) == Admitted(0, 1)
    assert await read_all(log, "s") == [b"7"]


# The watcher


async def test_the_watcher_sees_every_event_once_and_in_order(log: StreamLog) -> None:
    moves: list[Moved] = []
    log.watch(moves.append)
    await asyncio.gather(*(log.claim(s, producer="p", meta=None) for s in "ab"))
    futures, tails = [], {"a": 0, "b": 0}
    rng = random.Random(5)  # noqa: S311 - a test's dice
    for _ in range(200):
        stream, count = rng.choice("ab"), rng.randrange(1, 9)
        start = tails[stream]
        tails[stream] += count
        # Some overlap what is there; what is new is told only once all the same.
        start -= rng.randrange(0, min(start, 3) + 1)
        events = numbered(start, tails[stream])
        futures.append(log.append(stream, epoch=1, offset=start, events=events, closes=False))
        if rng.random() < 0.1:
            await futures[-1]
    await asyncio.gather(*futures)
    for stream, tail in tails.items():
        told = [moved for moved in moves if moved.stream == stream]
        slices = [part for moved in told for part in moved.slices]
        assert b",".join(s.body for s in slices) == b",".join(numbered(0, tail))
        assert [s.offset for s in slices] == [sum(s.count for s in slices[:n])
                                              for n in range(len(slices))]  # fmt: skip
        for moved in told:
            assert moved.slices[-1].offset + moved.slices[-1].count == moved.tail
        assert not any(moved.closed for moved in told)


async def test_the_watcher_is_told_before_the_acknowledgement_arrives(log: StreamLog) -> None:
    tails: list[int] = []
    log.watch(lambda moved: tails.append(moved.tail))
    await log.claim("s", producer="p", meta=None)
    for n in range(20):
        await log.append("s", epoch=1, offset=n, events=numbered(n, n + 1), closes=False)
        assert tails[-1] == n + 1


async def test_what_the_watcher_is_told_of_can_be_read(log: StreamLog) -> None:
    loop, reads = asyncio.get_running_loop(), []
    log.watch(
        lambda moved: reads.append(
            loop.create_task(log.read(moved.stream, moved.tail - 1, max_events=1, max_bytes=99))
        )
    )
    await fill(log, "s", *(numbered(n, n + 1) for n in range(20)))
    assert [await read for read in reads] == [Slice(n, 1, b'{"n":%d}' % n) for n in range(20)]


async def test_the_watcher_hears_of_the_close_and_of_nothing_that_changes_no_tail(
    log: StreamLog,
) -> None:
    moves: list[Moved] = []
    log.watch(moves.append)
    await fill(log, "s", numbered(0, 2), closes=True)
    assert [(m.tail, m.closed) for m in moves] == [(2, True)]
    await log.append("s", epoch=1, offset=0, events=numbered(0, 2), closes=True)
    await log.append("s", epoch=1, offset=2, events=numbered(2, 3), closes=True)
    await log.claim("t", producer="p", meta=None)
    await log.trim("s", before=2)
    await log.delete("s")
    assert len(moves) == 1


async def test_a_watcher_may_append(log: StreamLog) -> None:
    tails: list[int] = []
    futures = []

    def watcher(moved: Moved) -> None:
        if moved.tail < 5:
            n = moved.tail
            future = log.append("s", epoch=1, offset=n, events=numbered(n, n + 1), closes=False)
            futures.append(future)
        tails.append(moved.tail)

    log.watch(watcher)
    await fill(log, "s", numbered(0, 1))
    for future in futures:  # grows while it is gone through
        await future
    assert tails == [1, 2, 3, 4, 5]


async def test_a_watcher_that_fails_does_not_hurt_the_append(
    log: StreamLog, caplog: pytest.LogCaptureFixture
) -> None:
    def watcher(_: Moved) -> None:
        raise RuntimeError("planted")

    log.watch(watcher)
    await fill(log, "s", numbered(0, 2), numbered(2, 3))
    assert await read_all(log, "s") == numbered(0, 3)
    assert "planted" in caplog.text


# Opening and closing


async def test_closing_finishes_what_was_handed_in(unopened: StreamLog) -> None:
    await unopened.open()
    futures = [unopened.claim("s", producer="p", meta=None)]
    futures += [
        unopened.append("s", epoch=1, offset=n, events=numbered(n, n + 1), closes=False)
        for n in range(100)
    ]
    await unopened.aclose()
    assert await asyncio.gather(*futures) == [
        Claimed(1, 0),
        *(Admitted(0, n + 1) for n in range(100)),
    ]


async def test_a_closed_log_refuses_everything(unopened: StreamLog) -> None:
    log = unopened
    await log.open()
    await log.aclose()
    await log.aclose()
    for call in (
        lambda: log.claim("s", producer="p", meta=None),
        lambda: log.append("s", epoch=1, offset=0, events=[b"1"], closes=False),
        lambda: log.trim("s", before=1),
        lambda: log.delete("s"),
        lambda: log.read("s", 0, max_events=1, max_bytes=1),
        lambda: log.info("s"),
        log.list,
    ):
        with pytest.raises(LogError, match="closed"):
            await call()
