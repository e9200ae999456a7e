"""What a view in a bare page costs: time of the page's main thread, frames, memory."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from playwright.sync_api import CDPSession, Page

    from tests.bench.texts import Event

__all__ = ["Costs", "Meter"]

# `frames` are JSON texts, each a list of events, as they would come over a socket.
DRIVER: Final = """
window.bench = (() => {
  // A message that is posted in a frame is handled after that frame was painted.
  const afterPaint = () => new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    requestAnimationFrame(() => port2.postMessage(0));
  });
  const turnOfTheLoop = () => new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(0);
  });
  const drawn = () => Number(document.querySelector('[data-swarm-stream]').dataset.received);
  let view, frames = [];
  return {
    afterPaint,
    open() { view = swst.open('bench'); view.connect(); },
    close() { view?.view.dispose(); view = undefined; },
    load(texts) { frames = frames.concat(texts); },
    // A frame of events, then the browser's next frame, and so on. Gives the ms of each.
    async paced(count) {
      const times = [];
      await afterPaint();
      for (const text of frames.splice(0, count)) {
        const began = performance.now();
        view.events(JSON.parse(text));
        times.push(await afterPaint() - began);
      }
      return times;
    },
    // A frame of events each so many ms. Gives the ms from each to the paint that shows it.
    async timed(everyMs) {
      const times = [], waiting = [], all = frames.splice(0);
      let total = drawn();
      const {port1, port2} = new MessageChannel();
      port1.onmessage = () => {
        const now = performance.now(), received = drawn();
        while (waiting.length && waiting[0].until <= received) {
          times.push(now - waiting.shift().at);
        }
      };
      const look = () => {
        port2.postMessage(0);
        if (times.length < all.length) requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
      const began = performance.now();
      for (const [n, text] of all.entries()) {
        const wait = began + n * everyMs - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        const at = performance.now();
        const events = JSON.parse(text);
        total += events.length;
        waiting.push({until: total, at});
        view.events(events);
      }
      while (times.length < all.length) await afterPaint();
      return times;
    },
    // All frames, each in a task of its own, as fast as they can be read; the stream's end too.
    // Gives the ms to the paint of the last, and the longest time that the page did not answer.
    async catchUp() {
      let took = 0, longest = 0, last = 0;
      const all = frames.splice(0);
      await afterPaint();
      const watch = async () => {
        while (took === 0) {
          await turnOfTheLoop();
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
        }
      };
      const began = last = performance.now();
      const watched = watch();
      let want = drawn();
      for (const text of all) {
        const events = JSON.parse(text);
        want += events.length;
        view.events(events);
        await turnOfTheLoop();
      }
      view.closed();
      while (drawn() < want) await afterPaint();
      took = await afterPaint() - began;
      await watched;
      return {took, longest};
    },
  };
})();
"""


@dataclass(frozen=True)
class Costs:
    """Time that the page's main thread used, in ms of processor time."""

    script: float
    style: float
    layout: float
    all: float

    def __sub__(self, other: Costs) -> Costs:
        mine, theirs = astuple(self), astuple(other)
        return Costs(*(a - b for a, b in zip(mine, theirs, strict=True)))


class Meter:
    """Drives a view in a bare page, and reads the browser's own counters."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(DRIVER)

    def open(self) -> None:
        self._page.evaluate("bench.open()")

    def close(self) -> None:
        self._page.evaluate("bench.close()")

    def load(self, events: Sequence[Event], size: int) -> int:
        """Put events into the page, `size` a frame; gives the number of frames."""
        texts = [json.dumps(events[n : n + size]) for n in range(0, len(events), size)]
        # One message of the debugger's must not be larger than 100 MB.
        for n in range(0, len(texts), 2000):
            self._page.evaluate("texts => bench.load(texts)", texts[n : n + 2000])
        return len(texts)

    def paced(self, count: int) -> list[float]:
        """Show so many frames of events, one for each of the browser's; gives the ms of each."""
        return list(self._page.evaluate(f"bench.paced({count})"))

    def timed(self, every_ms: float) -> list[float]:
        """Show all frames as if they came that often; gives the ms to each one's paint."""
        return list(self._page.evaluate(f"bench.timed({every_ms})"))

    def catch_up(self) -> tuple[float, float]:
        """Show all frames as fast as can be: ms it took, and the longest without an answer."""
        found: Any = self._page.evaluate("bench.catchUp()")
        return found["took"], found["longest"]

    def costs(self) -> Costs:
        held = self.counters()
        names = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration", "ThreadTime")
        return Costs(*(1000 * held[name] for name in names))

    def counters(self) -> dict[str, float]:
        """Give the browser's counters, among them JSHeapUsedSize, Nodes and LayoutObjects."""
        found: Iterable[Any] = self._cdp.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in found}

    def collect(self) -> None:
        """Collect garbage."""
        self._page.evaluate("bench.afterPaint()")
        for _ in range(3):
            self._cdp.send("HeapProfiler.collectGarbage")
