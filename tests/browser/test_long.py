"""A long run in its parts: all of it is found, read back and copied as if it were one piece."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.bench.texts import Event, Run, prose, tokens_of
from tests.browser.bare import bare_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CODE = "".join(f"    line_{n:03} = compute({n * n})\n" for n in range(400))
HELPERS = """() => {
window.scroller = () => document.querySelector('.swst-scroll');
window.fromEnd = () => {
  const {scrollHeight, scrollTop, clientHeight} = scroller();
  return scrollHeight - scrollTop - clientHeight;
};
window.say = (text) => { view.events(JSON.parse(text)); return frame().then(frame); };
window.leave = () => {
  const latest = document.querySelector('.swst-latest');
  if (!latest.hidden) latest.click();
};
window.frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve()));
// The text in the middle of what is seen, and where it is.
window.middle = () => {
  const box = scroller().getBoundingClientRect();
  const range = document.caretRangeFromPoint(box.left + 120, box.top + box.height / 2);
  window.held = range;
  return whereItIs();
};
window.whereItIs = () =>
  held.getBoundingClientRect().top - scroller().getBoundingClientRect().top;
}"""


def talk() -> list[Event]:
    rng = random.Random(7)  # noqa: S311 - made up, not secret
    run = Run()
    events = run.begin()
    for n in range(150):
        text = f"Turn {n} says needle{n:03}x.\n\n" + prose(rng) * 3
        events += run.say(n % 4, tokens_of(text))
        events += run.call(n % 4, f"{'pad ' * 60}folded{n:03}x")
    rows = "".join(f"| row{n:03}x | {n} |\n" for n in range(700))
    events += run.say(0, tokens_of(f"| a | b |\n|---|---|\n{rows}\n"))
    events += run.say(1, tokens_of(f"```python\n{CODE}```\n\nThat is all.\n"))
    return events


def open_view(browser: Any, width: int) -> Page:
    page = bare_page(browser, width=width)
    page.evaluate(HELPERS)
    page.evaluate("() => { window.view = swst.open('long'); view.connect(); }")
    return page


@pytest.fixture(params=[900])
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Page]:
    """A page with a view of which nothing is known yet."""
    page = open_view(browser, request.param)
    yield page
    page.context.close()


def say(page: Page, events: list[Event]) -> None:
    """Have events come, and wait for the second frame after."""
    page.evaluate(
        "text => say(text)", json.dumps(events)
    )  # Playwright's own way takes half a minute


@pytest.fixture(scope="module")
def caught_up(browser: Any) -> Iterator[Page]:
    page = open_view(browser, 900)
    events = talk()
    say(page, events)
    page.wait_for_function(f"document.querySelector('[data-received=\"{len(events)}\"]')")
    yield page
    page.context.close()


@pytest.fixture
def long(caught_up: Page) -> Page:
    """A page whose view has caught up with a long run, most of which was never laid out."""
    caught_up.evaluate("() => { getSelection().removeAllRanges(); leave(); }")
    caught_up.wait_for_function("fromEnd() < 2")
    return caught_up


def test_most_is_in_parts_that_are_not_laid_out(long: Page) -> None:
    parts = "[...document.querySelectorAll('.swst-part')]"
    seen = f"{parts}.filter((part) => part.checkVisibility({{contentVisibilityAuto: true}}))"
    skipped = (
        f"{parts}.filter((p) => p.firstElementChild?.checkVisibility"
        "({contentVisibilityAuto: true}) === false)"
    )
    assert long.evaluate(f"{seen}.length") > 0
    assert long.evaluate(f"{skipped}.length") > 3


@pytest.mark.parametrize("word", ["needle003x", "needle100x", "row350x", "line_200"])
def test_the_browsers_search_finds_what_was_never_seen(long: Page, word: str) -> None:
    assert long.evaluate(f"find('{word}')")
    assert long.evaluate("getSelection().toString()") == word
    # Scrolling there ends there, though what is around it gets its height only now.
    at = """async () => {
      getSelection().anchorNode.parentElement.scrollIntoView({block: 'center'});
      for (let n = 0; n < 5; n += 1) await frame();
      const box = scroller().getBoundingClientRect();
      const found = getSelection().getRangeAt(0).getBoundingClientRect();
      return (found.top - box.top) / box.height;
    }"""
    assert 0 < long.evaluate(at) < 1


def test_what_is_folded_is_searched_too_and_opens_where_something_is_found(long: Page) -> None:
    # `find` selects, but only a person's search opens; so does going to an address in the page.
    assert long.evaluate("find('folded020x')")
    folded = long.locator(".swst-tool", has_text="folded020x")
    line = folded.get_by_role("button")
    assert line.get_attribute("aria-expanded") == "false"
    folded.locator("pre").last.evaluate("el => { el.id = 'here'; location.hash = '#here'; }")
    expect(line).to_have_attribute("aria-expanded", "true")
    expect(folded.locator("pre").last).to_be_in_viewport()
    line.click()
    expect(folded.locator("pre").last).to_be_hidden()


def test_reading_back_does_not_jump(long: Page) -> None:
    long.evaluate("find('needle100x')")
    long.evaluate("getSelection().anchorNode.parentElement.scrollIntoView({block: 'center'})")
    long.wait_for_function("fromEnd() > 1000")
    over(long)
    for _ in range(16):
        place = long.evaluate("middle()")
        long.mouse.wheel(0, -400)
        long.wait_for_function(f"whereItIs() > {place + 399}")
        # The next frames bring what comes into sight to its height.
        long.evaluate("frame().then(frame)")
        assert long.evaluate("whereItIs()") == pytest.approx(place + 400, abs=2)


def over(page: Page) -> None:
    """Put the mouse over the transcript."""
    box = page.locator(".swst-scroll").bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 100)


@pytest.mark.parametrize("page", [420], indirect=True)  # lanes that talk at once are stacked
def test_a_reader_stays_where_they_are_whatever_grows(page: Page) -> None:
    run = Run()
    one, opened = run.open(0)
    events = [*run.begin(), opened]
    events += [run.delta(one, f"first {n}\n\n") for n in range(5)]
    for n in range(40):
        events += run.say(1 + n % 2, [f"What lane {1 + n % 2} says in turn {n}.\n\n"] * 3)
    say(page, events)
    page.wait_for_function("fromEnd() < 2 && scroller().scrollTop > 500")
    over(page)
    page.mouse.wheel(0, -20)  # the least that a wheel can do
    page.wait_for_function("fromEnd() > 19")
    page.locator(".swst-latest").wait_for(state="hidden")
    top = page.evaluate("middle()")
    for n in range(30):
        # Above what is seen, and below it.
        more = [run.delta(one, f"and more {n}\n\n" * 3), *run.say(3, [f"Later {n}.\n\n"] * 3)]
        say(page, more)
    page.locator(".swst-latest").wait_for()
    assert page.evaluate("whereItIs()") == pytest.approx(top, abs=1)
    grown = page.evaluate("document.querySelector('[data-lane=\"0\"]').offsetHeight")
    assert grown > 1000  # all of it above what is seen
    page.locator(".swst-latest").click()
    page.wait_for_function("fromEnd() < 2")


def test_a_selection_outlives_what_is_said_after_it(page: Page) -> None:
    run = Run()
    seg, opened = run.open(0)
    words = [run.delta(seg, f"Sentence {n} of many. ") for n in range(3000)]
    say(page, [*run.begin(), opened, *words[:1000]])
    page.wait_for_function("fromEnd() < 2")
    # From the first sentence to one that is several parts further on.
    selected = page.evaluate(
        """() => {
          find('Sentence 700 of');
          const {focusNode, focusOffset} = getSelection();
          const first = document.querySelector('[data-seg] p').firstChild;
          getSelection().setBaseAndExtent(first, 0, focusNode, focusOffset);
          return getSelection().toString();
        }"""
    )
    assert selected.count("Sentence") == 701
    for n in range(1000, 3000, 100):
        say(page, words[n : n + 100])
    page.wait_for_function("fromEnd() < 2")
    assert page.evaluate("getSelection().toString()") == selected


def test_code_is_copied_as_it_was_written(long: Page) -> None:
    code = long.locator("pre code")
    assert code.locator(".swst-part").count() > 1
    assert code.evaluate("code => code.textContent") == CODE.rstrip("\n")
    selected = code.evaluate(
        "code => { getSelection().selectAllChildren(code); return getSelection().toString(); }"
    )
    assert selected.rstrip("\n") == CODE.rstrip("\n")


def test_a_long_table_of_a_run_that_is_caught_up_with_keeps_its_columns(browser: Any) -> None:
    page = bare_page(browser, width=900)
    page.evaluate(HELPERS)
    run = Run()
    events = run.begin()
    for number in range(150):
        events += run.say(number % 4, [f"Turn {number}."])
    rows = "".join(f"| {'wide ' * (number % 7)}row{number} | {number} |\n" for number in range(700))
    events += run.say(0, tokens_of(f"| what | number |\n|---|---|\n{rows}\n"))
    events += run.say(1, ["That is all."])
    page.evaluate("tail => { window.view = swst.open('long'); view.connect(tail); }", len(events))
    # The first frames show the first page; what begins after them waits for the rest.
    for first, last in ((0, 200), (200, 400), (400, len(events) - 3), (len(events) - 3, None)):
        say(page, events[first:last])
    expect(page.locator("[data-swarm-stream]")).to_have_attribute("data-received", str(len(events)))
    widths = page.evaluate("""() => [...document.querySelectorAll('.swst-md table')].map((table) =>
      [...table.querySelector('tr').children].map((cell) => cell.getBoundingClientRect().width))""")
    assert len(widths) > 3
    for first, second in widths:
        assert (first, second) == pytest.approx(widths[0], abs=1)
    page.context.close()
