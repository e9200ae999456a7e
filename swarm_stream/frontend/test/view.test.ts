// @vitest-environment jsdom
/** A view on a link that the test plays. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Followers } from "../src/followers.ts";
import type { ClientFrame, ServerFrame } from "../src/frames.ts";
import type { Link } from "../src/link.ts";
import { createView, type View, type ViewOptions } from "../src/view.ts";
import { subscribed } from "./fakes.ts";

let host: HTMLElement;
let sent: ClientFrame[];
let followers: Followers;
let view: View;

function show(options: Partial<ViewOptions> = {}): void {
  sent = [];
  followers = new Followers(
    (frame) => sent.push(frame),
    () => {},
  );
  const link: Link = {
    peer: "server",
    note: "",
    follow: (...args) => followers.follow(...args),
  };
  view = createView(host, link, { stream: "a", title: "Demo", wait: true, ...options });
  followers.linked({ is: "open" });
  followers.opened();
  give({
    op: "subscribed",
    stream: "a",
    from: 0,
    head: 0,
    tail: 0,
    closed: false,
    meta: {},
    producer: "live",
  });
}

let offset = 0;

function give(frame: ServerFrame): void {
  followers.receive(frame);
  vi.advanceTimersByTime(300);
}

function events(...list: object[]): void {
  give({ op: "events", stream: "a", offset, events: list });
  offset += list.length;
}

function root(): HTMLElement {
  const element = host.querySelector<HTMLElement>(".swst-root");
  if (element === null) throw new Error("there is no view");
  return element;
}

function button(name: string): HTMLButtonElement {
  const buttons = [...host.querySelectorAll("button")];
  const found = buttons.find(({ textContent }) => textContent === name);
  if (found === undefined) throw new Error(`there is no button ${name}`);
  return found;
}

beforeEach(() => {
  vi.useFakeTimers();
  offset = 0;
  host = document.createElement("div");
  document.body.replaceChildren(host);
  show();
});
afterEach(() => {
  view.dispose();
  vi.useRealTimers();
});

const START = { type: "start", t: 1000, task: "Say it", caps: ["pause", "cancel"] };
const ALICE = { type: "lane", t: 1000, lane: 0, name: "alice" };

it("shows a run from its start to its end", () => {
  expect(root().dataset).toMatchObject({ swarmStream: "a", state: "starting" });
  events(START, ALICE, { type: "open", seg: 0, lane: 0 }, { type: "delta", seg: 0, text: "Hel" });
  expect(root().dataset).toMatchObject({ state: "running", connection: "live", received: "4" });
  events({ type: "delta", seg: 0, text: "lo **you**" }, { type: "close", seg: 0 });
  const segment = host.querySelector<HTMLElement & { swstSource(): string }>("[data-seg]");
  expect(segment?.dataset).toMatchObject({
    seg: "0",
    lane: "0",
    laneName: "alice",
    channel: "text",
  });
  expect(segment?.swstSource()).toBe("Hello **you**");
  expect(segment?.querySelector("strong")?.textContent).toBe("you");
  events({ type: "end", t: 3500, outcome: "completed", reason: "said" });
  give({ op: "closed", stream: "a", tail: offset });
  expect(root().dataset).toMatchObject({ state: "completed", connection: "ended", missing: "0" });
  expect(host.textContent).toContain("after 2.5 s");
  expect(window.__swarmStreams?.get("a")?.textByLane().get(0)).toBe("Hello **you**");
});

it("tells how long what is said takes to the screen, of what is not history", () => {
  const told = () => host.querySelector<HTMLElement>(".swst-delivery");
  const now = Date.now();
  events(ALICE, { type: "open", seg: 0, lane: 0 });
  for (let n = 0; n < 12; n += 1) {
    events({ type: "delta", seg: 0, text: "a", t: Date.now() - 40 });
  }
  expect(told()?.textContent).toMatch(/^\d+ ms to screen$/);
  expect(told()?.title).toMatch(/p99 \d+ ms/);
  view.dispose();
  host.replaceChildren();
  offset = 0;
  sent = [];
  view = createView(
    host,
    { peer: "server", note: "", follow: (...a) => followers.follow(...a) },
    {
      stream: "a",
      title: "",
      wait: true,
    },
  );
  give({
    op: "subscribed",
    stream: "a",
    from: 0,
    head: 0,
    tail: 12,
    closed: false,
    meta: {},
    producer: "live",
  });
  events(...Array.from({ length: 12 }, () => ({ type: "lane", t: now, lane: 0, name: "a" })));
  // The head is drawn again each second.
  vi.advanceTimersByTime(1500);
  expect(root().dataset.received).toBe("12");
  expect(told()?.textContent).toBe("");
});

it("keeps pages from the browser while it catches up, and no longer", () => {
  followers.lost();
  followers.opened();
  const subscribed = { op: "subscribed", stream: "a", head: 0, closed: false, meta: {} } as const;
  give({ ...subscribed, from: 0, tail: 400, producer: "live" });
  const turn = (n: number) => [
    { type: "open", seg: n, lane: n % 2 },
    { type: "delta", seg: n, text: `turn ${n}` },
    { type: "close", seg: n },
  ];
  const hidden = () => host.querySelectorAll(".swst-list > .swst-held").length;
  const turns = () => [...host.querySelectorAll(".swst-md")].map((one) => one.textContent);
  const some = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => turn(from + n)).flat();
  events(...some(0, 100));
  events(...some(100, 101));
  events(...some(101, 132));
  expect(hidden()).toBeGreaterThan(0);
  // Where it is cut meanwhile, what came is shown.
  followers.lost();
  vi.advanceTimersByTime(1500);
  expect(hidden()).toBe(0);
  expect(turns()).toEqual(Array.from({ length: 132 }, (_, n) => `turn ${n}`));
  followers.opened();
  give({ ...subscribed, from: offset, tail: 601, producer: "live" });
  events(...some(132, 133));
  events(...some(133, 199));
  expect(hidden()).toBeGreaterThan(0);
  events(...some(199, 200), { type: "end", outcome: "completed" });
  expect(hidden()).toBe(0);
  expect(turns().length).toBe(200);
});

it("shows lanes that talk at once in their own blocks", () => {
  events(ALICE, { type: "lane", lane: 1, name: "bob" });
  events({ type: "open", seg: 0, lane: 0 }, { type: "open", seg: 1, lane: 1 });
  for (let turn = 0; turn < 3; turn += 1) {
    events(
      { type: "delta", seg: 0, text: `a${turn} ` },
      { type: "delta", seg: 1, text: `b${turn} ` },
    );
  }
  const turns = [...host.querySelectorAll(".swst-turn-body")].map(({ textContent }) => textContent);
  expect(turns.map((text) => text?.trim())).toEqual(["a0 a1 a2", "b0 b1 b2"]);
});

/** The turns of the transcript as letters, those that stand side by side together. */
function layout(): string[] {
  return [...host.querySelectorAll(".swst-abreast")].map((row) =>
    [...row.querySelectorAll(".swst-name")].map(({ textContent }) => textContent).join("+"),
  );
}

