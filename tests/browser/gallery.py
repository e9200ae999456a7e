"""Pictures of every state of the view, to be looked at: ``python -m tests.browser.gallery FOLDER``.

In light and dark, at 480, 900 and 1600 px, without a server. ``--only NAME`` makes those of one
state.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.bare import bare_page
from tests.browser.flags import FLAGS
from tests.browser.states import STATES

WIDTHS = (480, 900, 1600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=list(STATES))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name in given.only or STATES:
            for dark in (False, True):
                for width in WIDTHS:
                    page = bare_page(browser, width=width, height=720, dark=dark)
                    STATES[name](page)
                    page.wait_for_timeout(1200)  # the map is drawn once a second
                    scheme = "dark" if dark else "light"
                    page.screenshot(path=given.folder / f"{name}-{scheme}-{width}.png")
                    page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
