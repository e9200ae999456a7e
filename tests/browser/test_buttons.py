"""Every button and the answer box, used while the cell that awaits the run is busy."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import START_MS, Notebook
from tests.browser.slow_team import process_outside

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.jupyter import JupyterServer

# One application is enough where only our own code is in question; see conftest for both.
LAB = pytest.mark.parametrize("server", ["lab"], indirect=True)

TEAM = """
import asyncio
import swarm_stream as ss
from autogen_agentchat.agents import AssistantAgent, UserProxyAgent
from autogen_agentchat.teams import RoundRobinGroupChat

def agent(name, *said, delay=0.03):
    client = ss.ScriptedClient(list(said), delay_s=delay)
    return AssistantAgent(name, client, model_client_stream=True)

def talkers():
    words = [f"w{number} " for number in range(150)]
    return RoundRobinGroupChat([agent("alice", words), agent("bob", words)], max_turns=2)

async def done(run):
    try:
        result = await run
        print("RESULT", result.stop_reason)
    except ss.StreamCancelledError as error:
        print("CANCELLED BY", error.by, [said.partial for said in error.messages])
    except asyncio.CancelledError:
        print("INTERRUPTED")
"""
ASKING = """
people = RoundRobinGroupChat(
    [agent("alice", "Which colour?", delay=0), UserProxyAgent("human", input_func=ss.ask),
     agent("bob", "Fine.", delay=0)], max_turns=3)