it("puts turns side by side for as long as another lane is speaking", () => {
  events(ALICE, { type: "lane", lane: 1, name: "bob" }, { type: "lane", lane: 2, name: "carl" });
  const open = (seg: number, lane: number) => ({ type: "open", seg, lane });
  const close = (seg: number) => ({ type: "close", seg });
  events(open(0, 0), close(0), open(1, 1), close(1));
  expect(layout()).toEqual(["alice", "bob"]);
  events(open(2, 0), open(3, 1), close(2), open(4, 0), open(5, 2));
  expect(layout()).toEqual(["alice", "bob", "alice+bob+carl"]);
  events({ type: "tool_call", call: "c", lane: 0, name: "f" }, close(3), close(4), close(5));
  expect(layout()).toEqual(["alice", "bob", "alice+bob+carl"]);
  events(open(6, 1), { type: "control", id: "x", action: "pause" }, open(7, 1), close(7));
  expect(layout()).toEqual(["alice", "bob", "alice+bob+carl", "bob", "bob"]);
});

it("presses buttons that the run can obey, and says why others cannot be pressed", () => {
  events(START);
  expect(button("Stop").getAttribute("aria-disabled")).toBe("true");
  expect(button("Stop").title).toBe("This kind of run cannot stop");
  button("Stop").click();
  button("Pause").click();
  const frame = sent.at(-1);
  expect(frame).toMatchObject({ op: "control", stream: "a", action: "pause" });
  expect(sent.filter(({ op }) => op === "control")).toHaveLength(1);
  expect(button("Pause").title).toBe("Asked; waiting for the run");
  const id = frame?.op === "control" ? frame.id : "";
  give({ op: "controlled", stream: "a", id, ok: false, message: "it is busy" });
  expect(host.querySelector(".swst-notice")?.textContent).toBe("Could not pause: it is busy");
  events({ type: "control", id, action: "pause", by: "ann" });
  expect(root().dataset.state).toBe("paused");
  expect(button("Resume").title).toBe("Let the run go on");
});

it("asks a person, and sends the answer once", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  expect(root().dataset.state).toBe("waiting");
  expect(host.querySelector(".swst-live")?.textContent).toBe("alice asks: Go on?");
  const box = host.querySelector("textarea");
  if (box === null) throw new Error("there is no box");
  box.value = "Ja";
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(sent.at(-1)).toMatchObject({ action: "reply", data: { request: "r1", text: "Ja" } });
  events({ type: "input_reply", request: "r1", content: "Ja", by: "ann" });
  expect(host.querySelector("textarea")).toBeNull();
  expect(host.querySelector(".swst-answer")?.textContent).toBe("ann answeredJa");
  expect(root().dataset.state).toBe("running");
});

