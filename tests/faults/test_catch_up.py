"""After a cut a gap of 10,000 events is caught up with about as fast as a model can say them.

How fast in seconds depends on the machine: ``python -m tests.faults.catch_up`` prints it.
"""

from __future__ import annotations

import pytest

from tests.faults.catch_up import WAYS, measure, percentile, table

pytestmark = pytest.mark.asyncio


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", WAYS)
async def test_catching_up_takes_no_more_than_some_times_the_time_of_saying_it(way: str) -> None:
    trials = await measure(way, trials=5, gap=10_000)
    print(table(way, trials))  # noqa: T201  (shown when it fails)
    after = [trial.total_s - trial.connected_s for trial in trials]
    # It takes a third of it on an idle machine; an event a frame would take twenty times.
    assert percentile(after, 50) < 5 * percentile([trial.produced_s for trial in trials], 50)


async def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 21)]
    assert percentile(values, 50) == 10
    assert percentile(values, 95) == 19
    assert percentile(values, 100) == 20
    assert percentile([7.0], 95) == 7
