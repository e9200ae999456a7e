"""The machine can fail: it finds each of the bugs of ``plants``, planted one at a time."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.log_kinds import LOGS
from tests.faults.machine import over, profile
from tests.faults.plants import PLANTS

EXAMPLES = 1000
"""Many more than it takes; the first failure ends the search."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PLANTS)
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
