"""Jupyter applications in a real browser: servers, pages, and words for what a person does."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.flags import FLAGS
from tests.servers.jupyter import TOKEN, JupyterServer, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# A workspace of its own for each, or JupyterLab opens what the last test had open.
APPS = {"lab": "lab/workspaces/{name}/tree", "notebook": "notebooks"}
START_MS = 60_000
expect.set_options(timeout=20_000)  # the machine may be busy
OWN = "application/vnd.swarm-stream.v1+json"
# What a view said of its connection and how much it had, and when, in ms of the page's clock.
MOMENTS = """
window.moments = [];
for (const type of ['online', 'offline', 'freeze', 'resume', 'visibilitychange'])
  addEventListener(type, () => moments.push({at: performance.now(), what: type}), true);
new MutationObserver((changes) => {
  for (const {target} of changes) {
    if (!target.matches('[data-swarm-stream]')) continue;
    const {swarmStream: stream, connection: what, state, received} = target.dataset;
    moments.push({at: performance.now(), what, stream, state, received: Number(received)});
  }
}).observe(document, {subtree: true, attributeFilter: ['data-connection', 'data-received']});
"""


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Make no loop: Playwright's runs in this thread, and pytest-jupyter's would collide."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Clean up no server: those of these tests are processes of their own."""


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Look for nothing: proxies and browsers of these tests live as long as their modules."""


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=list(APPS))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JupyterServer]:
    home = tmp_path_factory.mktemp(request.param)
    with jupyter_server(home, app=request.param) as running:
        yield running


class Notebook:
    """A notebook, open in a page."""

    def __init__(self, page: Page, server: JupyterServer, path: Path) -> None:
        self.page = page
        self.server = server
        self.path = path
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(MOMENTS)

    def open(self) -> None:
        place = APPS[self.server.app].format(name=self.path.stem)
        base = f"{self.server.url}{place}/{self.path.name}"
        self.page.goto(f"{base}?token={TOKEN}", timeout=START_MS)
        self.wait_ready()

    def reload(self) -> None:
        self.page.reload(timeout=START_MS)
        self.wait_ready()

    def wait_ready(self) -> None:
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=START_MS)

    def wait_kernel(self) -> None:
        """Wait until this notebook's kernel is idle and the page is connected to it.

        The server is asked: what the page shows says "idle" before there is a kernel.
        """
        deadline = time.monotonic() + START_MS / 1000
        while time.monotonic() < deadline:
            for session in self.server.get("api/sessions"):
                kernel = session["kernel"]
                if (
                    session["path"] == self.path.name
                    and kernel["connections"]
                    and kernel["execution_state"] == "idle"
                ):
                    return
            self.page.wait_for_timeout(100)
        raise AssertionError("the kernel did not start")

    def run(self, number: int) -> None:
        """Run a cell, and wait until it was sent to the kernel."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        prompt = cell.locator(".jp-InputPrompt").first
        for _ in range(20):
            # A key that is pressed before the kernel is connected is lost.
            self.accept_dialog()
            try:
                cell.locator(".cm-content").first.click(timeout=3000)
            except PlaywrightTimeout:
                continue  # a dialog of Jupyter's has come before it
            self.page.keyboard.press("Shift+Enter")
            try:
                expect(prompt).not_to_have_text("[ ]:", timeout=1000)
            except AssertionError:
                continue
            return
        raise AssertionError(f"cell {number} was not run")

    def accept_dialog(self) -> None:
        """Answer what Jupyter asks or tells: for a kernel, where a key was pressed too early."""
        dialog = self.page.locator(".jp-Dialog button.jp-mod-accept")
        if dialog.count():
            dialog.first.click()

    def view(self, number: int = 0) -> Any:
        return self.page.locator("[data-swarm-stream]").nth(number)

    def stream(self, name: str) -> Any:
        """The view of a stream."""
        return self.page.locator(f'[data-swarm-stream="{name}"]')

    def wait_state(self, *states: str, number: int = 0, timeout_ms: float = 60_000) -> None:
        wanted = ", ".join(f'[data-swarm-stream][data-state="{state}"]' for state in states)
        self.page.locator(wanted).nth(number).wait_for(timeout=timeout_ms)

    def note(self, what: str) -> None:
        """Add a moment of the test's own to those of the page."""
        self.page.evaluate("what => moments.push({at: performance.now(), what})", what)

    def moments(self) -> list[dict[str, Any]]:
        """Give what its views said since the page was loaded, and when."""
        return list(self.page.evaluate("window.moments"))

    def lanes(self, number: int = 0) -> dict[str, str]:
        """Give the text of each lane as the page holds it, and check what it shows."""
        return dict(
            self.view(number).evaluate(
                """root => {
                  const lanes = {};
                  for (const el of root.querySelectorAll('[data-seg][data-channel="text"]')) {
                    const lane = el.dataset.laneName;
                    lanes[lane] = (lanes[lane] ?? '') + el.swstSource();
                  }
                  return lanes;
                }"""
            )
        )

    def counter(self, number: int = 0) -> tuple[int, int, int]:
        view = self.view(number)
        received, missing, doubled = (
            int(view.get_attribute(f"data-{name}")) for name in ("received", "missing", "doubled")
        )
        return received, missing, doubled

    def saved(self) -> Any:
        """Give the file as it was saved last. Jupyter empties it before it writes."""
        for _ in range(100):
            text = self.path.read_text()
            if text.rstrip().endswith("}"):
                return json.loads(text)
            self.page.wait_for_timeout(20)
        raise AssertionError("the notebook's file stays unfinished")


@pytest.fixture
def notebook(browser: Any, server: JupyterServer) -> Iterator[Callable[..., Notebook]]:
    """Make notebooks of given cells and open them."""
    with open_notebooks(browser, server) as make:
        yield make


@pytest.fixture
def without_front_end(server: JupyterServer) -> Iterator[None]:
    """Disable the front-end extension, for pages that are opened now."""
    config = server.home / "config" / "labconfig" / "page_config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"disabledExtensions": {"swarm_stream": True}}))
    yield
    config.unlink()


def write_notebook(
    server: JupyterServer, name: str, cells: Sequence[str], streams: Sequence[str] = ()
) -> Path:
    """Write a notebook of cells to run, and of cells that show streams as they were left."""
    path = server.home / "root" / f"{name}.ipynb"
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    ours = server.get("swarm-stream/info")["server"] if streams else ""
    for stream in streams:
        data = {OWN: {"stream": stream, "server": ours, "title": stream}, "text/plain": stream}
        shown = nbformat.v4.new_output("display_data", data)
        made.cells.append(nbformat.v4.new_code_cell(f"ss.attach({stream!r})", outputs=[shown]))
    nbformat.write(made, path)
    return path


@contextmanager
def open_notebooks(browser: Any, server: JupyterServer) -> Iterator[Callable[..., Notebook]]:
    contexts = []

    def make(
        name: str,
        *cells: str,
        streams: Sequence[str] = (),
        width: int = 1200,
        dark: bool = False,
    ) -> Notebook:
        path = write_notebook(server, name, cells, streams)
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=scheme
        )
        contexts.append(context)
        opened = Notebook(context.new_page(), server, path)
        opened.open()
        if cells:
            opened.wait_kernel()
        return opened

    yield make
    for context in contexts:
        context.close()
