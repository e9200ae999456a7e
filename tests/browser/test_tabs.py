"""What a person's browser does to a tab: hides it, freezes it, stops it, forgets its login."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_notebooks
from tests.browser.flags import FLAGS
from tests.browser.real_browser import real_browser
from tests.browser.slow_team import (
    assert_whole,
    hurry,
    process_outside,
    team_outside,
    wait_beyond,
)
from tests.browser.wire import wire_to
from tests.servers.jupyter import TOKEN, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Notebook
    from tests.browser.real_browser import RealBrowser
    from tests.browser.wire import Wire
    from tests.servers.jupyter import JupyterServer

TOKENS = 100_000
MAX_GROWN_BYTES = 100 * TOKENS
FAST = f"""\
import asyncio
import swarm_stream as ss

async def words():
    for number in range({TOKENS}):
        yield f"{{number}}\\n\\n" if number % 20 == 19 else f"{{number}} "

async def main():
    run = ss.stream(words(), name="fast", display=False)
    await run
    await run.flush(60)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("tabs"), app="lab") as server:
        yield server


@pytest.fixture(scope="module")
def wire(lab: JupyterServer) -> Iterator[Wire]:
    with wire_to(lab.port) as wire:
        yield wire


@pytest.fixture(scope="module")
def person(
    browser: Any, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealBrowser]:
    profile = tmp_path_factory.mktemp("profile")
    with real_browser(browser.browser_type, chromium, FLAGS, profile) as person:
        yield person


@pytest.fixture(scope="module")
def tabs(person: RealBrowser, lab: JupyterServer, wire: Wire) -> Iterator[Callable[..., Notebook]]:
    with open_notebooks(person, replace(lab, port=wire.port)) as make:
        yield make


@pytest.fixture
def watch(tabs: Callable[..., Notebook]) -> Iterator[Callable[[str], Notebook]]:
    """Open notebooks that show a stream, in tabs of the person's browser."""
    opened: list[Notebook] = []

    def watch(stream: str) -> Notebook:
        opened.append(tabs(f"watch-{stream}", streams=[stream]))
        return opened[-1]

    yield watch
    for page in opened:
        page.page.close()


def test_a_hidden_tab_goes_on_and_a_frozen_one_catches_up(
    watch: Callable[[str], Notebook], person: RealBrowser, lab: JupyterServer
) -> None:
    page = watch("hidden")
    with team_outside(lab, "hidden"):
        wait_beyond(page, 5)
        with person.other_tab(page.page):
            seen = page.counter()[0]
            wait_beyond(page, seen + 10)
            with person.frozen(page.page):
                frozen_at = page.counter()[0]
                time.sleep(2)
                assert page.counter()[0] == frozen_at
                hurry(lab)
        page.wait_state("completed")
    assert_whole(page)


def test_a_tab_that_does_not_read_for_100_000_tokens_catches_up(
    watch: Callable[[str], Notebook],
    person: RealBrowser,
    lab: JupyterServer,
    record_property: Callable[[str, object], None],
) -> None:
    page = watch("fast")
    before = heap_bytes(page, person)
    with process_outside(lab, FAST) as producer:
        wait_beyond(page, 100)
        with person.asleep("renderer"):
            producer.wait(60)
        went_on_s = time.monotonic()
        page.wait_state("completed")
    record_property("caught_up_s", time.monotonic() - went_on_s)
    text = page.view().evaluate("root => root.querySelector('[data-seg]').swstSource()")
    assert text.split() == [str(number) for number in range(TOKENS)]
    assert page.counter()[1:] == (0, 0)
    grown = heap_bytes(page, person) - before
    record_property("page_grown_bytes", grown)
    assert grown < MAX_GROWN_BYTES


def heap_bytes(page: Notebook, person: RealBrowser) -> int:
    """Give the bytes that a page's script holds on to."""
    session = person.context.new_cdp_session(page.page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return int(used)


def test_a_login_that_ended_is_said_and_one_in_another_tab_is_enough(
    watch: Callable[[str], Notebook], person: RealBrowser, lab: JupyterServer, wire: Wire
) -> None:
    page = watch("login")
    with team_outside(lab, "login"):
        wait_beyond(page, 5)
        # JupyterLab's own requests carry the page's token, and would get a cookie for it.
        page.page.route("**/api/**", lambda route: route.fulfill(status=403))
        person.context.clear_cookies()
        wire.cut()
        expect(page.view()).to_have_attribute("data-connection", "login")
        expect(page.view().locator(".swst-note")).to_contain_text("Log in again in another tab")
        seen = page.counter()[0]
        with person.other_tab(page.page) as other:
            other.goto(f"{page.server.url}lab?token={TOKEN}")
        wait_beyond(page, seen)
        hurry(lab)
        page.wait_state("completed")
    assert_whole(page)