function box(): HTMLTextAreaElement {
  const element = host.querySelector("textarea");
  if (element === null) throw new Error("there is no box");
  return element;
}

it("sends an answer once, and takes it back into the box when it is refused", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  const form = box().form;
  box().value = "Ja";
  form?.requestSubmit();
  form?.requestSubmit();
  const replies = sent.filter((frame) => frame.op === "control");
  expect(replies).toHaveLength(1);
  expect(box().readOnly).toBe(true);
  expect(host.querySelector(".swst-hint")?.textContent).toContain("on its way");
  const id = replies[0]?.op === "control" ? replies[0].id : "";
  give({ op: "controlled", stream: "a", id, ok: false, message: "the kernel is not connected" });
  expect(box().readOnly).toBe(false);
  expect(box().value).toBe("Ja");
  expect(host.querySelector(".swst-hint")?.textContent).toBe("the kernel is not connected");
  form?.requestSubmit();
  expect(sent.filter((frame) => frame.op === "control")).toHaveLength(2);
});

it("keeps what is being typed while other things happen", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  const mine = box();
  mine.value = "half an ans";
  events({ type: "control", id: "x", action: "pause", by: "ann" });
  events({ type: "input_request", request: "r1", lane: 0, prompt: "Please: go on?" });
  expect(box()).toBe(mine);
  expect(mine.value).toBe("half an ans");
  expect(host.querySelector(".swst-input")?.textContent).toContain("Please: go on?");
});

it("takes no answer where the program asks in its own way, or nobody asks any more", () => {
  const ask = { type: "input_request", lane: 0, prompt: "Go on?" };
  events(START, ALICE, { ...ask, request: "r1", elsewhere: true }, { ...ask, request: "r2" });
  expect(host.querySelectorAll("textarea")).toHaveLength(1);
  expect(host.querySelector('[data-request="r1"]')?.textContent).toContain("in its own way");
  events({ type: "input_reply", request: "r2", withdrawn: true });
  expect(host.querySelector("textarea")).toBeNull();
  expect(host.querySelector('[data-request="r2"]')?.textContent).toContain("taken back");
  expect(root().dataset.state).toBe("running");
});

it("says that an answer may be cut off, and how tokens come to be counted", () => {
  events({ ...START, source: "autogen" }, ALICE);
  events({ type: "open", seg: 0, lane: 0 }, { type: "delta", seg: 0, text: "half" });
  events({ type: "close", seg: 0 }, { type: "usage", lane: 0, finish_reason: "unknown" });
  expect(host.querySelector(".swst-line-finish")?.textContent).toContain("possibly truncated");
  events({ type: "end", outcome: "completed" });
  expect(host.querySelector(".swst-end")?.textContent).toContain("include_usage");
});

it("shows a tool's failure on one line, with the rest folded", () => {
  events(ALICE, { type: "tool_call", call: "c", lane: 0, name: "book", arguments: '{"a":1}' });
  expect(host.querySelector(".swst-tool")?.className).toContain("swst-running");
  events({ type: "tool_result", call: "c", content: "no route", is_error: true });
  const line = host.querySelector<HTMLElement>(".swst-tool button");
  expect(line?.textContent).toBe('book({"a":1})failed: no route');
  const folded = () => host.querySelector(".swst-tool-body")?.getAttribute("hidden");
  expect(folded()).toBe("until-found");
  line?.click();
  expect(folded()).toBeNull();
  expect(line?.getAttribute("aria-expanded")).toBe("true");
  line?.click();
  expect(folded()).toBe("until-found");
});

it("does not call a tool running when the run is over", () => {
  events(ALICE, { type: "tool_call", call: "c", lane: 0, name: "book", arguments: "" });
  expect(host.querySelector(".swst-tool-status")?.textContent).toBe("running");
  events({ type: "end", outcome: "interrupted", reason: "the kernel died" });
  expect(host.querySelector(".swst-tool-status")?.textContent).toBe("gave no result");
  expect(host.querySelector(".swst-tool")?.className).not.toContain("swst-running");
});

it("says where events are missing", () => {
  events(ALICE);
  give({ op: "gone", stream: "a", head: 40, tail: 50 });
  expect(root().dataset.missing).toBe("39");
  expect(host.querySelector(".swst-line-gap")?.textContent).toContain("39 events are missing here");
  expect(sent.at(-1)).toMatchObject({ op: "subscribe", from: 40 });
});

