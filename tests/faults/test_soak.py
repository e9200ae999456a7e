"""The soak finds nothing wrong with the product, and something wrong with each planted bug.

``SWARM_STREAM_SOAK_S`` sets how long it runs here; ``make soak`` runs the long one. The seed is
another one each time and printed where it fails; ``SWARM_STREAM_SOAK_SEED`` sets it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.faults import planted

SECONDS = float(os.environ.get("SWARM_STREAM_SOAK_S", "45"))

# What brings each bug out, so that these runs are short; with all kinds of faults it takes longer.
BRINGS_OUT = {
    "producer": "cut,reset",
    "server": "server killed",
    "log": "strand",
    "viewer": "cut,reset",
}


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.timeout(SECONDS + 300)
def test_nothing_is_lost_doubled_reordered_or_invented() -> None:
    ran = soak(f"--seconds={SECONDS}", "--count=1500", "--trouble-s=5")
    assert ran.returncode == 0, ran.stdout
    assert "nothing lost, doubled, reordered or invented" in ran.stdout


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", planted.NAMES)
def test_a_planted_bug_is_found(name: str) -> None:
    ran = soak(
        "--logs=sqlite",
        "--seconds=90",
        "--count=3000",
        "--trouble-s=5",
        "--settle-s=3",
        f"--only={BRINGS_OUT[name]}",
        f"--plant={name}",
    )
    assert ran.returncode == 1, ran.stdout
    expected = {
        "producer": "lost",
        "server": "acknowledged, then lost",
        "log": "doubled",
        "viewer": "silent hole",
    }
    assert re.search(rf"\b\d+ {expected[name]}\b", ran.stdout), ran.stdout
    assert re.search(r"run it again: .*soak --seed=\d+ --logs=sqlite", ran.stdout), ran.stdout


def test_an_unknown_bug_is_not_planted() -> None:
    with pytest.raises(ValueError, match="no bug is called"):
        planted.plant("gremlins")
