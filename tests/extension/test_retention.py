"""What is let go of, and that nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_extension.retention import Keep, Retention, to_delete, trim_before
from swarm_stream.hub.hub import StreamHub
from swarm_stream.hub.quotas import Quotas
from swarm_stream.logs.base import StreamInfo
from swarm_stream.logs.memory import MemoryLog
from tests.extension.site import asks, claim_and_append, delta, told

if TYPE_CHECKING:
    from tests.extension.conftest import MakeSite

DAY_S = 86_400.0
NOW_MS = 1e12


def info(  # noqa: PLR0913  (a row of a table)
    stream: str,
    *,
    days: float = 0,
    size: int = 10,
    closed: bool = True,
    head: int = 0,
    tail: int = 10,
) -> StreamInfo:
    return StreamInfo(
        stream=stream,
        head=head,
        tail=tail,
        closed=closed,
        epoch=1,
        producer="p",
        meta=b"{}",
        created_ms=0,
        updated_ms=NOW_MS - days * DAY_S * 1000,
        size_bytes=size,
    )


def test_the_old_go_and_what_goes_on_stays() -> None:
    streams = [info("new", days=1), info("old", days=31), info("open", days=99, closed=False)]
    assert to_delete(streams, Keep(age_s=30 * DAY_S), now_ms=NOW_MS) == ["old"]


def test_the_oldest_go_until_it_is_small_enough() -> None:
    streams = [
        info("c", days=3),
        info("a", days=1),
        info("b", days=2),
        info("d", days=4, closed=False),
    ]
    assert to_delete(streams, Keep(total_bytes=20), now_ms=NOW_MS) == ["c", "b"]
    assert to_delete(streams, Keep(total_bytes=40), now_ms=NOW_MS) == []
    assert to_delete(streams, Keep(), now_ms=NOW_MS) == []


stream_infos = st.lists(
    st.builds(
        info,
        st.text(),
        days=st.floats(0, 100),
        size=st.integers(0, 1000),
        closed=st.booleans(),
    ),
    unique_by=lambda one: one.stream,
)


@given(stream_infos, st.integers(0, 50), st.integers(0, 5000))
def test_no_more_goes_than_must(streams: list[StreamInfo], days: int, total: int) -> None:
    keep = Keep(age_s=days * DAY_S, total_bytes=total)
    gone = to_delete(streams, keep, now_ms=NOW_MS)
    by_name = {one.stream: one for one in streams}
    left = [one for one in streams if one.stream not in gone]
    assert all(by_name[stream].closed for stream in gone)
    if total and any(one.closed for one in left):
        assert sum(one.size_bytes for one in left) <= total
    young = [stream for stream in gone if NOW_MS - by_name[stream].updated_ms <= keep.age_s * 1000]
    if young and not days:
        assert total
    for stream in young:  # it went by size: with it there would be too much
        newer = [one for one in streams if one.updated_ms >= by_name[stream].updated_ms]
        held = sum(one.size_bytes for one in {*left, *newer})
        assert held > total
    assert not days or all(
        NOW_MS - one.updated_ms <= keep.age_s * 1000 for one in left if one.closed
    )


@pytest.mark.parametrize(
    ("size", "keep", "before"),
    [(100, 0, 5), (100, 100, 5), (200, 100, 10), (101, 100, 6), (10**9, 1, 14)],
)
def test_a_streams_oldest_events_go_but_not_its_last(size: int, keep: int, before: int) -> None:
    assert trim_before(info("s", size=size, head=5, tail=15), Keep(stream_bytes=keep)) == before


class Swept:
    """A hub over a log in memory, with clocks of its own."""

    def __init__(self, keep: Keep) -> None:
        self.log = MemoryLog()
        self.hub = StreamHub(self.log, server_id="srv")
        self.now = 1000.0
        self.wall_s = 1.7e9
        self.retention = Retention(
            self.hub, keep, clock=lambda: self.now, wall_s=lambda: self.wall_s
        )

    def add(self, stream: str, *, events: int = 10, closed: bool = True) -> None:
        self.log.claim_now(stream, producer="p", meta=b"{}")
        for offset in range(events):
            last = closed and offset == events - 1
            event = (
                b'{"type":"end","t":1}' if last else b'{"type":"delta","t":1,"seg":0,"text":"1"}'
            )
            self.log.append_now(stream, epoch=1, offset=offset, events=[event], closes=last)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall_s += seconds

    @property
    def streams(self) -> set[str]:
        return {one.stream for one in self.log.list_now()}


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> Swept:
    """A log whose streams are as old as the wall clock of the sweep says."""
    swept = Swept(Keep(age_s=30 * DAY_S))
    monkeypatch.setattr("swarm_stream.logs.memory.time.time", lambda: swept.wall_s)
    return swept


@pytest.mark.asyncio
async def test_a_sweep_deletes_what_is_old(ages: Swept) -> None:
    ages.add("old")
    ages.add("open", closed=False)
    ages.pass_(31 * DAY_S)
    ages.add("new")
    assert await ages.retention.sweep() == 1
    assert ages.streams == {"open", "new"}


@pytest.mark.asyncio
async def test_a_clock_that_jumps_forth_and_back_deletes_nothing(ages: Swept) -> None:
    ages.add("run")
    ages.now += 600
    ages.wall_s += 600 + 365 * DAY_S
    assert await ages.retention.sweep() == 0
    ages.now += 600
    ages.wall_s += 600 - 365 * DAY_S
    assert await ages.retention.sweep() == 0
    assert ages.streams == {"run"}


@pytest.mark.asyncio
async def test_an_endless_run_keeps_its_newest_events() -> None:
    swept = Swept(Keep(stream_bytes=2000))
    swept.add("endless", events=1000, closed=False)
    swept.add("short", events=3)
    await swept.retention.sweep()
    kept = swept.log.info_now("endless")
    assert kept.tail == 1000
    assert kept.size_bytes <= 2000 + 100
    assert kept.head > 900
    assert swept.log.info_now("short").head == 0


@pytest.mark.asyncio
async def test_without_limits_nothing_is_started() -> None:
    swept = Swept(Keep())
    swept.retention.start()
    assert swept.retention._task is None
    await swept.retention.aclose()


async def test_a_viewer_of_what_is_let_go_is_told_where_it_begins_now(make_site: MakeSite) -> None:
    site = await make_site(keep_stream_bytes=4000)
    kernel, page = await site.ws(), await site.ws()
    await asks(kernel, "claim", producer="p")
    for first in range(0, 1000, 50):  # what came together goes together
        events = [delta(number) for number in range(first, first + 50)]
        await asks(kernel, "append", epoch=1, offset=first, events=events)
    assert (await asks(page, "subscribe", **{"from": 0}))["tail"] == 1000
    assert (await told(page, "events"))["offset"] == 0
    await page.write_message('{"op": "unsubscribe", "stream": "demo"}')
    retention = site.app._retention
    assert retention is not None
    await retention.sweep()
    gone = await asks(page, "subscribe", **{"from": 0})
    assert (gone["op"], gone["tail"]) == ("gone", 1000)
    assert 850 <= gone["head"] <= 950
    await asks(page, "subscribe", **{"from": gone["head"]})
    assert (await told(page, "events"))["offset"] == gone["head"]


async def test_limits_and_what_is_kept_are_traits(make_site: MakeSite) -> None:
    site = await make_site(max_streams=1, max_stream_bytes=100, keep_days=2, keep_bytes=5)
    kernel = await site.ws()
    await claim_and_append(kernel, delta(0))
    answer = await asks(kernel, "claim", "another", producer="p")
    assert (answer["op"], answer["code"]) == ("error", "too_many_streams")
    assert "max_streams" in answer["message"]
    answer = await asks(
        kernel, "append", epoch=1, offset=1, events=[delta(number) for number in range(9)]
    )
    assert (answer["op"], answer["code"]) == ("error", "stream_full")
    assert site.app._retention is not None
    assert site.app._retention._keep == Keep(age_s=2 * DAY_S, total_bytes=5)


async def test_a_server_counts_the_streams_that_it_finds(make_site: MakeSite) -> None:
    site = await make_site(max_streams=1)
    await claim_and_append(await site.ws(), delta(0))
    hub = site.app.hub
    assert hub is not None
    again = StreamHub(hub.log, server_id="srv", quotas=Quotas(max_streams=1))
    await again.load()
    assert again.quotas.refuse_claim("another")
    assert not again.quotas.refuse_claim("demo")
