"""A page that is reloaded in the middle of a run is live again, whatever its kernel is doing.

Nobody saves the notebooks but the view itself, where it is not said otherwise.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.slow_team import SAYS, SLOW_TEAM, assert_whole, hurry, wait_beyond

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Notebook
    from tests.servers.jupyter import JupyterServer

# Each cell tells when it is over; what Jupyter says of its kernel is not always so.
AWAITED = """\
run = ss.stream(team(), task="Plan", name="awaited")
result = await run
pathlib.Path("awaited over").touch()
"""
# A run shares its kernel with a blocking cell only in a thread of its own.
BLOCKED = """\
import threading
async def main():
    await ss.stream(team(), task="Plan", name="blocked")

thread = threading.Thread(target=lambda: asyncio.run(main()))
thread.start()
while thread.is_alive():
    {block}
pathlib.Path("blocked over").touch()
"""
BLOCKS = {"lab": "pass", "notebook": "import time; time.sleep(1)"}
LATER = "later = ss.stream(team(), task='Plan', name='later')"


def is_over(page: Notebook) -> bool:
    return (page.path.parent / f"{page.path.stem} over").exists()


def wait_over(page: Notebook) -> None:
    """Wait until the cell is over."""
    for _ in range(200):
        if is_over(page):
            return
        page.page.wait_for_timeout(50)
    raise AssertionError(f"the cell of {page.path.stem!r} goes on")


def is_live_again(page: Notebook, record: Callable[[str, object], None], number: int = 0) -> None:
    """Reload, and see that the view of a run goes on where it was."""
    had = page.counter(number)[0]
    page.reload()
    expect(page.view(number)).to_have_attribute("data-connection", "live")
    wait_beyond(page, had, number)
    (at, *_) = [moment["at"] for moment in page.moments() if moment.get("received")]
    record(f"{page.path.stem}_live_again_ms", at)


def test_busy_kernels_and_then_a_dead_one(
    notebook: Callable[..., Notebook],
    server: JupyterServer,
    record_property: Callable[[str, object], None],
) -> None:
    awaited = notebook("awaited", SLOW_TEAM, AWAITED, LATER)
    blocked = notebook("blocked", SLOW_TEAM, BLOCKED.format(block=BLOCKS[server.app]))
    for page in (awaited, blocked):
        page.run(0)
        page.run(1)
        wait_beyond(page, 5)
    for page in (awaited, blocked):
        is_live_again(page, record_property)
        assert not is_over(page)
    # Now the file has what the person saved, not what the view did.
    awaited.page.keyboard.press("Control+s")
    is_live_again(awaited, record_property)
    hurry(server)
    for page in (awaited, blocked):
        page.wait_state("completed")
        assert_whole(page)
        wait_over(page)
    assert awaited.view().locator(".swst-md strong").count() >= 4
    assert awaited.view().locator("pre code").first.inner_text().strip() == "print('see you')"

    page, later = awaited, 1
    page.wait_kernel()
    page.run(2)
    page.wait_state("running")
    wait_beyond(page, 5, later)
    process = server.get("swarm-stream/api/streams/later")["meta"]["process"]
    os.kill(process["pid"], signal.SIGKILL)
    page.reload()
    page.wait_state("interrupted")
    text = page.lanes(later)["planner"]
    assert text
    assert SAYS["planner"].startswith(text)
    assert page.counter(later)[1:] == (0, 0)
