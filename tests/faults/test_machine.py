"""Whatever happens in whatever order, nothing is lost, doubled, reordered or left hanging.

Kernels, a server over each real log, and pages, over wires that deliver one frame at a time, are
cut, frozen and restarted; producers take streams from one another; retention and deletion go on
meanwhile; the disk is slow or full. ``tests.faults.truth`` knows what must come of it. In the end
everything is healed, and all must be well within a bounded number of deliveries.

``SWARM_STREAM_EXAMPLES=20000`` makes a long run of it (with ``--timeout=0``).
"""

from __future__ import annotations

import os

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.log_kinds import LOGS
from tests.faults.machine import over, profile


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", LOGS)
def test_nothing_is_lost_whatever_happens(name: str) -> None:
    kind = LOGS[name]
    examples = int(os.environ.get("SWARM_STREAM_EXAMPLES", kind.examples))
    run_state_machine_as_test(over(kind), settings=profile(examples))