it("shows what comes after a hole after it", () => {
  events(ALICE, { type: "open", seg: 0, lane: 0 }, { type: "delta", seg: 0, text: "before" });
  give({ op: "gone", stream: "a", head: 40, tail: 50 });
  give({ ...subscribed("a", 40, 50) });
  offset = 40;
  events({ type: "delta", seg: 0, text: "after" }, { type: "close", seg: 0 });
  const list = host.querySelector(".swst-list");
  expect([...(list?.children ?? [])].map(({ textContent }) => textContent)).toEqual([
    "Aalicebefore",
    "37 events are missing here: the server no longer keeps numbers 3 to 39",
    "Aaliceafter",
  ]);
});

it("says it after what came before", () => {
  followers.receive({ op: "events", stream: "a", offset: 0, events: [START] });
  followers.receive({ op: "gone", stream: "a", head: 40, tail: 50 });
  vi.advanceTimersByTime(300);
  const list = host.querySelector(".swst-list");
  expect([...(list?.children ?? [])].map(({ className }) => className)).toEqual([
    "swst-task",
    "swst-line swst-line-gap",
  ]);
});

it("says when it cannot go on", () => {
  give({ op: "error", stream: "a", code: "not_allowed", message: "ask ann", cause: "subscribe" });
  expect(root().dataset.connection).toBe("failed");
  expect(host.querySelector(".swst-note")?.textContent).toBe("Ask ann.");
});

it("explains a cut only if it lasts", () => {
  const note = () => host.querySelector(".swst-note")?.textContent;
  events(START);
  followers.lost();
  followers.linked({ is: "waiting", until: performance.now() + 60_000 });
  vi.advanceTimersByTime(1500);
  expect(root().dataset.connection).toBe("reconnecting");
  expect(note()).toBe("");
  vi.advanceTimersByTime(2000);
  expect(note()).toContain("The Jupyter server does not answer");
  followers.linked({ is: "open" });
  followers.opened();
  give(subscribed("a", offset, offset));
  expect(root().dataset.connection).toBe("live");
  expect(note()).toBe("");
});

it("shows a run as paused that the log cannot take, and that it can be cancelled", () => {
  events(START);
  const status = { op: "status", stream: "a", producer: "live", viewers: 1 } as const;
  give({ ...status, notice: "the disk is full" });
  expect(root().dataset).toMatchObject({ state: "paused", connection: "held" });
  expect(host.querySelector(".swst-run")?.textContent).toBe("paused");
  expect(root().className).toBe("swst-root swst-away");
  expect(host.querySelector(".swst-note")?.textContent).toContain("The disk is full.");
  expect(button("Cancel").getAttribute("aria-disabled")).toBe("false");
  // Nobody pressed Pause, so there is nothing to resume.
  expect(button("Pause").title).toContain("Pause the run");
  give({ ...status, notice: "" });
  expect(root().dataset).toMatchObject({ state: "running", connection: "live" });
  expect(root().className).toBe("swst-root");
});

it("lets nobody press what a kernel that is not heard cannot do", () => {
  events(START);
  give({ op: "status", stream: "a", producer: "stalled", viewers: 1, notice: "" });
  expect(root().dataset.connection).toBe("stalled");
  expect(button("Cancel").title).toBe("The kernel is not heard");
  button("Cancel").click();
  expect(sent.filter(({ op }) => op === "control")).toEqual([]);
});

it("tells the reader after a while that there is nothing yet", () => {
  vi.advanceTimersByTime(12_000);
  expect(host.querySelector(".swst-note")?.textContent).toContain("nothing of this stream yet");
});

it("tells its host that the run goes on, and that all was shown", () => {
  view.dispose();
  const told: string[] = [];
  show({ running: () => told.push("running"), ended: () => told.push("ended") });
  offset = 0;
  events(START);
  expect(told).toEqual(["running"]);
  events({ type: "end", outcome: "completed" });
  give({ op: "closed", stream: "a", tail: offset });
  expect(told).toEqual(["running", "ended"]);
});

it("can be opened in a tab where there is a page for it", () => {
  expect(root().querySelector("a")).toBeNull();
  view.dispose();
  show({ page: "/base/swarm-stream/s/a" });
  const link = root().querySelector("a");
  expect(link?.textContent).toBe("Open in a tab");
  expect(link?.getAttribute("href")).toBe("/base/swarm-stream/s/a");
  expect([link?.target, link?.rel]).toEqual(["_blank", "noopener"]);
});

it("leaves nothing behind", () => {
  events(START);
  view.dispose();
  view.dispose();
  expect(host.childElementCount).toBe(0);
  expect(sent.at(-1)).toEqual({ op: "unsubscribe", stream: "a" });
  expect(window.__swarmStreams?.has("a")).toBe(false);
});
