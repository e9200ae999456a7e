"""No path has become much slower: ratios within this run, beside those that are stored.

Never times: machines differ, and this one may be busy. A path that became slower for a good
reason is stored anew: ``make bench BENCH=speed``.
"""

from __future__ import annotations

from statistics import median

import pytest

from tests.bench.results import load
from tests.bench.speed import ratios

ROOM = 1.6
"""How much more a path may cost than when it was stored: medians differ by a tenth from run to
run, and by a quarter where both cores are busy."""


@pytest.mark.timeout(120)
def test_no_path_has_become_slower() -> None:
    stored = {figure["what"]: figure["median"] for figure in load("speed")["figures"]}
    now = {name: median(values) for name, values in ratios(3).items()}
    assert now.keys() == stored.keys(), "store the ratios anew: make bench BENCH=speed"
    slower = {
        name: f"{ratio:.2f}, was {stored[name]:.2f}"
        for name, ratio in now.items()
        if ratio > stored[name] * ROOM
    }
    assert not slower
    # What the project promises, with room: a team's chunks at five times AutoGen's own pace.
    assert now["team"] < 0.2
