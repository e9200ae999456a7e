"""Every state of the view, in light and dark, wide and narrow, for those who cannot see it well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.bare import FRONTEND, bare_page
from tests.browser.states import STATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

AXE = """async () => {
  // Of a whole page, which the bare one is not.
  const rules = Object.fromEntries(
    ['region', 'landmark-one-main', 'page-has-heading-one'].map((id) => [id, {enabled: false}]));
  const {violations} = await axe.run(document, {rules});
  return violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, nodes}) => `${id}: ${nodes.map(({html, failureSummary}) =>
      `${html.slice(0, 200)} ${failureSummary}`).join(' | ')}`);
}"""
OVERFLOWING = """() => {
  const root = document.querySelector('.swst-root');
  const inside = root.getBoundingClientRect();
  const wide = [...root.querySelectorAll('.swst-head, .swst-timeline, .swst-scroll, .swst-turn')]
    .filter((el) => el.getBoundingClientRect().right > inside.right + 1)
    .map((el) => el.className);
  return wide.concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    return (FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(params=[(False, 900), (True, 480)], ids=["light-900", "dark-480"], scope="module")
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Page]:
    dark, width = request.param
    opened = bare_page(browser, width=width, dark=dark)
    yield opened
    opened.context.close()


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_accessible_and_fits(page: Page, axe: str, state: str) -> None:
    page.evaluate("() => { window.view?.view.dispose(); document.body.replaceChildren(); }")
    STATES[state](page)
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    assert page.evaluate(OVERFLOWING) == []
