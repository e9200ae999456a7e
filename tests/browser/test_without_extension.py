"""A server without the extension: the same view, through the kernel's widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_notebooks
from tests.browser.test_view import SAYS, TEAM, expect_formulas
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Notebook


@pytest.fixture
def bare_notebook(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Notebook]]:
    home = tmp_path_factory.mktemp("bare")
    with (
        jupyter_server(home, app="lab", extension=False) as server,
        open_notebooks(browser, server) as make,
    ):
        yield make


def test_the_view_gets_the_same_through_the_comm(bare_notebook: Callable[..., Notebook]) -> None:
    page = bare_notebook("comm", TEAM, "run = ss.stream(team(0.03), task='Plan')", "run.view")
    page.run(0)
    page.run(1)
    page.wait_state("running")
    expect(page.view()).to_contain_text("through the kernel")
    page.run(2)  # the widget once more, which stays a widget
    page.wait_state("completed")
    completed = 1
    assert page.lanes(completed) == SAYS
    assert page.counter(completed)[1:] == (0, 0)
    expect_formulas(page, completed)
    # The cell that started the run keeps what was said, and needs no kernel to show it.
    page.wait_state("static")
    expect(page.view()).to_contain_text("book the boat")
