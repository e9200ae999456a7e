"""The same tokens in a cell of a real JupyterLab: shown by us, and by what people use today.

Each token has a number, so it is seen which ones arrive, and when: the page looks at what the
cell shows after each paint. Kernel and page are on one machine and have one clock.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.bench.at_length import percentiles
from tests.bench.place import Worker
from tests.browser.conftest import Notebook, open_notebooks
from tests.servers.jupyter import JupyterServer, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["KERNEL_S", "OURS", "PEERS", "RELAY", "Load", "in_lab"]

OURS: Final = "swarm_stream"
RELAY: Final = "bare relay"
ROUNDS: Final = 5

KERNEL_S: Final = 240.0
"""How long a kernel may take to give all tokens away."""
QUIET_S: Final = 15.0
"""When nothing more has been shown for so long, nothing more will be."""

TOKENS_CELL: Final = """
import asyncio, json, time
from pathlib import Path
COUNT, RATE, NAME = {count}, {rate}, {name!r}
sent = []

async def tokens():
    began = time.perf_counter()
    for n in range(COUNT):
        if RATE:
            await asyncio.sleep(max(0, began + n / RATE - time.perf_counter()))
        sent.append(time.time() * 1000)
        yield f"t{{n:05}} "

def done():
    Path(NAME + ".part").write_text(json.dumps(sent))
    Path(NAME + ".part").rename(NAME + ".json")
"""
# What each of them is told to be used like, in its own documentation.
PEERS: Final = {
    OURS: """
import swarm_stream as ss
# ---
run = ss.stream(tokens())
await run
done()
""",
    "AutoGen Console": """
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_agentchat.ui import Console

async def run():
    async for token in tokens():
        yield ModelClientStreamingChunkEvent(content=token, source="agent")
    yield TaskResult(messages=[])
# ---
await Console(run())
done()
""",
    "print(flush=True)": """
# ---
async for token in tokens():
    print(token, end="", flush=True)
done()
""",
    "HTML.value +=": """
import ipywidgets
# ---
shown = ipywidgets.HTML()
display(shown)
async for token in tokens():
    shown.value += token
done()
""",
    "display(Markdown, update=True)": """
from IPython.display import Markdown
# ---
text = ""
handle = display(Markdown(text), display_id=True)
async for token in tokens():
    text += token
    handle.update(Markdown(text))
done()
""",
    # The least that can be done, and the measure for the others: a socket, a text node.
    RELAY: """
import websockets
from IPython.display import HTML, Javascript
wire = await websockets.connect("{relay}/produce/" + NAME, compression=None)
# ---
display(HTML("<pre class='bare-relay'></pre>"))
display(Javascript('''
const text = document.querySelector(".bare-relay").appendChild(new Text());
let waiting = "";
new WebSocket("{relay}/view/''' + NAME + '''").onmessage = ({data}) => {
  if (waiting === "") requestAnimationFrame(() => { text.appendData(waiting); waiting = ""; });
  waiting += data;
};
'''))
await asyncio.sleep(2)  # until it is there
batch = []
async for token in tokens():
    batch.append(token)
    if len(batch) == 50:
        await wire.send("".join(batch))
        batch.clear()
await wire.send("".join(batch))
done()
await wire.close()
""",
    "Panel ChatFeed": """
import panel as pn
pn.extension(inline=True)  # else its scripts come from the network
# ---
feed = pn.chat.ChatFeed()
display(feed)
await asyncio.sleep(2)  # until it is drawn
message = None
async for token in tokens():
    message = feed.stream(token, user="agent", message=message)
