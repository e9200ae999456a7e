// @vitest-environment jsdom
/** The widget where its kernel is gone: what was said of a run that is over is shown from its state. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import widget from "../src/widget.ts";

let el: HTMLElement;
let leave: () => void;

function open(state: Record<string, unknown>): void {
  const model = {
    get: (name: string) => state[name],
    send: () => {},
    on: () => {},
    off: () => {},
  };
  leave = widget.render({ model, el });
}

beforeEach(() => {
  vi.useFakeTimers();
  // No Jupyter page, so no server to ask: all there is is the kernel.
  document.body.replaceChildren();
  el = document.createElement("div");
});
afterEach(() => {
  leave();
  vi.useRealTimers();
});

it("shows what was kept when the kernel does not answer", async () => {
  open({ stream: "run", title: "Demo", static: { "text/markdown": "it said **this**" } });
  await vi.advanceTimersByTimeAsync(3010);
  expect(el.querySelector("strong")?.textContent).toBe("this");
  expect(el.querySelector(".swst-note")?.textContent).toContain("does not answer");
});

it("goes on waiting where nothing was kept", async () => {
  open({ stream: "run", title: "Demo", static: {} });
  await vi.advanceTimersByTimeAsync(3010);
  expect(el.querySelector<HTMLElement>(".swst-root")?.dataset.state).toBe("starting");
});
