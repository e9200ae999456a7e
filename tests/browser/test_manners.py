"""How the view behaves towards who reads it: scrolling, the page around it, keys, announcements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.bare import bare_page
from tests.browser.states import Script, open_view, team, tool_error, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

SCROLL = "document.querySelector('.swst-scroll')"
AT_END = f"{SCROLL}.scrollHeight - {SCROLL}.scrollTop - {SCROLL}.clientHeight < 2"


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    opened = bare_page(browser)
    yield opened
    opened.context.close()


def long_run(turns: int = 40) -> Script:
    script = Script("Talk.").lanes("ann", "bob")
    for turn in range(turns):
        script.say(turn % 2, f"This is turn number{turn}, and it is as long as a line or two. " * 3)
    return script


def say_more(page: Page, text: str, seg: int = 900) -> None:
    """Have another turn come, and wait until it was drawn."""
    page.evaluate(
        """async ([text, seg]) => {
          const root = document.querySelector('.swst-root');
          const count = Number(root.dataset.received);
          const more = [{type: 'open', seg, lane: 0}, {type: 'delta', seg, text}];
          await view.events([...more, {type: 'close', seg}]);
          while (Number(root.dataset.received) < count + 3)
            await new Promise(requestAnimationFrame);
        }""",
        [text, seg],
    )


def test_it_follows_the_end_until_the_reader_scrolls_up_and_again_when_asked(page: Page) -> None:
    open_view(page, long_run())
    latest = page.get_by_role("button", name="Latest")
    assert page.evaluate(AT_END)
    expect(latest).to_be_hidden()
    say_more(page, "one more")
    assert page.evaluate(AT_END)
    page.locator(".swst-scroll").hover()
    page.mouse.wheel(0, -700)
    page.wait_for_function(f"!({AT_END})")
    first = page.evaluate(
        "() => { const at = document.elementFromPoint(300, 400).closest('.swst-md');"
        " window.seen = at; return at.getBoundingClientRect().top; }"
    )
    say_more(page, "and another, of which the reader sees nothing yet. " * 40, seg=901)
    assert page.evaluate("seen.getBoundingClientRect().top") == pytest.approx(first, abs=1)
    latest.click()
    page.wait_for_function(AT_END)
    expect(latest).to_be_hidden()
    say_more(page, "the last one", seg=902)
    assert page.evaluate(AT_END)


def test_the_page_around_never_moves(page: Page) -> None:
    page.evaluate("document.body.innerHTML = '<div style=height:600px>above</div>'")
    open_view(page, long_run())
    page.evaluate("document.body.append(Object.assign(document.createElement('p'), {id: 'below'}))")
    page.evaluate("document.body.style.paddingBottom = '2000px'")
    page.evaluate("scrollTo(0, 200)")
    below = "document.querySelector('#below').getBoundingClientRect().top"
    before = page.evaluate(f"[scrollY, {below}]")
    for number in range(5):
        say_more(page, "more and more " * 60, seg=910 + number)
    page.evaluate("view.events([{type: 'control', id: 'c', action: 'pause', by: 'ann'}])")
    say_more(page, "again", seg=920)
    assert page.evaluate(f"[scrollY, {below}]") == before


def test_the_browsers_search_finds_what_is_not_on_the_screen(page: Page) -> None:
    open_view(page, long_run(200))
    for number in (0, 17, 120, 199):
        page.evaluate("getSelection().removeAllRanges()")
        assert page.evaluate(f"find('number{number},', false, false, true)")
        found = "getSelection().anchorNode.textContent.includes"
        assert page.evaluate(f"{found}('number{number},')")


def test_its_height_is_capped_until_the_reader_drags_the_handle(page: Page) -> None:
    open_view(page, long_run())
    scroll = page.locator(".swst-scroll")
    box = scroll.bounding_box()
    assert box is not None
    assert box["height"] <= 480
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] + 150, steps=4)
    page.mouse.up()
    larger = scroll.bounding_box()
    assert larger is not None
    assert larger["height"] > box["height"] + 100


def test_one_polite_region_tells_what_happens_and_not_the_growing_text(page: Page) -> None:
    live = "[aria-live], [role=status], [role=alert], [role=log]"
    heard = page.evaluate_handle("[]")
    open_view(page, Script("Ask me.").lanes("ann"))
    assert page.locator(live).count() == 1
    page.evaluate(
        """([selector, heard]) => new MutationObserver(() =>
             heard.push(document.querySelector(selector).textContent))
           .observe(document.querySelector(selector), {childList: true, characterData: true,
                                                       subtree: true})""",
        [live, heard],
    )
    expect(page.locator(".swst-scroll")).to_have_attribute("aria-busy", "true")
    say_more(page, "A secret the region must not read out.")
    page.evaluate("view.events([{type: 'input_request', request: 'r', lane: 0, prompt: 'Go on?'}])")
    expect(page.locator("textarea")).to_be_visible()
    page.evaluate("view.events([{type: 'end', outcome: 'failed', error: {type: 'E'}}])")
    expect(page.locator("[data-swarm-stream]")).to_have_attribute("data-state", "failed")
    assert page.locator(".swst-scroll").get_attribute("aria-busy") == "false"
    told = heard.json_value()
    assert "ann asks: Go on?" in told
    assert "The run has failed." in told
    assert not any("secret" in text for text in told)


def test_what_a_control_could_not_do_is_announced(page: Page) -> None:
    open_view(page, team())
    page.get_by_role("button", name="Pause").click()
    page.evaluate("""() => {
      const {id} = view.sent.findLast(({op}) => op === 'control');
      view.frame({op: 'controlled', stream: 'oslo', id, ok: false, message: 'it is busy'});
    }""")
    expect(page.locator("[aria-live]")).to_have_text("Could not pause: it is busy")


def test_an_empty_answer_is_sent_when_it_is_meant(page: Page) -> None:
    open_view(page, waiting())
    sent = "view.sent.filter(({op}) => op === 'control').map(({data}) => data.text)"
    page.get_by_role("button", name="Send").dblclick()
    meant = page.get_by_role("button", name="Send an empty answer")
    expect(meant).to_be_focused()
    assert page.evaluate(sent) == []
    page.wait_for_timeout(800)  # or the browser takes it for a third click
    meant.click()
    assert page.evaluate(sent) == [""]


def test_every_control_is_reached_and_worked_by_keys(page: Page) -> None:
    open_view(page, waiting())
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(() => { const el = document.activeElement; return el === document.body ? '' :"
            " el.getAttribute('aria-label') || el.textContent.trim(); })()"
        )
        if name == "" or name in reached:
            break
        reached.append(name)
    wanted = [
        "Pause", "Stop", "Cancel", "Timeline", "Time in the run", "Play", "Speed", "Previous turn",
        "Next turn", "Transcript", "Your answer", "Send",
    ]  # fmt: skip
    assert [name for name in reached if name in wanted] == wanted
    page.get_by_text("Timeline", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Time in the run")).to_be_hidden()


def test_a_tools_call_opens_by_keys(page: Page) -> None:
    open_view(page, tool_error())
    call = page.locator(".swst-tool .swst-fold").first
    expect(call).to_have_attribute("aria-expanded", "false")
    call.focus()
    page.keyboard.press("Enter")
    expect(call).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".swst-tool-body").first).to_be_visible()
    expect(page.locator(".swst-tool-body").first).to_contain_text("TimeoutError")


def test_nothing_moves_for_those_who_want_that(browser: Any) -> None:
    page = bare_page(browser, reduced_motion="reduce")
    open_view(page, team())
    assert page.evaluate("document.getAnimations().length") == 0
    page.context.close()
    page = bare_page(browser)
    open_view(page, team())
    assert page.evaluate("document.getAnimations().length") > 0
    page.context.close()
