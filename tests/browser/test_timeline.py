"""Looking at a run as it was: the slider, the jumps and the player, in a bare page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.bare import bare_page
from tests.browser.states import Script, open_view, serve_history, team, tool_error, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

SHOWN = "document.querySelector('.swst-list').innerText"
"""The words of the transcript that is on the page."""


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    opened = bare_page(browser)
    yield opened
    opened.context.close()


def seek(page: Page, part: float) -> None:
    slider = page.get_by_label("Time in the run")
    slider.evaluate(
        "(el, part) => { el.value = el.max * part; el.dispatchEvent(new Event('input')); }", part
    )


def look_back(page: Page, script: Script, part: float) -> int:
    """Go back in a run and give how many events are shown."""
    seek(page, part)
    serve_history(page, script)
    # Nothing is shown of the past until some of it is there.
    page.locator("[data-past]:not([data-past='0'])").wait_for()
    return int(page.locator("[data-past]").get_attribute("data-past") or -1)


def words_after(page: Page, script: Script, count: int) -> str:
    """Give what a view shows that got so many events and no more."""
    return str(
        page.evaluate(
            """async ([events, count]) => {
              const host = document.body.appendChild(document.createElement('div'));
              const other = swst.open('other', host);
              other.connect();
              await other.events(events.slice(0, count));
              const list = host.querySelector('.swst-list');
              const asked = () => Number(host.firstChild.dataset.received);
              while (asked() < count) await new Promise(requestAnimationFrame);
              const words = list.innerText;
              other.view.dispose();
              host.remove();
              return words;
            }""",
            [script.events, count],
        )
    )


def test_the_slider_shows_the_run_as_it_was_wherever_it_is_dragged(page: Page) -> None:
    script = team(until="end")
    open_view(page, script, over=True)
    now = page.evaluate(SHOWN)
    height = page.locator("[data-swarm-stream]").bounding_box()
    count = look_back(page, script, 0.5)
    assert 0 < count < len(script.events)
    assert page.evaluate(SHOWN) == words_after(page, script, count)
    for part in (0.9, 0.2, 0.7, 0.1):
        seek(page, part)
        moved = "was => document.querySelector('[data-past]').dataset.past != was"
        page.wait_for_function(moved, arg=str(count))
        count = int(page.locator("[data-past]").get_attribute("data-past") or -1)
        assert page.evaluate(SHOWN) == words_after(page, script, count)
    after = page.locator("[data-swarm-stream]").bounding_box()
    assert height is not None
    assert after is not None
    assert after["height"] == pytest.approx(height["height"], abs=30)
    page.get_by_role("button", name="Back to now").click()
    assert page.locator("[data-past]").count() == 0
    assert page.evaluate(SHOWN) == now


def test_the_run_goes_on_while_a_reader_looks_back(page: Page) -> None:
    script = team()
    open_view(page, script)
    look_back(page, script, 0.4)
    before = page.evaluate(SHOWN)
    page.evaluate("view.events([{type: 'delta', seg: 4, text: 'and more of it'}])")
    received = str(len(script.events) + 1)
    expect(page.locator("[data-swarm-stream]")).to_have_attribute("data-received", received)
    assert page.evaluate(SHOWN) == before
    page.get_by_role("button", name="Back to now").click()
    assert "and more" in page.evaluate(SHOWN)


def test_what_goes_on_is_looked_back_at_up_to_now(page: Page) -> None:
    script = waiting()
    open_view(page, script)
    page.wait_for_function("parseFloat(document.querySelector('.swst-clock').innerText) > 2")
    assert look_back(page, script, 0.9) == len(script.events)
    expect(page.locator(".swst-list")).to_contain_text("not answered yet")
    expect(page.locator(".swst-timeline-note")).to_be_hidden()
    # What is looked at does not move though time goes on.
    place = (
        "document.querySelector('.swst-map svg').outerHTML + document.querySelector('input').max"
    )
    before = page.evaluate(place)
    page.wait_for_timeout(1500)
    assert page.evaluate(place) == before
    expect(page.locator(".swst-clock")).to_contain_text(" of ")
    page.get_by_role("button", name="Back to now").click()
    assert page.evaluate(place) != before


def test_jumps_go_from_turn_to_turn_and_to_what_went_wrong(page: Page) -> None:
    script = tool_error().say(0, "Then later.").lanes("guide").say(1, "I know another one.")
    open_view(page, script.end(), over=True)
    page.get_by_role("button", name="Previous turn").click()
    serve_history(page, script)
    page.locator("[data-past]").wait_for()
    shown = page.locator(".swst-list")
    expect(shown).to_contain_text("Then later.")
    expect(shown).not_to_contain_text("another one")
    assert page.locator(".swst-name").all_inner_texts() == ["booker", "guide"]
    page.get_by_role("button", name="Next error").click()
    expect(shown).not_to_contain_text("Then later.")
    assert page.locator(".swst-tool.swst-error").count() == 1
    page.get_by_role("button", name="Previous turn").click()
    expect(page.locator(".swst-tool")).to_have_count(0)


def test_it_plays_to_the_end_and_halts(page: Page) -> None:
    script = team(until="end")
    open_view(page, script, over=True)
    page.get_by_label("Speed").select_option("max")
    page.get_by_role("button", name="Play").click()
    serve_history(page, script)
    count = str(len(script.events))
    expect(page.locator("[data-past]")).to_have_attribute("data-past", count)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert "Completed" in page.evaluate(SHOWN)


def test_nothing_is_asked_for_until_somebody_looks_back(page: Page) -> None:
    script = team(until="end")
    open_view(page, script, over=True)
    asked = "view.sent.map(({op}) => op)"
    assert page.evaluate(asked) == ["subscribe"]
    look_back(page, script, 0.3)
    assert page.evaluate(asked) == ["subscribe", "subscribe"]


def test_a_question_is_not_answered_in_the_past(page: Page) -> None:
    script = waiting().add("input_reply", request="r1", content="yes", by="ann").say(0, "Paid.")
    open_view(page, script.end(), over=True)
    page.get_by_role("button", name="Previous turn").click()
    serve_history(page, script)
    page.locator("[data-past]").wait_for()
    page.get_by_role("button", name="Previous turn").click()
    expect(page.locator(".swst-list")).to_contain_text("not answered yet")
    assert page.locator("textarea").count() == 0


def test_why_the_past_cannot_be_shown_is_said(page: Page) -> None:
    script = team(until="end")
    open_view(page, script, over=True)
    seek(page, 0.5)
    page.wait_for_function("view.sent.filter(({op}) => op == 'subscribe').length == 2")
    page.evaluate("""view.frame({op: 'error', code: 'no_such_stream', stream: 'oslo',
        message: 'the stream was deleted', cause: 'subscribe', fatal: false})""")
    note = page.locator(".swst-timeline-note")
    expect(note).to_have_text("The past cannot be shown: the stream was deleted")
    page.get_by_role("button", name="Back to now").click()
    expect(note).to_be_hidden()


def test_a_long_run_is_drawn_from_its_last_items_and_whole_on_demand(page: Page) -> None:
    script = Script("Talk.").lanes("ann", "bob")
    for turn in range(90):
        script.say(turn % 2, f"turn number {turn}.")
    open_view(page, script.end(), over=True)
    look_back(page, script, 0.98)
    seek(page, 0.9)
    more = page.get_by_role("button", name="Show what came before")
    more.wait_for()
    assert page.locator(".swst-turn").count() == 60
    more.click()
    assert page.locator(".swst-turn").count() > 60
    assert "turn number 0." in page.evaluate(SHOWN)


@pytest.mark.parametrize("lanes", [2, 9], ids=["high rows", "low rows"])
def test_names_are_drawn_with_all_that_is_below_their_line(browser: Any, lanes: int) -> None:
    page = bare_page(browser)
    script = Script("Talk.").lanes("data_analyst", *(f"agent {n}" for n in range(1, lanes)))
    for lane in range(lanes):
        script.say(lane, "Hello.")
    open_view(page, script)
    name = page.locator(".swst-map-names bdi").first
    box = name.bounding_box()
    clip = {**box, "height": box["height"] + 4}
    cut = page.screenshot(clip=clip)
    name.evaluate("el => { el.style.overflow = 'visible'; }")
    assert page.screenshot(clip=clip) == cut
    page.context.close()


def test_a_long_name_is_cut_in_the_timeline(page: Page) -> None:
    script = Script("Talk.").lanes("name_" * 40, "bob").say(0, "Hello.").say(1, "Hello.")
    open_view(page, script)
    name = page.locator(".swst-map-names bdi").first
    assert name.evaluate("el => el.scrollWidth > el.clientWidth && el.clientWidth < 300")
