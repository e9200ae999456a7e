"""C1: the durable log by itself, in the batches that load makes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm_stream.events.model import Delta, encode_event
from swarm_stream.logs.sqlite import SQLiteLog
from tests.bench.figures import Found, limit, percentile
from tests.bench.kinds import event
from tests.bench.place import Case, Place

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["appends", "bench"]

BATCH = 250
"""Events in an append: what a session at full speed sends in a frame is between this and 1,000."""

UNDER_WAY = 16
"""Appends that have not been acknowledged: a window of 4,000 events."""


async def appends(path: Path, count: int) -> float:
    """Append ``count`` events of 60 bytes, and give how many a second became durable."""
    batch = [encode_event(Delta(t=1764000000000.125, seg=0, text=" tok"))] * BATCH
    assert len(batch[0]) == 60
    log = SQLiteLog(path)
    await log.open()
    await log.claim("bench", producer="bench", meta=None)
    under_way: list[asyncio.Future[Any]] = []
    began = time.perf_counter()
    for offset in range(0, count, BATCH):
        if len(under_way) >= UNDER_WAY:
            await under_way.pop(0)
        under_way.append(log.append("bench", epoch=1, offset=offset, events=batch, closes=False))
    await asyncio.gather(*under_way)
    took_s = time.perf_counter() - began
    await log.aclose()
    return count / took_s


async def acks(path: Path, *, rate: int, seconds: float) -> list[float]:
    """Append single events at a rate; gives the milliseconds until each was durable, in order."""
    log = SQLiteLog(path)
    await log.open()
    await log.claim("bench", producer="bench", meta=None)
    delays: list[float] = []
    began = time.perf_counter()
    made = 0
    waiting: set[asyncio.Future[Any]] = set()
    while made < rate * seconds:
        due = 1 + int((time.perf_counter() - began) * rate)
        while made < due:
            now = time.perf_counter()
            answer = log.append(
                "bench", epoch=1, offset=made, events=[event("token")], closes=False
            )
            waiting.add(answer)
            answer.add_done_callback(waiting.discard)
            answer.add_done_callback(
                lambda _, now=now: delays.append((time.perf_counter() - now) * 1000)
            )
            made += 1
        await asyncio.sleep(max(0.0, began + made / rate - time.perf_counter()))
    if waiting:
        await asyncio.wait(waiting)
    await log.aclose()
    return sorted(delays)


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure appends, acknowledgements, and acknowledgements through a whole server."""
    found = Found()
    count = 3 if quick else 5
    rates: list[float] = []
    p99s: list[float] = []
    through: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as home, Place() as place:
        for number in range(count):
            size = 200_000 if quick else 1_000_000
            rates.append(asyncio.run(appends(Path(home) / f"{number}.sqlite", size)))
            seconds = 1 if quick else 5
            path = Path(home) / f"acks-{number}.sqlite"
            p99s.append(percentile(asyncio.run(acks(path, rate=1000, seconds=seconds)), 99))
            seen = place.run("ours", Case(rate=1000, count=1000 * seconds, skip=100))
            through.append(seen["ack_p99_ms"])
            say(
                f"  C1 {number + 1}/{count} {rates[-1]:,.0f} appends/s, "
                f"ack p99 {p99s[-1]:.2f} ms, through a server {through[-1]:.2f} ms"
            )
    found.figure(
        f"durable appends, 60 bytes each, {BATCH} at a time", "events/s", rates,
        target="C1", limits=limit(300_000, count), least=True,
    )  # fmt: skip
    found.figure(
        "ack p99 of a session through a server, 1,000 events/s", "ms", through,
        target="C1", limits=limit(20, count),
    )  # fmt: skip
    found.figure("ack p99 of the log alone, 1,000 appends/s of one event", "ms", p99s)
    return found
