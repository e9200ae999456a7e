"""What a person sees: a team in its cell, live, reloaded in the middle, finished, saved."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Notebook

OWN = "application/vnd.swarm-stream.v1+json"
SAYS = {
    "planner": "Day one: the **National Museum**.\n\n- tram 12\n- lunch\n\n" * 4,
    "critic": "Too full. Leave an *afternoon* free - and book the boat 🛥 early. " * 5,
    "writer": "# Oslo\n\n1. Museum\n2. Fjord\n\n```python\nprint('see you')\n```\n" * 3
    + "It is $5 and $x^2$, $$y = \\frac{1}{2}$$ and $\\href{https://evil.test}{click}$.\n",
}
TEAM = f"""\
import swarm_stream as ss
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat

SAYS = {SAYS!r}

def team(delay_s):
    agents = [
        AssistantAgent(n, ss.ScriptedClient([s], delay_s=delay_s), model_client_stream=True)
        for n, s in SAYS.items()
    ]
    return RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(4))
"""


def outputs(notebook: Notebook, cell: int) -> list[dict[str, object]]:
    return [out["data"] for out in notebook.saved()["cells"][cell]["outputs"] if "data" in out]


def expect_formulas(page: Notebook, number: int = 0) -> None:
    """Wait until the formulas are drawn, and check that one which would be a link is not."""
    formulas = page.view(number).locator(".swst-math")
    expect(formulas.locator("mjx-container")).to_have_count(2)
    expect(formulas).to_have_count(3)
    expect(formulas.last).to_have_text(r"$\href{https://evil.test}{click}$")
    assert page.view(number).locator(".swst-md a").count() == 0


def test_what_stays_in_the_file(notebook: Callable[..., Notebook]) -> None:
    page = notebook("saved", TEAM, "run = ss.stream(team(0), task='Plan'); r = await run")
    page.run(0)
    page.run(1)
    page.wait_state("completed")
    assert page.lanes() == SAYS
    expect_formulas(page)
    border = page.view().evaluate("root => getComputedStyle(root).borderTopWidth")
    assert border == "1px", "the styles are not there"
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+s")
    expect_saved(page)
    (data,) = outputs(page, 1)
    assert set(data) == {OWN, "text/html", "text/markdown", "text/plain"}
    html = "".join(data["text/html"])  # type: ignore[arg-type]  # text or lines
    assert "<script" not in html
    for text in ("National Museum", "🛥", "print('see you')"):
        assert text in unescape(html)
    # A day later: another page, a fresh kernel, nothing of the run in memory.
    page.reload()
    page.wait_state("completed")
    assert page.lanes() == SAYS
    assert "model not found" not in page.page.locator(".jp-Notebook").inner_text()
    with page.page.expect_popup() as opened:
        page.view().get_by_role("link", name="Open in a tab").click()
    tab = opened.value
    expect(tab.locator("[data-swarm-stream]")).to_have_attribute("data-state", "completed")
    expect(tab.locator("[data-swarm-stream]")).to_contain_text("National Museum")
    expect(tab).to_have_title("completed · Plan")
    assert tab.get_by_role("link", name="Open in a tab").count() == 0


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_a_view_in_a_box_is_live_beside_the_one_of_its_cell(
    notebook: Callable[..., Notebook],
) -> None:
    box = "import ipywidgets\nipywidgets.VBox([ipywidgets.Label('Agents'), run.view])"
    page = notebook("box", TEAM, "run = ss.stream(team(0.03), task='Plan')", box)
    for number in range(3):
        page.run(number)
    page.wait_state("running", number=1)
    boxed = 1
    expect(page.page.locator(".widget-vbox [data-swarm-stream]")).to_have_count(1)
    expect(page.view(boxed)).to_have_attribute("data-connection", "live")
    page.wait_state("completed", number=1)
    for number in (0, boxed):
        assert page.lanes(number) == SAYS
        assert page.counter(number)[1:] == (0, 0)
        expect_formulas(page, number)


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_views_side_by_side_share_the_width(notebook: Callable[..., Notebook]) -> None:
    made = "ss.stream(team(0), task='Plan', display=False)"
    run = f"runs = [{made} for _ in range(2)]\nfor r in runs: await r"
    box = "import ipywidgets\nipywidgets.HBox([r.view for r in runs])"
    page = notebook("row", TEAM, run, box)
    for number in range(3):
        page.run(number)
    page.wait_state("completed", number=1)
    widths = [page.view(number).bounding_box()["width"] for number in range(2)]
    assert widths[0] == pytest.approx(widths[1], abs=2)
    row = page.page.locator(".widget-hbox")
    assert sum(widths) > row.evaluate("row => row.clientWidth") - 20
    assert row.evaluate("row => row.scrollWidth - row.clientWidth") <= 1


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_a_stream_that_is_nowhere_is_said_to_be(notebook: Callable[..., Notebook]) -> None:
    page = notebook("typo", "import swarm_stream as ss\nss.attach('typo');")
    page.run(0)
    expect(page.view().locator(".swst-connection")).to_have_text("no such stream")
    expect(page.view().locator(".swst-note")).to_contain_text("ss.streams() lists")
    expect(page.view().locator(".swst-run")).to_be_hidden()
    expect(page.view()).not_to_contain_text("through the kernel")


def expect_saved(page: Notebook) -> None:
    """Wait until the file has the output of the finished run."""
    for _ in range(100):
        found = outputs(page, 1)
        if found and "data-swarm-stream-static" in "".join(found[0].get("text/html", "")):
            return
        page.page.wait_for_timeout(100)
    raise AssertionError(f"not saved: {[list(data) for data in outputs(page, 1)]}")
