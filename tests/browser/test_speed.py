"""A long run is as quick as a short one. Only ratios within one run, so any machine will do."""

from __future__ import annotations

from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests.bench.meter import Meter
from tests.bench.texts import CASES, Event
from tests.browser.bare import bare_page

if TYPE_CHECKING:
    from collections.abc import Iterator

# Events that come in a frame of the browser's, and frames that are measured together.
SIZE, WINDOW = 50, 10


@pytest.fixture(scope="module")
def meters(browser: Any) -> Iterator[tuple[Meter, Meter]]:
    pages = [bare_page(browser) for _ in range(2)]
    yield Meter(pages[0]), Meter(pages[1])
    for page in pages:
        page.context.close()


@pytest.fixture(autouse=True)
def no_view_left(meters: tuple[Meter, Meter]) -> Iterator[None]:
    yield
    for meter in meters:
        meter.close()


@pytest.mark.parametrize(
    ("case", "tokens", "windows", "limit"),
    [
        ("talk", 100_000, 14, 1.5),
        ("at once", 100_000, 14, 1.5),
        # Without parts these cost several times as much at their end.
        ("paragraph", 40_000, 3, 2),
        ("code", 40_000, 3, 2),
        ("table", 40_000, 3, 2),
        ("turns", 40_000, 3, 2),
    ],
)
def test_a_token_late_in_a_run_costs_what_an_early_one_does(
    meters: tuple[Meter, Meter], case: str, tokens: int, windows: int, limit: float
) -> None:
    early, late = meters
    events = list(CASES[case](tokens))
    measured = SIZE * WINDOW * windows
    for meter in meters:
        meter.open()
    late.paced(late.load(events[:-measured], 2000))
    late.load(events[-measured:], SIZE)
    early.load(events[: 2000 + measured], SIZE)
    early.paced(2000 // SIZE)  # until it has filled what is seen of it
    # By turns, so that whatever else the machine does, it does to both.
    ratios = [cost(late) / cost(early) for _ in range(windows)]
    assert median(ratios) < limit, ratios
    for meter in meters:
        meter.collect()
    small, large = early.counters(), late.counters()
    # What is out of sight is not laid out. One part may be on its way there.
    assert large["LayoutObjects"] < 2 * small["LayoutObjects"] + 5000
    grown = large["JSHeapUsedSize"] - small["JSHeapUsedSize"]
    assert grown < 40 * written(events)


def cost(meter: Meter) -> float:
    before = meter.costs()
    meter.paced(WINDOW)
    return (meter.costs() - before).all


def written(events: list[Event]) -> int:
    return sum(len(event.get("text") or "") for event in events)


def test_ten_times_as_much_to_catch_up_with_costs_ten_times_as_much_at_most(
    meters: tuple[Meter, Meter],
) -> None:
    meter, _ = meters
    events = list(islice(CASES["talk"](20_000), 10_000))
    costs: dict[int, list[float]] = {1000: [], 10_000: []}
    for _ in range(4):
        for count, found in costs.items():
            meter.open()
            meter.load(events[:count], 500)
            before = meter.costs()
            meter.catch_up()
            found.append((meter.costs() - before).all)
            meter.close()
    # The first one warms the page up.
    assert median(costs[10_000][1:]) < 12 * median(costs[1000][1:]), costs


def test_the_page_answers_while_it_catches_up(meters: tuple[Meter, Meter]) -> None:
    meter, _ = meters
    # What takes long to draw: talk would be through in a few frames.
    events = list(islice(CASES["tools"](400_000), 15_000))
    parts = []
    for _ in range(4):
        meter.open()
        meter.load(events, len(events))  # in a single frame, and then the stream's end
        took, longest = meter.catch_up()
        parts.append(longest / took)
        meter.close()
    # What else the machine does can only make it look worse.
    assert min(parts) < 0.4, parts
