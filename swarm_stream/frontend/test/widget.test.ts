// @vitest-environment jsdom
/** The widget where its kernel is gone: what was said of a run that is over is shown from its state. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { isObject } from "../src/events.ts";
import widget from "../src/widget.ts";

let el: HTMLElement;
let leave: () => void;
/** What the widget sends to the kernel, and where it listens. */
let sent: Record<string, unknown>[];
let listen: ((content: unknown) => void) | undefined;

function open(state: Record<string, unknown>): void {
  sent = [];
  const model = {
    get: (name: string) => state[name],
    send: (content: unknown) => {
      if (isObject(content)) sent.push(content);
    },
    on: (_event: string, callback: (content: unknown) => void) => {
      listen = callback;
    },
    off: () => {},
  };
  leave = widget.render({ model, el });
}

/** Have the kernel answer with a frame. */
async function answer(n: number, frame: object): Promise<void> {
  listen?.({ kind: "frame", socket: sent[0]?.socket, n, text: JSON.stringify(frame) });
  await vi.advanceTimersByTimeAsync(300);
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

it("says that there is no such stream where the kernel has none either", async () => {
  open({ stream: "typo", title: "typo", static: {} });
  const subscribe = sent.find(({ kind }) => kind === "frame");
  expect(JSON.parse(String(subscribe?.text))).toEqual({ op: "subscribe", stream: "typo", from: 0 });
  const message = "no stream 'typo' here. ss.streams() lists the ones of this server";
  const error = { op: "error", code: "no_such_stream", stream: "typo", message, fatal: false };
  await answer(1, { ...error, cause: "subscribe" });
  expect(el.querySelector(".swst-connection")?.textContent).toBe("no such stream");
  expect(el.querySelector(".swst-note")?.textContent).toContain("ss.streams() lists");
  expect(el.querySelector(".swst-root")?.className).toContain("swst-lost");
});

it("says that it streams through the kernel when it does", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  open({ stream: "run", title: "Demo", static: {}, base_url_hint: "/" });
  await vi.advanceTimersByTimeAsync(300);
  const note = () => el.querySelector(".swst-note")?.textContent;
  expect(note()).toBe("");
  const told = { head: 0, closed: false, meta: {}, producer: "live" };
  await answer(1, { op: "subscribed", stream: "run", from: 0, tail: 1, ...told });
  const start = { type: "start", t: 1, task: "" };
  await answer(2, { op: "events", stream: "run", offset: 0, events: [start] });
  expect(note()).toContain("streaming through the kernel");
  vi.unstubAllGlobals();
});
