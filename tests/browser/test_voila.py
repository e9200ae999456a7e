"""A dashboard of Voilà, which has no notebooks and no extension of ours in its server."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import START_MS
from tests.servers.jupyter import JupyterServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CELLS = (
    """\
import asyncio
import ipywidgets
import swarm_stream as ss

async def words():
    for number in range(10_000):
        yield f"word{number} "
        await asyncio.sleep(0.05)
""",
    "run = ss.stream(words())",
    "ipywidgets.VBox([ipywidgets.Label('In a box'), run.view])",
)


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[str]:
    """Serve a notebook as a dashboard; gives its address."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(made, tmp_path / "words.ipynb")
    # Its folders, not its program.
    place = JupyterServer(tmp_path, free_port(), "voila", ())
    with (tmp_path / "voila.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voila", "words.ipynb", "--no-browser",
             "--Voila.ip=127.0.0.1", f"--port={place.port}"],
            env=place.environment, cwd=tmp_path, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_served(process, f"{place.url}voila/static/", tmp_path / "voila.log")
        yield place.url
    finally:
        process.terminate()
        process.wait(20)


def wait_served(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_MS / 1000
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            opener.open(url, timeout=10).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"voila did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    context = browser.new_context()
    # Its templates ask for fonts of another host.
    context.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.abort())
    yield context.new_page()
    context.close()


def test_the_views_are_live_and_their_buttons_work(page: Page, dashboard: str) -> None:
    page.goto(dashboard, timeout=START_MS)
    views = page.locator("[data-swarm-stream]")
    expect(views).to_have_count(2, timeout=START_MS)
    for number in (0, 1):
        expect(views.nth(number)).to_have_attribute("data-connection", "live")
        expect(views.nth(number)).to_contain_text("word20 ")
    expect(page.locator(".widget-vbox [data-swarm-stream]")).to_have_count(1)
    views.nth(1).get_by_role("button", name="Cancel", exact=True).click()
    for number in (0, 1):
        expect(views.nth(number)).to_have_attribute("data-state", "cancelled")
        expect(views.nth(number)).to_have_attribute("data-missing", "0")
        expect(views.nth(number)).to_have_attribute("data-doubled", "0")
    said = [view.get_attribute("data-received") for view in views.all()]
    assert said[0] == said[1]