run = ss.stream(people, task="Choose", name="{name}")
result = await run
print("ANSWER WAS", [m.content for m in result.messages if m.source == "human"][-1])
"""


def started(notebook: Callable[..., Notebook], name: str) -> Notebook:
    page = notebook(name, TEAM, "run = ss.stream(talkers(), task='Talk')\nawait done(run)")
    page.run(0)
    page.run(1)
    page.wait_state("running")
    page.page.wait_for_function(
        "() => Number(document.querySelector('[data-swarm-stream]').dataset.received) > 10"
    )
    return page


def press(page: Notebook, name: str, number: int = 0) -> None:
    page.view(number).get_by_role("button", name=name, exact=True).click()


def expect_output(page: Notebook, text: str) -> None:
    expect(page.page.locator(".jp-OutputArea-output", has_text=text).first).to_be_visible()


@LAB
def test_pause_really_pauses_and_resume_goes_on(notebook: Callable[..., Notebook]) -> None:
    page = started(notebook, "pausing")
    press(page, "Pause")
    page.wait_state("paused")
    expect(page.view().get_by_role("button", name="Resume")).to_be_visible()
    page.page.wait_for_timeout(200)  # what was on its way to the page arrives
    before = page.counter()[0]
    page.page.wait_for_timeout(1500)
    assert page.counter()[0] == before
    press(page, "Resume")
    page.wait_state("running")
    page.page.wait_for_function(
        f"() => Number(document.querySelector('[data-swarm-stream]').dataset.received) > {before}"
    )
    press(page, "Cancel")
    page.wait_state("cancelled")
    expect_output(page, "CANCELLED BY")


@LAB
def test_stop_lets_the_agent_finish(notebook: Callable[..., Notebook]) -> None:
    page = started(notebook, "stopping")
    press(page, "Stop")
    page.wait_state("completed")
    lanes = page.lanes()
    assert lanes == {"alice": "".join(f"w{number} " for number in range(150))}
    expect_output(page, "RESULT Stop requested")


@LAB
def test_cancel_ends_it_at_once_and_says_who(notebook: Callable[..., Notebook]) -> None:
    page = started(notebook, "cancelling")
    began = time.monotonic()
    press(page, "Cancel")
    page.wait_state("cancelled")
    assert time.monotonic() - began < 5  # 0.5 s and what a busy browser takes
    expect_output(page, "CANCELLED BY")
    said = page.lanes()["alice"]
    whole = "".join(f"w{number} " for number in range(150))
    assert said
    assert whole.startswith(said)
    expect(page.view().get_by_role("button", name="Cancel", exact=True)).to_be_hidden()


@LAB
def test_buttons_are_reached_and_pressed_by_keys(notebook: Callable[..., Notebook]) -> None:
    page = started(notebook, "keys")
    page.view().get_by_role("button", name="Pause", exact=True).focus()
    page.page.keyboard.press("Enter")
    page.wait_state("paused")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Tab")
    focused = page.page.evaluate("document.activeElement.textContent")
    assert focused == "Cancel"
    page.page.keyboard.press("Space")
    page.wait_state("cancelled")


@LAB
def test_the_kernels_own_interrupt_cancels_the_run(notebook: Callable[..., Notebook]) -> None:
    page = started(notebook, "interrupting")
    (kernel,) = [
        s["kernel"]["id"] for s in page.server.get("api/sessions") if s["path"] == page.path.name
    ]
    page.server.post(f"api/kernels/{kernel}/interrupt", {})
    page.wait_state("cancelled")
    expect(page.view()).to_contain_text("cancelled by whoever awaited it")
    expect_output(page, "INTERRUPTED")


def answer(page: Notebook, text: str) -> None:
    box = page.view().get_by_role("textbox", name="Your answer")
    box.fill(text)
    box.press("Enter")


def test_a_question_is_answered_after_a_reload_while_the_cell_waits(
    notebook: Callable[..., Notebook],
) -> None:
    page = notebook("asking", TEAM, ASKING.format(name=f"asking-{time.time_ns()}"))
    page.run(0)
    page.run(1)
    page.wait_state("waiting")
    page.reload()
    page.wait_state("waiting")
    answer(page, "blue")
    page.wait_state("completed")
    expect(page.view().locator(".swst-answer")).to_contain_text("answered")
    expect(page.view().locator(".swst-answer")).to_contain_text("blue")
    assert page.counter()[1:] == (0, 0)


@LAB
def test_of_two_viewers_one_answers_and_both_see_it(notebook: Callable[..., Notebook]) -> None:
    name = f"two-{time.time_ns()}"
    first = notebook("first", TEAM, ASKING.format(name=name))
    first.run(0)
    first.run(1)
    first.wait_state("waiting")
    second = notebook("second", streams=[name])
    second.wait_state("waiting")
    boxes = [page.view().get_by_role("textbox", name="Your answer") for page in (first, second)]
    for box, text in zip(boxes, ("red", "blue"), strict=True):
        box.fill(text)
    at = first.page.evaluate("Date.now()") + 500
    for page in (first, second):
        page.page.evaluate(
            "at => setTimeout(() => document.querySelector('.swst-reply').requestSubmit(),"
            " at - Date.now())",
            at,
        )
    for page in (first, second):
        page.wait_state("completed")
    shown = [page.view().locator(".swst-answer").inner_text() for page in (first, second)]
    assert shown[0] == shown[1]
    assert ("red" in shown[0]) != ("blue" in shown[0])
    expect_output(first, "ANSWER WAS red" if "red" in shown[0] else "ANSWER WAS blue")


@LAB
def test_a_question_survives_a_restart_of_the_server(
    notebook: Callable[..., Notebook], server: JupyterServer
) -> None:
    """A process outlives the server, which is killed, and is answered through the next one."""
    name = f"restart-{time.time_ns()}"
    code = textwrap.indent(ASKING.format(name=name), "    ")
    code = f"{TEAM}\nasync def main():\n{code}\nasyncio.run(main())\n"
    with process_outside(server, code):
        page = notebook("restart", streams=[name])
        page.wait_state("waiting")
        server.kill()
        page.page.locator('[data-connection="reconnecting"]').first.wait_for(timeout=START_MS)
        # Not by keys: Jupyter's dialog about the lost server may come between and take them.
        box = page.view().get_by_role("textbox", name="Your answer")
        box.fill("green")
        page.view().evaluate("root => root.querySelector('.swst-reply').requestSubmit()")
        expect(page.view().locator(".swst-hint")).to_contain_text("not connected")
        server.start()
        page.page.locator('[data-connection="live"]').first.wait_for(timeout=START_MS)
        expect(box).to_have_value("green")  # what was typed is kept
        page.view().evaluate("root => root.querySelector('.swst-reply').requestSubmit()")
        page.wait_state("completed")
        assert page.counter()[1:] == (0, 0)
        assert "green" in page.view().locator(".swst-answer").inner_text()