done()
""",
}
LOOK: Final = """(number) => {
  const cell = document.querySelectorAll('.jp-CodeCell')[number];
  // Some draw in shadow roots.
  const textOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const inside = [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes];
    return inside.map(textOf).join('');
  };
  const seen = window.seen = {times: [], count: 0, changed: Date.now(), gap: 0};
  let last = performance.now();
  const {port1, port2} = new MessageChannel();
  const look = () => { port2.postMessage(0); requestAnimationFrame(look); };
  port1.onmessage = () => {
    const now = performance.now(), date = performance.timeOrigin + now;
    seen.gap = Math.max(seen.gap, now - last);
    last = now;
    const output = cell.querySelector('.jp-Cell-outputWrapper');
    for (const [, digits] of (output ? textOf(output) : '').matchAll(/t(\\d{5})/g)) {
      const number = Number(digits);
      if (seen.times[number] !== undefined) continue;
      seen.times[number] = date;
      seen.count += 1;
      seen.changed = Date.now();
    }
  };
  requestAnimationFrame(look);
}"""


@dataclass(frozen=True)
class Load:
    """So many tokens, and how many a second; 0 for as fast as can be.

    Those in ``often`` get five rounds, all others one.
    """

    count: int
    rate: int
    often: frozenset[str] = frozenset()

    def rounds(self, peer: str) -> int:
        # Nobody waits a second for a batch to fill.
        if peer == RELAY and self.rate:
            return 0
        return ROUNDS if peer in self.often else 1


def in_lab(
    browser: Any,
    home: Path,
    loads: dict[str, Load],
    peers: dict[str, str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Have each of them show each load, each time in a notebook and a kernel of its own."""
    found: dict[str, Any] = {}
    with jupyter_server(home, app="lab") as server, relay() as address:
        for load_name, load in loads.items():
            for round_ in range(ROUNDS):
                for number, (peer, code) in enumerate(peers.items()):
                    if round_ >= load.rounds(peer):
                        continue
                    name = f"load-{load.count}-{load.rate}-{number}-{round_}"
                    cells = code.replace("{relay}", address)
                    with open_notebooks(browser, server) as make:
                        result = show(make, server, cells, name, load)
                    end_kernels(server)
                    say(f"  {load_name} {peer} {round_ + 1}: {result}")
                    found.setdefault(load_name, {}).setdefault(peer, []).append(result)
    return found


@contextmanager
def relay() -> Iterator[str]:
    program = str(Path(__file__).parent / "peers" / "tornado_relay.py")
    worker = Worker(sys.executable, program)
    try:
        yield f"ws://127.0.0.1:{worker.hear()}"
    finally:
        worker.close()


def show(make: Any, server: JupyterServer, cells: str, name: str, load: Load) -> dict[str, Any]:
    before, _, cell = cells.partition("# ---\n")
    tokens = TOKENS_CELL.format(count=load.count, rate=load.rate, name=name)
    notebook: Notebook = make(name, f"{tokens}\n{before}", cell)
    notebook.run(0)
    wait_idle(notebook)
    cdp = notebook.page.context.new_cdp_session(notebook.page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    notebook.page.evaluate(LOOK, 1)
    busy = thread_ms(cdp)
    notebook.run(1)
    sent = wait_sent(server.home / "root" / f"{name}.json")
    seen = wait_seen(notebook, load.count)
    result: dict[str, Any] = {
        "tokens": load.count,
        "shown": seen["count"],
        "kernel_done": sent is not None,
        "page_ms": thread_ms(cdp) - busy,
        "longest_frame_ms": seen["gap"],
    }
    if sent:
        times = seen["times"]
        pairs = [(at, then) for at, then in zip(sent, times, strict=False) if then is not None]
        result["kernel_s"] = (sent[-1] - sent[0]) / 1000
        if len(pairs) > 1:
            result["last_s"] = (max(then for _, then in pairs) - sent[0]) / 1000
            result["latency_ms"] = percentiles([then - at for at, then in pairs])
    return result


def wait_idle(notebook: Notebook) -> None:
    """Wait until the first cell is done."""
    prompt = notebook.page.locator(".jp-CodeCell .jp-InputPrompt").first
    deadline = time.monotonic() + KERNEL_S
    while prompt.inner_text() in {"[ ]:", "[*]:"} and time.monotonic() < deadline:
        notebook.page.wait_for_timeout(100)


def wait_sent(path: Path) -> list[float] | None:
    """Give when each token left its source; None if the kernel does not get there."""
    deadline = time.monotonic() + KERNEL_S
    while time.monotonic() < deadline:
        if path.exists():
            return list(json.loads(path.read_text()))
        time.sleep(0.2)
    return None


def wait_seen(notebook: Notebook, count: int) -> Any:
    """Wait for all tokens, or until nothing more has come for long after the kernel was done."""
    notebook.page.evaluate("() => { seen.changed = Date.now(); }")
    notebook.page.wait_for_function(
        f"seen.count >= {count} || Date.now() - seen.changed > {1000 * QUIET_S}",
        timeout=300_000,
    )
    return notebook.page.evaluate("({...seen, times: Array.from(seen.times, (t) => t ?? null)})")


def thread_ms(cdp: Any) -> float:
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return 1000 * next(float(m["value"]) for m in metrics if m["name"] == "ThreadTime")


def end_kernels(server: JupyterServer) -> None:
    for session in server.get("api/sessions"):
        server.get(f"api/sessions/{session['id']}", "DELETE")
