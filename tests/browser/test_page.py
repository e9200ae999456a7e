"""The plain page, from the list to a run, to its end, to its files, and to an empty list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.bare import FRONTEND
from tests.browser.slow_team import hurry, process_outside
from tests.servers.jupyter import TOKEN, JupyterServer, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

RUNS = """\
import asyncio, pathlib
import swarm_stream as ss

async def boat():
    yield "Ahoy, **<b>captain</b>**."

async def oslo():
    number = 0
    while not pathlib.Path("hurry").exists():
        yield f"day {number}\\n\\n"
        number += 1
        await asyncio.sleep(0.05)
    yield "the end"

async def main():
    pathlib.Path("hurry").unlink(missing_ok=True)
    over = ss.stream(boat, name="boat-1", display=False)
    await over
    run = ss.stream(oslo, name="oslo-1", display=False)
    await run
    await run.flush(30)

asyncio.run(main())
"""
SCREENS: dict[str, Any] = {
    "desktop": {"viewport": {"width": 1200, "height": 800}},
    "phone": {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": "dark",
    },
}
AXE = """async () => (await axe.run()).violations.map(
  ({id, nodes}) => `${id}: ${nodes.map(({html}) => html.slice(0, 200)).join(' | ')}`)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(params=list(SCREENS))
