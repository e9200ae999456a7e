"""A run whose events the log does not take: the view says that it is paused, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.conftest import open_notebooks
from tests.browser.slow_team import process_outside
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    import pytest

TOO_LONG = """\
import asyncio
import swarm_stream as ss

async def words():
    for number in range(100_000):
        yield f"{number} "

async def main():
    config = ss.StreamingConfig(buffer_size=100)
    run = ss.stream(words(), name="held", config=config, display=False)
    try:
        await run
    except ss.StreamCancelledError:
        await run.flush(30)

asyncio.run(main())
"""


def test_a_run_that_the_log_cannot_take_is_paused_and_can_be_cancelled(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limit = "--SwarmStreamApp.max_stream_bytes=20000"
    home = tmp_path_factory.mktemp("held")
    with (
        jupyter_server(home, limit, app="lab") as server,
        open_notebooks(browser, server) as make,
        process_outside(server, TOO_LONG),
    ):
        page = make("held", streams=["held"])
        expect(page.view()).to_have_attribute("data-connection", "held")
        expect(page.view()).to_have_attribute("data-state", "paused")
        expect(page.view().locator(".swst-note")).to_contain_text("raise SwarmStreamApp.max_stream")
        held_at = page.counter()[0]
        page.view().get_by_role("button", name="Cancel").click()
        page.wait_state("cancelled")
        # What waited in the buffer is there too, and nothing else was said.
        received, missing, doubled = page.counter()
        assert 0 < received - held_at < 200
        assert (missing, doubled) == (0, 0)
        text = page.view().evaluate("root => root.querySelector('[data-seg]').swstSource()")
        words = text.split()
        assert words == [str(number) for number in range(len(words))]
