"""A view among other widgets: it takes the width that there is, and leaves them theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.bare import bare_page
from tests.browser.states import team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

# What ipywidgets 8 says of its boxes, as far as it matters here.
IPYWIDGETS = """
.jupyter-widgets { margin: 2px; box-sizing: border-box; }
.widget-box { box-sizing: border-box; display: flex; margin: 0; overflow: auto; }
.widget-gridbox { box-sizing: border-box; display: grid; margin: 0; overflow: auto; }
.widget-hbox { flex-direction: row; }
.widget-vbox { flex-direction: column; }
.widget-button { width: 148px; height: 28px; padding: 0 10px; border: 0; }
.widget-tab-contents { padding: 15px; border: 1px solid; overflow: auto; }
"""
PUT = """async ([style, classes, made, events]) => {
  document.head.append(Object.assign(document.createElement('style'), {textContent: style}));
  const box = document.body.appendChild(document.createElement('div'));
  box.className = classes;
  for (const [index, {tag, css}] of made.entries()) {
    const child = box.appendChild(document.createElement(tag === 'button' ? 'button' : 'div'));
    child.className = 'jupyter-widgets' + (tag === 'button' ? ' widget-button' : '');
    child.style.cssText = css ?? '';
    if (tag === 'button') child.textContent = 'go';
    else {
      const view = swst.open(`run-${index}`, child);
      view.connect();
      await view.events(events);
    }
  }
}"""
VIEW = {"tag": "view"}
BUTTON = {"tag": "button"}


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    opened = bare_page(browser, width=932)  # with the page's margins, 900 are left
    yield opened
    opened.context.close()


def put(page: Page, classes: str, *made: dict[str, str]) -> list[tuple[float, float]]:
    """Put views and buttons into a box; gives the width and height of each."""
    page.evaluate(PUT, [IPYWIDGETS, classes, list(made), team().events])
    drawn = "!document.querySelector('[data-received=\"0\"]')"
    page.wait_for_function(drawn)
    boxes = [child.bounding_box() for child in page.locator("body > div > *").all()]
    fits = "() => document.querySelector('body > div').scrollWidth <= 900"
    assert page.evaluate(fits)
    return [(box["width"], box["height"]) for box in boxes if box is not None]


@pytest.mark.parametrize("row", ["widget-box widget-hbox", "widget-box"])
def test_in_a_row_views_share_the_width(page: Page, row: str) -> None:
    views = put(page, f"jupyter-widgets {row}", VIEW, VIEW)
    for width, height in views:
        assert width == pytest.approx(446, abs=1)
        assert height < 800


def test_a_button_in_a_row_keeps_its_size(page: Page) -> None:
    view, button = put(page, "jupyter-widgets widget-box widget-hbox", VIEW, BUTTON)
    assert button[0] == pytest.approx(148, abs=0.5)
    assert view[0] == pytest.approx(900 - 148 - 8, abs=1)


def test_a_width_that_is_asked_for_is_taken(page: Page) -> None:
    wide, other = put(
        page, "widget-box widget-hbox", {**VIEW, "css": "width: 300px; flex: none"}, VIEW
    )
    assert wide[0] == pytest.approx(300, abs=1)
    assert other[0] == pytest.approx(900 - 300 - 8, abs=1)


@pytest.mark.parametrize("around", ["widget-box widget-vbox", "widget-gridbox", "widget-output"])
def test_below_each_other_views_have_all_of_it(page: Page, around: str) -> None:
    view, button = put(page, around, VIEW, BUTTON)
    assert view[0] == pytest.approx(896, abs=1)
    assert view[1] < 800
    assert button[0] == pytest.approx(148, abs=0.5)
    # Nothing is laid out as wide as the page and the margins besides.
    assert page.locator("body > div").evaluate("box => box.scrollWidth - box.clientWidth") <= 0