def page(browser: Any, server: JupyterServer, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The list, as somebody has it who came with the server's token."""
    context = browser.new_context(**SCREENS[request.param])
    page: Page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # What the page's own policy forbids is told here, too.
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{server.url}swarm-stream/?token={TOKEN}")
    yield page
    expected = ("Failed to load resource",)  # what the test did to the network
    assert [text for text in complaints if not text.startswith(expected)] == []
    context.close()


def line(page: Page, stream: str) -> Any:
    return page.locator(f'[data-stream="{stream}"]')


def look(page: Page) -> None:
    """Come back to the page: it asks at once what there is."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def fits(page: Page) -> bool:
    """Tell whether nothing is wider than the screen. A phone's window grows with what is in it."""
    assert page.viewport_size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    return bool(width <= page.viewport_size["width"])


def is_accessible(page: Page) -> bool:
    """Check what is shown with axe, all of its rules."""
    page.evaluate((FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text())
    assert page.evaluate(AXE) == []
    return True


def saved(page: Page, label: str) -> tuple[str, str]:
    """Save the stream that is shown; gives the file's name and text."""
    with page.expect_download() as begun:
        page.get_by_role("group", name="Save as").get_by_text(label, exact=True).click()
    path = Path(begun.value.path())
    return begun.value.suggested_filename, path.read_text()


def test_from_the_list_to_a_run_to_its_end_and_to_an_empty_list(
    page: Page, server: JupyterServer
) -> None:
    expect(page.get_by_text("There are no streams on this server yet.")).to_be_visible()
    assert TOKEN not in page.url
    with process_outside(server, RUNS):
        # It comes by itself: what goes on first.
        expect(line(page, "oslo-1").locator(".swsp-state")).to_have_text("live")
        expect(line(page, "boat-1").locator(".swsp-state")).to_have_text("completed")
        expect(page.locator(".swsp-title")).to_have_text(["oslo", "boat"])
        assert fits(page)
        assert is_accessible(page)

        page.get_by_role("searchbox").fill("BOAT completed")
        expect(line(page, "oslo-1")).to_have_count(0)
        expect(page.get_by_role("status").first).to_have_text("1 found of 1 live, 1 ended")
        page.get_by_role("searchbox").fill("")

        page.get_by_role("link", name="oslo").click()
        view = page.locator("[data-swarm-stream]")
        expect(view).to_have_attribute("data-state", "running")
        expect(page).to_have_title("running · oslo")
        expect(view).to_contain_text("day 3")
        fills_the_window(page)
        page.reload()
        expect(view).to_have_attribute("data-connection", "live")
        hurry(server)
    expect(view).to_have_attribute("data-state", "completed")
    expect(page).to_have_title("completed · oslo")
    assert (view.get_attribute("data-missing"), view.get_attribute("data-doubled")) == ("0", "0")
    received = int(view.get_attribute("data-received") or "")
    assert is_accessible(page)
    # The view's own parts have come and gone meanwhile, each at the transcript's expense.
    expect(view.locator(".swst-end")).to_be_in_viewport(ratio=1)
    page.set_viewport_size(page.viewport_size and {**page.viewport_size, "height": 600})
    expect(view.locator(".swst-end")).to_be_in_viewport(ratio=1)
    files(page, received)

    page.get_by_role("link", name="Streams").click()
    deleted_after_a_question(page, server)
    expect(page.get_by_text("There are no streams on this server yet.")).to_be_visible()


def fills_the_window(page: Page) -> None:
    transcript = page.get_by_role("region", name="Transcript").bounding_box()
    window = page.viewport_size
    assert transcript is not None
    assert window is not None
    below = window["height"] - transcript["y"] - transcript["height"]
    assert 0 <= below < 40
    assert transcript["height"] > window["height"] / 2
    assert fits(page)


def files(page: Page, received: int) -> None:
    name, html = saved(page, "HTML")
    assert name == "oslo-1.html"
    assert html.startswith("<!doctype html>")
    assert "the end" in html
    assert "completed after" in html
    assert "<script" not in html
    name, markdown = saved(page, "Markdown")
    assert name == "oslo-1.md"
    assert "day 3\n\n" in markdown
    name, lines = saved(page, "JSONL")
    assert name == "oslo-1.jsonl"
    events = [json.loads(text) for text in lines.splitlines()]
    assert len(events) == received
    assert (events[0]["type"], events[-1]["type"]) == ("start", "end")


def deleted_after_a_question(page: Page, server: JupyterServer) -> None:
    oslo, boat = line(page, "oslo-1"), line(page, "boat-1")
    question = page.get_by_role("dialog")
    # By keyboard, and Enter is the harmless answer.
    oslo.get_by_role("button", name="Delete oslo").focus()
    page.keyboard.press("Enter")
    expect(question).to_contain_text("Delete “oslo” with its")
    assert is_accessible(page)
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(oslo.get_by_role("button")).to_be_focused()

    oslo.get_by_role("button").click()
    address = f"{server.url}swarm-stream/api/streams/oslo-1"
    refusal = {"status": 503, "json": {"message": "the disk is gone; bring it back"}}
    page.route(address, lambda route: route.fulfill(**refusal))
    question.get_by_role("button", name="Delete").click()
    expect(question.get_by_role("alert")).to_have_text(
        "It could not be deleted. The disk is gone; bring it back."
    )
    page.unroute(address)
    question.get_by_role("button", name="Delete").click()
    expect(question).to_be_hidden()
    expect(oslo).to_have_count(0)
    expect(boat.get_by_role("button")).to_be_focused()
    kept = server.get("swarm-stream/api/streams")["streams"]
    assert [stream["stream"] for stream in kept] == ["boat-1"]

    boat.get_by_role("button").click()
    question.get_by_role("button", name="Delete").click()
    expect(boat).to_have_count(0)


def test_it_says_when_the_server_is_away_or_the_login_is_over(
    browser: Any, server: JupyterServer
) -> None:
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(f"{server.url}swarm-stream/?token={TOKEN}")
    empty = page.get_by_text("There are no streams on this server yet.")
    expect(empty).to_be_visible()
    context.set_offline(True)
    look(page)
    trouble = page.locator(".swsp-trouble")
    expect(trouble).to_contain_text("The Jupyter server does not answer.")
    context.set_offline(False)
    expect(trouble).to_be_empty()  # it is asked when the browser is online again

    context.clear_cookies()
    look(page)
    expect(trouble).to_contain_text("Jupyter does not accept this page's login any more.")
    page.get_by_role("link", name="Log in again").click()
    page.locator("#password_input").fill(TOKEN)
    page.locator("#login_submit").click()
    expect(empty).to_be_visible()  # and back where it was
    context.close()


def test_a_stream_that_is_not_there_is_said_to_be_so(browser: Any, server: JupyterServer) -> None:
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(f"{server.url}swarm-stream/s/nobody?token={TOKEN}")
    expect(page.get_by_text("This server has no stream nobody (any more).")).to_be_visible()
    page.get_by_role("link", name="See which streams there are").click()
    expect(page.get_by_text("There are no streams on this server yet.")).to_be_visible()
    context.close()
