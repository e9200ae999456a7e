"""A server without the extension: the same view, through the kernel's widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.kept import (
    WORDS,
    cut,
    cut_with_widget,
    expect_no_error,
    open_kept,
    over,
)
from tests.browser.test_buttons import press
from tests.browser.test_view import SAYS, TEAM
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Notebook
    from tests.servers.jupyter import JupyterServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("bare"), app="lab", extension=False) as running:
        yield running


@pytest.mark.usefixtures("without_front_end")
def test_the_view_gets_the_same_through_the_comm(notebook: Callable[..., Notebook]) -> None:
    cell = "run = ss.stream(team(0.03), task='Plan')"
    page = notebook("comm", TEAM, cell, "run.view", f"{cell}\nawait run")
    page.run(0)
    page.run(1)
    page.wait_state("running")
    expect(page.view()).to_contain_text("through the kernel")
    press(page, "Pause")
    page.wait_state("paused")
    page.run(2)  # the same once more
    page.wait_state("paused", number=1)
    press(page, "Resume")
    # The cell that started the run keeps what was said, and needs no kernel to show it.
    kept = page.page.locator(".jp-CodeCell").nth(1).locator("[data-mime-type='text/html']")
    expect(kept).to_contain_text("book the boat", timeout=60_000)
    page.wait_state("completed")
    assert page.lanes() == SAYS
    assert page.counter()[1:] == (0, 0)

    page.run(3)
    page.wait_state("running")
    press(page, "Cancel", number=1)
    expect(page.page.locator(".jp-CodeCell").nth(3)).to_contain_text("cancelled after")


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
def test_a_day_later_every_cell_shows_what_was_kept(
    browser: Any, server: JupyterServer, *, trusted: bool
) -> None:
    outputs = {"over": over("over"), "cut": cut("cut"), "widget": cut_with_widget("widget")}
    with open_kept(browser, server, outputs, trusted=trusted) as page:
        for name in outputs:
            expect(page.stream(name)).to_have_attribute("data-state", "static")
            expect(page.stream(name)).to_contain_text("no swarm_stream extension")
        expect(page.stream("over").locator(".swst-md strong")).to_have_text(WORDS)
        expect_no_error(page)
