"""A browser as a person has it: tabs hide one another, and its processes can be stopped.

Playwright's own contexts are always "visible", because it emulates focus, and its flags keep
hidden tabs at full speed. Here neither is so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, BrowserType, CDPSession, Page

__all__ = ["RealBrowser", "real_browser"]

START_S = 30.0


class RealBrowser:
    """A running browser with one window.

    Attributes:
        context: Its profile; its pages are tabs of the window.

    """

    def __init__(self, process: subprocess.Popen[bytes], context: BrowserContext) -> None:
        self.process = process
        self.context = context

    def new_context(self, **_settings: Any) -> BrowserContext:
        """Give the only profile, as if it were new: for ``open_notebooks``."""
        return self.context

    @contextmanager
    def asleep(self, only: str = "") -> Iterator[None]:
        """Stop its processes, or those of one type (``renderer``), and let them go on after.

        Nothing may be asked of its pages meanwhile.
        """
        main = psutil.Process(self.process.pid)
        processes = [main, *main.children(recursive=True)]
        stopped = [one for one in processes if not only or f"--type={only}" in one.cmdline()]
        assert stopped
        for one in stopped:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in reversed(stopped):
                one.send_signal(signal.SIGCONT)

    @contextmanager
    def other_tab(self, page: Page) -> Iterator[Page]:
        """Open a tab in front of a page, and come back to it after."""
        other = self.context.new_page()
        other.bring_to_front()
        page.wait_for_function("document.hidden", polling=50)
        yield other
        other.close()
        page.bring_to_front()
        page.wait_for_function("!document.hidden", polling=50)

    @contextmanager
    def frozen(self, page: Page) -> Iterator[None]:
        """Freeze a page that is hidden, as browsers do to save power."""
        session: CDPSession = self.context.new_cdp_session(page)
        session.send("Page.setWebLifecycleState", {"state": "frozen"})
        yield
        session.send("Page.setWebLifecycleState", {"state": "active"})
        session.detach()


@contextmanager
def real_browser(
    kind: BrowserType, chromium: str, flags: list[str], profile: Path
) -> Iterator[RealBrowser]:
    """Start a browser with a profile of its own."""
    told = profile / "DevToolsActivePort"
    command = [chromium, *flags, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(
        [*command, "about:blank"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    ) as process:
        try:
            deadline = time.monotonic() + START_S
            # The port, and in the next line the path; both or nothing is there in the end.
            while not told.exists() or len(lines := told.read_text().split("\n")) < 2:
                assert process.poll() is None, "the browser ended at once"
                assert time.monotonic() < deadline, "the browser did not start"
                time.sleep(0.05)
            browser = kind.connect_over_cdp(f"http://127.0.0.1:{lines[0]}", no_defaults=True)
            yield RealBrowser(process, browser.contexts[0])
            browser.close()
        finally:
            process.terminate()
            process.wait(10)
