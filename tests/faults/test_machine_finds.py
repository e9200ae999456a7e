"""The machine can fail: it finds the bugs of ``plants``, planted one at a time.

One of each part by default; all of them with ``SWARM_STREAM_EXAMPLES`` set, as for its long runs.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.log_kinds import LOGS
from tests.faults.machine import over, profile
from tests.faults.plants import PLANTS

EXAMPLES = 1000
"""Many more than it takes; the first failure ends the search."""

QUICK = (
    "producer_forgets_what_it_has_sent",
    "hub_acknowledges_before_the_log_has_it",
    "log_writes_a_retry_again",
    "viewer_goes_back_one_too_many",
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PLANTS if "SWARM_STREAM_EXAMPLES" in os.environ else QUICK)
def test_it_finds_what_was_planted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = PLANTS[name]
    plant(monkeypatch)
    kind = LOGS["sqlite" if name.startswith("sqlite") else "memory"]
    found = settings(
        profile(EXAMPLES),
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        print_blob=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(over(kind), settings=found)
