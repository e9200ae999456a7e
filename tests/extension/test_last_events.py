"""How each run is, by its last event: looked at once, and no more than is cheap."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from jupyter_extension import last_events
from jupyter_extension.last_events import LastEvents
from swarm_stream.errors import LogError
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.base import Claimed, Slice
from swarm_stream.logs.memory import MemoryLog
from tests.extension.site import END, delta

ASKS = {"type": "input_request", "t": 1, "request": "r", "lane": 0, "prompt": "Go?"}
PAUSES = {"type": "control", "t": 1, "id": "c", "action": "pause"}

pytestmark = pytest.mark.asyncio


class CountingLog(MemoryLog):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.broken = False

    async def read(self, stream: str, offset: int, *, max_events: int, max_bytes: int) -> Slice:
        self.reads += 1
        if self.broken:
            raise LogError("the disk is gone")
        return await super().read(stream, offset, max_events=max_events, max_bytes=max_bytes)


async def put(log: MemoryLog, stream: str, *events: dict[str, Any]) -> None:
    claimed = await log.claim(stream, producer="p", meta=b"{}")
    assert isinstance(claimed, Claimed)
    if not events:
        return
    said = [json.dumps(event).encode() for event in events]
    ends = events[-1]["type"] == "end"
    verdict = await log.append(
        stream, epoch=claimed.epoch, offset=claimed.next, events=said, closes=ends
    )
    assert isinstance(verdict, Admitted)


async def test_the_last_event_tells_how_a_run_is() -> None:
    log = CountingLog()
    await put(log, "new")
    await put(log, "talking", ASKS, delta(0))
    await put(log, "asking", delta(0), ASKS)
    await put(log, "held", PAUSES)
    await put(log, "going-on", PAUSES, {**PAUSES, "action": "resume"})
    for outcome in ("completed", "cancelled", "failed", "interrupted"):
        await put(log, outcome, delta(0), {**END, "outcome": outcome})
    assert await LastEvents().of_all(log, await log.list()) == {
        "new": "", "talking": "", "asking": "waiting", "held": "paused", "going-on": "",
        "completed": "completed", "cancelled": "cancelled", "failed": "failed",
        "interrupted": "interrupted",
    }  # fmt: skip


async def test_an_event_is_looked_at_once() -> None:
    log, seen = CountingLog(), LastEvents()
    await put(log, "one", ASKS)
    await put(log, "two", END)
    for _ in range(3):
        assert await seen.of_all(log, await log.list()) == {"one": "waiting", "two": "completed"}
    assert log.reads == 2
    await put(log, "one", END)
    assert (await seen.of_all(log, await log.list()))["one"] == "completed"
    assert log.reads == 3


async def test_a_stream_that_is_made_again_is_looked_at_again() -> None:
    log, seen = CountingLog(), LastEvents()
    await put(log, "one", END)
    await seen.of_all(log, await log.list())
    await log.delete("one")
    assert await seen.of_all(log, await log.list()) == {}
    await put(log, "one", ASKS)
    assert await seen.of_all(log, await log.list()) == {"one": "waiting"}
    # Between two lists, with as many events as before.
    (info,) = await log.list()
    for change in ({"created_ms": info.created_ms + 1}, {"epoch": info.epoch + 1}):
        before, info = log.reads, replace(info, **change)
        await seen.of_all(log, [info])
        assert log.reads == before + 1


async def test_a_long_list_is_looked_at_bit_by_bit_and_what_goes_on_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(last_events, "LOOKS", 3)
    log, seen = CountingLog(), LastEvents()
    for number in range(4):
        await put(log, f"over-{number}", END)
    await put(log, "asking", ASKS)
    first = await seen.of_all(log, await log.list())
    assert first["asking"] == "waiting"
    assert len(first) == 3
    assert len(await seen.of_all(log, await log.list())) == 5
    assert log.reads == 5


async def test_what_cannot_be_read_says_nothing() -> None:
    log = CountingLog()
    log.broken = True
    await put(log, "one", END)
    assert await LastEvents().of_all(log, await log.list()) == {"one": ""}
