"""A notebook that is opened a day later: every cell shows what it can, and none an error.

The kernel is new; runs may have gone from the log; somebody may have sent the file, so that
Jupyter does not trust it; the front-end extension may be missing. `test_without_extension` has
servers that have none of ours. And a page that nbconvert has made of it, without scripts.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import decode_event
from swarm_stream.views.display import bundle
from tests.browser.kept import (
    MARKDOWN,
    WORDS,
    cut,
    cut_with_widget,
    expect_no_error,
    open_kept,
    over,
)
from tests.browser.slow_team import process_outside

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Notebook
    from tests.servers.jupyter import JupyterServer

HERE = ("here-over", "here-cut", "here-widget")
RUNS = f"""
import asyncio
import swarm_stream as ss

async def words():
    yield {MARKDOWN!r}

async def main():
    for name in {HERE!r}:
        await ss.stream(words(), name=name, display=False)

asyncio.run(main())
"""
TRUST = pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])


@pytest.fixture(scope="module")
def kept_server(server: JupyterServer) -> JupyterServer:
    """A server that has some of the runs."""
    with process_outside(server, RUNS):
        pass  # it waits for the end
    return server


@TRUST
def test_the_log_and_the_file_show_what_was_said(
    browser: Any, kept_server: JupyterServer, *, trusted: bool
) -> None:
    outputs = {
        name: make(name)
        for where in ("here", "gone")
        for name, make in {
            f"{where}-over": over,
            f"{where}-cut": cut,
            f"{where}-widget": cut_with_widget,
        }.items()
    }
    with open_kept(browser, kept_server, outputs, trusted=trusted) as page:
        for name in HERE:
            expect(page.stream(name)).to_have_attribute("data-state", "completed")
            expect(page.stream(name).locator(".swst-md strong")).to_have_text(WORDS)
        for name in ("gone-over", "gone-cut", "gone-widget"):
            expect(page.stream(name)).to_have_attribute("data-state", "static")
        expect(page.stream("gone-over").locator(".swst-md strong")).to_have_text(WORDS)
        expect_no_error(page)
        # What the page of that day could not write into the file, this one does.
        wait_complete(page, len(HERE))


def wait_complete(page: Notebook, count: int) -> None:
    """Wait until the first cells of the file hold what was said, and no widget."""
    for _ in range(300):
        cells = [cell["outputs"][0]["data"] for cell in page.saved()["cells"][:count]]
        if all(WORDS in "".join(data["text/html"]) for data in cells):
            assert all(set(data) == set(over("any")) for data in cells)
            return
        page.page.wait_for_timeout(100)
    raise AssertionError("the file was not completed")


@TRUST
@pytest.mark.usefixtures("without_front_end")
@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_a_front_end_without_the_extension_shows_the_file(
    browser: Any, server: JupyterServer, *, trusted: bool
) -> None:
    outputs = {"over": over("over"), "cut": cut("cut")}
    with open_kept(browser, server, outputs, trusted=trusted) as page:
        cells = page.page.locator(".jp-CodeCell")
        expect(cells.nth(0)).to_contain_text(WORDS)
        expect(cells.nth(1)).to_contain_text("is being streamed")
        expect_no_error(page)
        assert page.page.locator("[data-swarm-stream]").count() == 0


SAYS = {
    "task": "Plan three days in Oslo",
    "thought": "First the prices, then the days. " * 20,
    "text": (
        "# Oslo\n\nHere is a **plan**:\n\n1. *Opera* house\n2. Fjord\n\n| day | cost |\n|---|---|\n"
        "| one | 20 € |\n\n```python\nprint('see you')\n```\n\nBook the boat 🛥, and mind $x^2$."
    ),
    "call": '{"query": "opera oslo"}',
    "result": "open until ten",
}
RICH = (
    {"type": "start", "t": 1000, "task": SAYS["task"], "source": "autogen"},
    {"type": "lane", "lane": 0, "name": "planner"},
    {"type": "open", "seg": 0, "lane": 0, "channel": "reasoning"},
    {"type": "delta", "seg": 0, "text": SAYS["thought"]},
    {"type": "close", "seg": 0},
    {"type": "open", "seg": 1, "lane": 0, "channel": "text"},
    {"type": "delta", "seg": 1, "text": SAYS["text"]},
    {"type": "close", "seg": 1},
    {"type": "tool_call", "lane": 0, "call": "1", "name": "search", "arguments": SAYS["call"]},
    {"type": "tool_result", "lane": 0, "call": "1", "content": SAYS["result"]},
    {"type": "end", "t": 2000, "outcome": "completed"},
)
WORD = re.compile(r"\w+|🛥|€|\$")
# A list's numbers are drawn, and are no text.
NUMBER = re.compile(r"^\d\. ", re.MULTILINE)


def test_a_page_without_scripts_shows_the_whole_conversation(browser: Any, tmp_path: Path) -> None:
    transcript = Transcript()
    transcript.extend(decode_event(json.dumps(event)) for event in RICH)
    data = bundle("rich", server="", title="rich", transcript=transcript)
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_code_cell("run", outputs=[nbformat.v4.new_output("display_data", data)])
    ]
    path = tmp_path / "kept.html"
    path.write_text(HTMLExporter().from_notebook_node(made)[0])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    for fold in page.locator(".jp-OutputArea summary").all():
        fold.click()  # what is folded opens without a script
    shown = WORD.findall(page.locator(".jp-OutputArea").inner_text())
    at = 0
    for name, said in SAYS.items():
        for word in WORD.findall(NUMBER.sub("", said)):
            assert word in shown[at:], (name, word)
            at = shown.index(word, at) + 1
    context.close()
