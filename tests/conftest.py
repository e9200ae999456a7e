"""What every test may rely on; nothing that belongs to one package's tests.

* With ``SWARM_STREAM_NO_SKIP=1`` (CI) a skipped test is a failed one: there everything
  that the tests need can be installed, so a skip is a hole.
* With ``SWARM_STREAM_SKIP_REPORT=FILE`` the number of skipped tests is added to that file,
  a line for each run, so that ``make test`` can tell it at its end.
* ``chromium`` is the browser to drive.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# Pytest takes this from the outermost conftest only. The plugin runs coroutine tests on a loop
# of its own, the one its server runs on: a test that asks for a `jp_...` fixture carries no
# `asyncio` mark (with it, it waits for a server on another loop until it times out).
pytest_plugins = ["pytest_jupyter.jupyter_server"]

NO_SKIP = os.environ.get("SWARM_STREAM_NO_SKIP", "") not in {"", "0"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium to drive, from SWARM_STREAM_CHROMIUM or the search path."""
    named = os.environ.get("SWARM_STREAM_CHROMIUM")
    found = [named] if named else [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        pytest.skip("no Chromium on this machine. Install it (Debian: apt-get install chromium)")
    return found[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that skips where nothing may be skipped."""
    report = yield
    # An expected failure is reported as skipped too, and is none.
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a whole module that skips where nothing may be skipped."""
    report = yield
    if NO_SKIP and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that says why it was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"skipped although SWARM_STREAM_NO_SKIP is set: {reason}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Hand the number of skipped tests to whoever asked for it."""
    skip_report = os.environ.get("SWARM_STREAM_SKIP_REPORT")
    if skip_report:
        skipped = len(terminalreporter.stats.get("skipped", ()))
        with Path(skip_report).open("a", encoding="utf-8") as file:
            file.write(f"{skipped}\n")
