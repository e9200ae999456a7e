"""What a person's network and server do to a run that goes on: nothing is missing afterwards."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from swarm_stream.logs.sqlite import SQLiteLog
from tests.browser.conftest import START_MS, open_notebooks
from tests.browser.slow_team import (
    SAYS,
    SLOW_TEAM,
    assert_whole,
    grew_after,
    hurry,
    team_outside,
    wait_beyond,
)
from tests.browser.wire import wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import WebSocket

    from tests.browser.conftest import Notebook
    from tests.browser.wire import Wire
    from tests.servers.jupyter import JupyterServer

SILENCE_LIMIT_MS = 25_000


@pytest.fixture
def wire(server: JupyterServer) -> Iterator[Wire]:
    """The network between the browser and the server."""
    with wire_to(server.port) as wire:
        yield wire


@pytest.fixture
def far_notebook(
    browser: Any, server: JupyterServer, wire: Wire
) -> Iterator[Callable[..., Notebook]]:
    """Make notebooks that a browser sees over the wire."""
    with open_notebooks(browser, replace(server, port=wire.port)) as make:
        yield make


def test_a_reload_then_a_network_that_goes_and_comes_back(
    far_notebook: Callable[..., Notebook],
    server: JupyterServer,
    wire: Wire,
    record_property: Callable[[str, object], None],
) -> None:
    page = far_notebook("network", SLOW_TEAM, "run = ss.stream(team(), task='Plan')")
    page.run(0)
    page.run(1)
    page.wait_state("running")
    if server.app == "notebook":
        # As in browsers that have only this; the other application keeps the better way.
        page.page.add_init_script("delete window.WebSocketStream")
    with kernel_connected(page):
        page.reload()
    page.wait_state("running")
    # The cable is pulled: nobody is told, so the socket looks open for good.
    wire.freeze()
    page.page.context.set_offline(True)
    page.page.wait_for_timeout(1000)
    seen = page.counter()[0]
    page.page.context.set_offline(False)
    wait_beyond(page, seen)
    took_ms = grew_after(page, "online")
    record_property("live_after_online_ms", took_ms)
    assert took_ms < SILENCE_LIMIT_MS / 10, "it was the silence that told, not the browser"
    hurry(server)
    page.wait_state("completed")
    assert_whole(page)


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_the_server_is_killed_and_started_again(
    notebook: Callable[..., Notebook], server: JupyterServer
) -> None:
    with team_outside(server, "survivor"):
        page = notebook(
            "killed",
            SLOW_TEAM,
            "run = ss.stream(team(), task='Plan', name='mortal')",
            "ss.attach('survivor')",
        )
        for number in range(3):
            page.run(number)
        mortal, survivor = 0, 1
        wait_beyond(page, 10, mortal)
        wait_beyond(page, 10, survivor)
        server.kill()
        for name in ("mortal", "survivor"):
            expect(page.stream(name)).to_have_attribute("data-connection", "reconnecting")
        server.start()
        # Jupyter's kernels end with their server; a process of its own goes on.
        expect(page.stream("survivor")).to_have_attribute("data-connection", "live")
        hurry(server)
        expect(page.stream("survivor")).to_have_attribute("data-state", "completed")
        expect(page.stream("mortal")).to_have_attribute("data-state", "interrupted")
    assert_whole(page, survivor)
    assert page.counter(mortal)[1:] == (0, 0)
    texts = page.lanes(mortal)
    assert texts
    for name, text in texts.items():
        assert SAYS[name].startswith(text)
    tail = server.get("swarm-stream/api/streams/mortal")["tail"]
    assert page.counter(mortal)[0] == tail
    wait_saved(page, "the kernel has ended")


@pytest.mark.parametrize("server", ["lab"], indirect=True)
def test_the_server_is_stopped_in_order_and_comes_back_without_the_head_of_a_log(
    far_notebook: Callable[..., Notebook], server: JupyterServer, wire: Wire
) -> None:
    kept, trimmed, kept_too = 0, 1, 2
    with team_outside(server, "kept", "trimmed"):
        page = far_notebook("stopped", streams=["kept", "trimmed", "kept"])
        wait_beyond(page, 10, kept)
        wait_beyond(page, 10, trimmed)
        wire.refuse()
        expect(page.stream("trimmed")).to_have_attribute("data-connection", "reconnecting")
        seen = page.counter(trimmed)[0]
        wait_tail(server, "trimmed", seen + 10)
        server.stop()
        head = trim(server, "trimmed")
        server.start()
        wire.heal()
        wait_beyond(page, seen, trimmed)
        gap = page.view(trimmed).locator(".swst-line-gap")
        missing = head - seen
        expect(gap).to_contain_text(f"{missing} events are missing here")
        expect(page.view(trimmed).locator(".swst-counter")).to_contain_text(f"missing {missing}")
        hurry(server)
        for name in ("kept", "trimmed"):
            expect(page.stream(name).last).to_have_attribute("data-state", "completed")
    assert_whole(page, kept)
    assert_whole(page, kept_too)
    tail = server.get("swarm-stream/api/streams/trimmed")["tail"]
    assert page.counter(trimmed) == (tail - missing, missing, 0)
    # What was said before the hole stands above it, what was said after it below.
    before, after = page.view(trimmed).evaluate(
        """root => {
          const pieces = [...root.querySelectorAll('.swst-line-gap, [data-seg]')];
          const gap = pieces.findIndex((piece) => piece.matches('.swst-line-gap'));
          const text = (list) => list.map((piece) => piece.swstSource()).join('');
          return [text(pieces.slice(0, gap)), text(pieces.slice(gap + 1))];
        }"""
    )
    said = "".join(SAYS.values())
    assert before
    assert said.startswith(before)
    assert said.endswith(after)
    assert len(before) + len(after) < len(said)


@contextmanager
def kernel_connected(page: Notebook) -> Iterator[None]:
    """Wait at the end until the page that was loaded meanwhile is connected to its kernel.

    A browser opens one WebSocket to a server at a time (RFC 6455, 4.1). If Jupyter's is the one
    whose answer the network swallows, ours waits behind it until the browser gives it up, which
    Chromium does after four minutes.
    """
    heard: list[object] = []

    def came(socket: WebSocket) -> None:
        if "/channels" in socket.url:
            # No built-in function: Playwright puts an attribute on it.
            socket.on("framereceived", lambda frame: heard.append(frame))  # noqa: PLW0108

    page.page.on("websocket", came)
    yield
    deadline = time.monotonic() + START_MS / 1000
    while not heard:
        assert time.monotonic() < deadline, "Jupyter has not connected to the kernel"
        page.page.wait_for_timeout(50)
    page.page.remove_listener("websocket", came)


def wait_saved(page: Notebook, text: str) -> None:
    """Wait until the notebook file has a text: the page writes it where no kernel can."""
    deadline = time.monotonic() + 30
    while text not in page.path.read_text():
        assert time.monotonic() < deadline, f"not in the file: {text}"
        page.page.wait_for_timeout(100)


def wait_tail(server: JupyterServer, stream: str, beyond: int) -> None:
    """Wait until the server has more of a stream than that."""
    deadline = time.monotonic() + 30
    while server.get(f"swarm-stream/api/streams/{stream}")["tail"] <= beyond:
        assert time.monotonic() < deadline, f"stream {stream} does not grow"
        time.sleep(0.05)


def trim(server: JupyterServer, stream: str) -> int:
    """Let go of all but the last events of a stream, as retention does; gives the new head.

    The server must not run.
    """

    async def work() -> int:
        (path,) = (server.home / "data" / "swarm_stream").glob("*.db")
        log = SQLiteLog(path)
        await log.open()
        try:
            return await log.trim(stream, before=(await log.info(stream)).tail - 3)
        finally:
            await log.aclose()

    # Playwright's loop is this thread's.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work()).result(10)
