"""A bare page in which nothing may run, load, open or move, and which tells what did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.browser.bare import ORIGIN, bare_page, harness

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

__all__ = ["Net"]

POLICY_HEADER: Final = "content-security-policy-report-only"
# Only reported: what may not run must run for ``pwned`` to tell. Our styles are inline, and
# pictures are data.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: http://views.test/favicon.ico; "
    "form-action 'none'; base-uri 'none'"
)
# What payloads call, and what they could do without calling it. The canary tells that what a
# failed picture does has been done: pictures fail in the order in which they were made.
TRAPS: Final = """
(() => {
  window.caught = [];
  const trap = (what) => (...args) => { caught.push(`${what} ${args.join(' ')}`); };
  for (const name of ['pwned', 'alert', 'confirm', 'prompt', 'print', 'open'])
    window[name] = trap(name);
  addEventListener('securitypolicyviolation', (event) => {
    if (!event.blockedURI.includes('canary'))
      trap('policy')(event.effectiveDirective, event.blockedURI, event.sample);
  }, true);
  window.settled = () => new Promise((resolve) => {
    const canary = new Image();
    canary.onerror = () => setTimeout(resolve);
    canary.src = 'https://canary.test/';
  });
})()
"""


class Net:
    """A page, and all that happened in it that should not have."""

    def __init__(self, browser: Any) -> None:
        self.page: Page = bare_page(browser, headers={POLICY_HEADER: POLICY})
        self._caught: list[str] = []
        page = self.page
        page.context.route("**/*", self._asked)
        page.on("dialog", lambda dialog: (self._note("dialog", dialog.message), dialog.dismiss()))
        page.on("popup", lambda popup: self._note("popup", popup.url))
        page.on("framenavigated", lambda frame: self._note("navigation", frame.url))
        page.on("frameattached", lambda frame: self._note("frame", frame.url))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        page.on("websocket", lambda socket: self._note("socket", socket.url))
        page.on("worker", lambda worker: self._note("worker", worker.url))
        page.evaluate(TRAPS)
        page.add_init_script(TRAPS)

    def _asked(self, route: Route) -> None:
        if "canary.test" not in route.request.url:
            self._note("request", route.request.url)
        route.fulfill(status=204)  # a page stays where it is, and pictures fail

    def _note(self, what: str, more: str) -> None:
        self._caught.append(f"{what} {more[:200]}")

    def caught(self) -> list[str]:
        """Wait until what was begun has happened; gives what was caught since the last time."""
        self.page.evaluate("settled()")
        inside = self.page.evaluate("caught.splice(0)")
        caught, self._caught = [*self._caught, *inside], []
        return caught

    def show(self, html: str) -> None:
        """Let the browser read a document that holds ``html``, with scripts on."""
        address = f"{ORIGIN}/document"
        headers = {"content-type": "text/html; charset=utf-8", POLICY_HEADER: POLICY}
        body = f"<!doctype html><html lang=en><title>kept</title><body>{html}</body></html>"
        self.page.route(address, lambda route: route.fulfill(body=body, headers=headers))
        self.page.goto(address)
        self._caught.remove(f"navigation {address}")
        self.page.evaluate(harness())
