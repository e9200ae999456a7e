"""C2: how long a page takes to show a long run that is over."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swarm_stream.protocol.frames import Append, Claim, encode
from tests.bench.memory import Client
from tests.bench.place import Server
from tests.bench.texts import CASES
from tests.servers.jupyter import TOKEN, JupyterServer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["EVENTS", "attach", "fill"]

EVENTS: Final = 100_000
STREAM: Final = "long"
SCREEN: Final = {"width": 1000, "height": 800}

# Times are the page's own. The view is begun when its root is there; what is shown in a frame
# is painted when a message arrives that was posted in it.
WATCH: Final = """
window.watched = {};
new MutationObserver((_, observer) => {
  const root = document.querySelector('[data-swarm-stream]');
  if (root === null) return;
  observer.disconnect();
  watched.began = performance.now();
  const {port1, port2} = new MessageChannel();
  port1.onmessage = ({data}) => { watched[data] ??= performance.now(); };
  new MutationObserver(() => {
    const shown = Number(root.dataset.received);
    if (shown > 0) port2.postMessage('first');
    if (shown >= EVENTS) port2.postMessage('complete');
  }).observe(root, {attributeFilter: ['data-received']});
}).observe(document, {childList: true, subtree: true});
"""


def attach(
    browser: Any, server: JupyterServer, *, rounds: int, say: Callable[[str], None]
) -> list[dict[str, float]]:
    """Open the run's page so many times, each in a new context; gives seconds."""
    found = []
    for number in range(rounds):
        context = browser.new_context(viewport=SCREEN, bypass_csp=True)
        page = context.new_page()
        page.add_init_script(WATCH.replace("EVENTS", str(EVENTS)))
        page.goto(f"{server.url}swarm-stream/s/{STREAM}?token={TOKEN}")
        page.wait_for_function("watched.complete !== undefined", timeout=60_000)
        seen = page.evaluate("watched")
        context.close()
        run = {
            "first": (seen["first"] - seen["began"]) / 1000,
            "complete": (seen["complete"] - seen["began"]) / 1000,
            "page": seen["complete"] / 1000,
        }
        say(f"  C2 {number + 1}/{rounds} {run}")
        found.append(run)
    return found


async def fill(server: JupyterServer) -> None:
    """Put a finished run on the server: four agents that talk, think and call tools."""
    said = list(islice(CASES["talk"](EVENTS), EVENTS - 1))
    over = {"type": "end", "t": said[-1]["t"], "outcome": "completed"}
    events = [msgspec.Raw(json.dumps(event).encode()) for event in (*said, over)]
    client = await Client().dial(Server.of(server))
    await client.ask([encode(Claim(stream=STREAM, producer="bench"))])
    for offset in range(0, EVENTS, 1000):
        part = events[offset : offset + 1000]
        await client.ask([encode(Append(stream=STREAM, epoch=1, offset=offset, events=part))])
    client.wire.close()
