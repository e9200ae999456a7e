"""The soak finds nothing wrong with the product, and something wrong with each planted bug.

``SWARM_STREAM_SOAK_S`` sets how long it runs here; ``make soak`` runs the long one. The seed is
another one each time and printed where it fails; ``SWARM_STREAM_SOAK_SEED`` sets it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.faults import planted

# CI has a quarter of an hour for everything; who runs the suite by hand has five minutes for this.
SECONDS = float(os.environ.get("SWARM_STREAM_SOAK_S", "15" if os.environ.get("CI") else "300"))

# What brings each bug out, so that these runs are short; with all kinds of faults it takes longer.
BRINGS_OUT = {
    "producer": "cut,reset",
    "server": "server killed",
    "log": "strand",
    "viewer": "cut,reset",
}


def soak(*arguments: str) -> tuple[int, str]:
    """Run it; gives its exit code and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.soak", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its servers and kernels can be ended with it
    )
    try:
        said, _ = process.communicate()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    return process.returncode, said


@pytest.mark.timeout(SECONDS + 300)
def test_nothing_is_lost_doubled_reordered_or_invented() -> None:
    code, said = soak(f"--seconds={SECONDS}", "--count=1500", "--trouble-s=5")
    assert code == 0, said
    assert "nothing lost, doubled, reordered or invented" in said


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", planted.NAMES)
def test_a_planted_bug_is_found(name: str) -> None:
    code, said = soak(
        "--logs=sqlite",
        "--seconds=90",
        "--count=3000",
        "--trouble-s=5",
        "--settle-s=3",
        f"--only={BRINGS_OUT[name]}",
        f"--plant={name}",
    )
    assert code == 1, said
    expected = {
        "producer": "lost",
        "server": "acknowledged, then lost",
        "log": "doubled",
        "viewer": "silent hole",
    }
    assert re.search(rf"\b\d+ {expected[name]}\b", said), said
    assert re.search(r"run it again: .*soak --seed=\d+ --logs=sqlite", said), said


def test_an_unknown_bug_is_not_planted() -> None:
    with pytest.raises(ValueError, match="no bug is called"):
        planted.plant("gremlins")
