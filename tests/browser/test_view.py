"""What a person sees: a team in its cell, live, reloaded in the middle, finished, saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Notebook

OWN = "application/vnd.swarm-stream.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"

SAYS = {
    "planner": "Day one: the **National Museum**.\n\n- tram 12\n- lunch\n\n" * 4,
    "critic": "Too full. Leave an *afternoon* free - and book the boat 🛥 early. " * 5,
    "writer": "# Oslo\n\n1. Museum\n2. Fjord\n\n```python\nprint('see you')\n```\n" * 3,
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


def test_a_team_reloaded_in_the_middle_with_an_idle_kernel(
    notebook: Callable[..., Notebook],
) -> None:
    page = notebook("idle", TEAM, "run = ss.stream(team(0.03), task='Plan')")
    page.run(0)
    page.run(1)
    page.wait_state("running")
    expect(page.view().locator('[data-lane-name="planner"]').first).to_contain_text("Museum")
    page.reload()
    page.wait_state("running", "completed")
    page.wait_state("completed")
    assert page.lanes() == SAYS
    received, missing, doubled = page.counter()
    assert (missing, doubled) == (0, 0)
    assert received > sum(len(text) for text in SAYS.values()) / 6
    assert page.view().locator(".swst-md strong").count() >= 4
    assert page.view().locator("pre code").first.inner_text().strip() == "print('see you')"


def test_a_team_reloaded_while_the_kernel_is_busy_and_nothing_was_saved(
    notebook: Callable[..., Notebook],
) -> None:
    # The run lives in a thread of its own, as one that shares a kernel with a blocking cell must.
    thread = """\
import asyncio, threading
started = threading.Event()
async def main():
    session = ss.stream(team(0.02), task="Plan", display=False, name="busy-" + app)
    started.set()
    await session
"""
    app = "one"
    cells = (
        TEAM,
        f"app = {app!r}\n" + thread,
        (
            "threading.Thread(target=lambda: asyncio.run(main())).start()\n"
            "started.wait(); ss.attach('busy-' + app)"
        ),
        "import time; time.sleep(25)",
    )
    page = notebook("busy", *cells)
    for number in range(4):
        page.run(number)
    page.wait_state("running")
    before = page.counter()[0]
    page.reload()
    page.wait_state("running", "completed", timeout_ms=10_000)
    page.wait_state("completed", timeout_ms=20_000)
    # All this while the cell slept: its prompt is still that of a busy one.
    assert page.counter()[0] > before
    assert page.lanes() == SAYS
    assert page.counter()[1:] == (0, 0)


def test_what_stays_in_the_file(notebook: Callable[..., Notebook]) -> None:
    page = notebook("saved", TEAM, "run = ss.stream(team(0), task='Plan'); r = await run")
    page.run(0)
    page.run(1)
    page.wait_state("completed")
    page.page.wait_for_timeout(300)
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+s")
    expect_saved(page)
    (data,) = outputs(page, 1)
    assert set(data) == {OWN, "text/html", "text/markdown", "text/plain"}
    html = "".join(data["text/html"])  # type: ignore[arg-type]  # text or lines
    assert "<script" not in html
    for text in ("National Museum", "🛥", "print(&#39;see you&#39;)"):
        assert text in html
    # A day later: another page, a fresh kernel, nothing of the run in memory.
    page.reload()
    page.wait_state("completed")
    assert page.lanes() == SAYS
    assert "model not found" not in page.page.locator(".jp-Notebook").inner_text()


def expect_saved(page: Notebook) -> None:
    """Wait until the file has the output of the finished run."""
    for _ in range(100):
        found = outputs(page, 1)
        if found and WIDGET not in found[0] and "text/html" in found[0]:
            return
        page.page.wait_for_timeout(100)
    raise AssertionError(f"not saved: {[list(data) for data in outputs(page, 1)]}")
