"""What every test may rely on; nothing that belongs to one package's tests.

* With ``SWARM_STREAM_NO_SKIP=1`` (CI) a skipped test is a failed one: there everything
  that the tests need can be installed, so a skip is a hole.
* With ``SWARM_STREAM_SKIP_REPORT=FILE`` the number of skipped tests is added to that file,
  a line for each run, so that ``make test`` can tell it at its end.
* ``chromium`` is the browser to drive.
* No test leaves tasks, threads or sockets behind (``tests/leftovers.py``), but for those marked
  ``leaves_threads``, whose point that is, and those in a browser.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.leftovers import Leftovers, tasks_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

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


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads or sockets behind."""
    before = Leftovers()
    yield
    # The server of pytest-jupyter is ended by that plugin, at a time of its own.
    if "jp_configurable_serverapp" in request.fixturenames:
        return
    if request.node.get_closest_marker("leaves_threads") is None:
        # What coroutine tests on pytest-jupyter's loop do in threads ends with that loop, later.
        own_loop = request.node.get_closest_marker("asyncio") is not None
        found = before.found(but=() if own_loop else ("asyncio_",))
        assert not found, f"left behind: {', '.join(found)}"


@pytest_asyncio.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail where a test leaves a task running. Those that are just ending get a few turns."""
    before = asyncio.all_tasks()
    yield
    for _ in range(50):
        await asyncio.sleep(0)
    found = tasks_left(before)
    assert not found, f"tasks left running: {found}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have every test with a loop checked for tasks."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("asyncio") is not None:
            # Early, so that it looks when all others have let go of theirs; but the loop's threads
            # end with the loop, before the last look.
            item.fixturenames.remove("nothing_left")
            item.fixturenames[:0] = ["nothing_left", "no_task_left"]


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
