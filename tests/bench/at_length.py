"""What our view costs at length, in a bare page: latency, cost of a token, memory, catching up."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

import psutil
from playwright.sync_api import sync_playwright

from tests.bench.meter import Costs, Meter
from tests.bench.texts import CASES, Event
from tests.browser.bare import bare_page
from tests.browser.flags import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["at_length", "percentiles"]

TOKENS: Final = 100_000
TENTH: Final = TOKENS // 10
EACH: Final = 20
"""Tokens of a frame, where it is the tokens' cost that is measured."""
FEWER: Final = {"tools": 20, "thoughts": 2}
"""How many times fewer the case has of what is counted."""
COUNTED: Final = {"delta", "tool_call"}


def at_length(chromium: str, *, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure all of it; takes five minutes, and half a minute when quick."""
    found: dict[str, Any] = {"latency": {}, "catch-up": {}, "length": {}}
    befores = {"first tokens": 0, "after 90,000": 90_000}
    for when, before in befores.items():
        found["latency"][when] = seen = latency(chromium, before)
        say(f"  frame to paint, {when}: {seen}")
    for case in ("talk",) if quick else ("talk", "turns", "tools"):
        found["catch-up"][case] = caught = catch_up(chromium, case)
        say(f"  10,000 events, {case}: {caught}")
    for case in ("talk",) if quick else CASES:
        found["length"][case] = cost_ = length(chromium, case)
        say(f"  at length, {case}: {cost_['ratio']:.2f} {cost_['memory_mb']}")
    return found


@contextmanager
def measured(chromium: str) -> Iterator[tuple[Meter, Memory]]:
    """Open a page in a browser of its own, since memory is that of a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            meter = Meter(bare_page(browser))
            yield meter, Memory(browser, meter)
        finally:
            browser.close()


class Memory:
    """What the page's process holds, after a garbage collection."""

    def __init__(self, browser: Any, meter: Meter) -> None:
        self._session = browser.new_browser_cdp_session()
        self._meter = meter

    def mb(self) -> dict[str, float]:
        self._meter.collect()
        processes = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        pids = [one["id"] for one in processes if one["type"] == "renderer"]
        process = max(psutil.Process(pid).memory_full_info().uss for pid in pids)
        heap = self._meter.counters()["JSHeapUsedSize"]
        return {"process": process / 1e6, "heap": heap / 1e6}


def latency(chromium: str, before: int) -> dict[str, float]:
    """From a token's frame to its paint, at 200 tokens a second over four lanes for 20 s."""
    first, then = parts(CASES["at once"](2 * TOKENS), [before, 4000])
    with measured(chromium) as (meter, _):
        meter.open()
        meter.paced(meter.load(first, 500))
        meter.load(then, 1)
        busy = meter.costs()
        times = meter.timed(5)
        busy = meter.costs() - busy
    return percentiles(times) | {"busy_percent": busy.all / 200}


def catch_up(chromium: str, case: str) -> list[dict[str, float]]:
    """Catch up with 10,000 events: five times, after one that has the script compiled."""
    events = list(islice(CASES[case](TOKENS), TENTH))
    runs = []
    with measured(chromium) as (meter, _):
        for _ in range(6):
            meter.open()
            meter.load(events, 1000)
            busy = meter.costs()
            took, longest = meter.catch_up()
            work = (meter.costs() - busy).all
            runs.append({"ms": took, "longest_task_ms": longest, "work_ms": work})
            meter.close()
    return runs[1:]


def length(chromium: str, case: str) -> dict[str, Any]:
    """The cost of a token in the first tenth and in the last, and what is kept at the end."""
    fewer = FEWER.get(case, 1)
    tenth, each = TENTH // fewer, max(1, EACH // fewer)
    first, middle, last = parts(CASES[case](TOKENS), [tenth, 8 * tenth, tenth])
    with measured(chromium) as (meter, memory):
        empty = memory.mb()
        meter.open()
        early, early_frames = cost(meter, first, each)
        cost(meter, middle, 10 * each)
        late, late_frames = cost(meter, last, each)
        full = memory.mb()
    return {
        "first_us": 1000 * early.all / tenth,
        "last_us": 1000 * late.all / tenth,
        "ratio": late.all / early.all,
        "first_frames": percentiles(early_frames),
        "last_frames": percentiles(late_frames),
        "memory_mb": {name: full[name] - empty[name] for name in full},
    }


def cost(meter: Meter, events: Sequence[Event], each: int) -> tuple[Costs, list[float]]:
    count = meter.load(events, each)
    before = meter.costs()
    times = meter.paced(count)
    return meter.costs() - before, times


def parts(events: Iterator[Event], counts: Sequence[int]) -> list[list[Event]]:
    """Cut events into parts with so many tokens (or calls) each."""
    found = []
    for count in counts:
        part: list[Event] = []
        seen = 0
        while seen < count:
            event = next(events, None)
            if event is None:
                break
            part.append(event)
            seen += event["type"] in COUNTED
        found.append(part)
    return found


def percentiles(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "max": max(values)}
