"""Half a minute in which something says nothing: every end finds out, and comes back.

The three silences are waited for at once, each in a page of its own.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_notebooks
from tests.browser.flags import FLAGS
from tests.browser.real_browser import real_browser
from tests.browser.slow_team import (
    SLOW_TEAM,
    assert_whole,
    grew_after,
    hurry,
    team_outside,
    wait_beyond,
)
from tests.browser.wire import wire_to
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Notebook
    from tests.servers.jupyter import JupyterServer

SILENCE_LIMIT_MS = 25_000
SILENT_S = 27.0


@dataclass
class Silences:
    """Pages over which half a minute of silence has gone, all with a run that goes on."""

    server: JupyterServer
    cut: Notebook
    slept: Notebook
    stopped: Notebook
    kernel: int


@pytest.fixture(scope="module")
def silences(
    browser: Any, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Silences]:
    home = tmp_path_factory.mktemp("silence")
    profile = tmp_path_factory.mktemp("profile")
    with (
        jupyter_server(home, app="lab") as server,
        wire_to(server.port) as wire,
        open_notebooks(browser, server) as near,
        open_notebooks(browser, replace(server, port=wire.port)) as far,
        real_browser(browser.browser_type, chromium, FLAGS, profile) as person,
        open_notebooks(person, server) as sleepy,
    ):
        stopped = near("stopped", SLOW_TEAM, "run = ss.stream(team(), task='Plan', name='inside')")
        stopped.run(0)
        cut, slept = far("cut", streams=["outside"]), sleepy("slept", streams=["outside"])
        with team_outside(server, "outside"):
            stopped.run(1)
            for page in (stopped, cut, slept):
                wait_beyond(page, 5)
            kernel = server.get("swarm-stream/api/streams/inside")["meta"]["process"]["pid"]
            wire.freeze()
            cut.page.wait_for_timeout(500)  # what was on its way is there
            cut.note("silence")
            os.kill(kernel, signal.SIGSTOP)
            with person.asleep():
                time.sleep(SILENT_S)
            yield Silences(server, cut, slept, stopped, kernel)
            hurry(server)


def test_a_page_that_hears_nothing_finds_out_and_comes_back(
    silences: Silences, record_property: Callable[[str, object], None]
) -> None:
    page = silences.cut
    hurry(silences.server)
    page.wait_state("completed")
    back_ms = grew_after(page, "silence")
    record_property("back_after_ms", back_ms)
    # It is the silence that told: nothing was closed, and the page's timers are not that late.
    assert SILENCE_LIMIT_MS * 0.9 < back_ms < SILENCE_LIMIT_MS * 1.5
    assert_whole(page)


def test_a_browser_that_slept_comes_back(silences: Silences) -> None:
    page = silences.slept
    hurry(silences.server)
    page.wait_state("completed")
    assert_whole(page)


def test_a_kernel_that_says_nothing_is_stalled_and_may_come_back(silences: Silences) -> None:
    page = silences.stopped
    expect(page.view()).to_have_attribute("data-connection", "stalled")
    expect(page.view()).to_have_attribute("data-state", "running")
    expect(page.view().locator(".swst-note")).to_contain_text("Nothing is heard from the kernel")
    os.kill(silences.kernel, signal.SIGCONT)
    hurry(silences.server)
    page.wait_state("completed")
    assert_whole(page)
