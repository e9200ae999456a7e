// @vitest-environment jsdom
/** What a view shows of what comes. */

import { expect, it, vi } from "vitest";
import { subscribed } from "./fakes.ts";
import {
  ALICE,
  events,
  followers,
  give,
  goOnFrom,
  host,
  offset,
  root,
  START,
  sent,
  show,
  view,
} from "./stage.ts";

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
  show({}, 12);
  events(...Array.from({ length: 12 }, () => ({ type: "lane", t: now, lane: 0, name: "a" })));
  // The head is drawn again each second.
  vi.advanceTimersByTime(1500);
  expect(root().dataset.received).toBe("12");
  expect(told()?.textContent).toBe("");
});

it("goes on drawing the timeline while nothing happens, and no more than a minute of that", () => {
  const said = [
    { type: "open", t: 1000, seg: 0, lane: 0 },
    { type: "close", t: 2000, seg: 0 },
  ];
  const bob = { type: "lane", t: 1000, lane: 1, name: "bob" };
  events(START, ALICE, bob, ...said, { type: "input_request", t: 2000, request: "r", lane: 1 });
  const clock = () => host.querySelector(".swst-clock")?.textContent;
  const bar = () => host.querySelector(".swst-bar-input")?.getAttribute("d") ?? "";
  // As wide as a bar is at least.
  expect(bar()).toContain("h2v");
  vi.advanceTimersByTime(9000);
  // A drawing is at most a second late.
  expect(clock()).toMatch(/^(10\.\d|9\.[3-9]) s$/);
  expect(Number(/h(\d+)/.exec(bar())?.[1])).toBeGreaterThan(880);
  vi.advanceTimersByTime(200_000);
  expect(clock()).toBe("1 min 1 s");
  events({ type: "input_reply", t: 222_000, request: "r", content: "yes" });
  vi.advanceTimersByTime(700);
  expect(clock()).toMatch(/^1 min [12] s$/);
  events({ type: "end", t: 222_000, outcome: "completed" });
  vi.advanceTimersByTime(9000);
  expect(clock()).toBe("1 min 1 s");
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

it("says once who cancelled a run, and why else it ended", () => {
  const said = () => host.querySelector(".swst-list")?.textContent?.match(/cancelled by ann/g);
  const reason = () => host.querySelector(".swst-reason")?.textContent;
  events(START, ALICE, { type: "open", seg: 0, lane: 0 }, { type: "delta", seg: 0, text: "a" });
  events({ type: "control", id: "c", action: "cancel", by: "ann" });
  events({ type: "end", t: 1500, outcome: "cancelled", reason: "cancelled by ann" });
  expect(said()).toHaveLength(1);
  expect(host.querySelector(".swst-end-line")?.textContent).toBe("cancelled after 0.5 s · 1 chunk");
  view.dispose();
  show();
  events(START, { type: "control", id: "c", action: "cancel", by: "ann" });
  const left = "cancelled by ann; still running: bob";
  events({ type: "end", t: 1500, outcome: "cancelled", reason: left });
  expect(reason()).toBe(left);
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
  goOnFrom(40);
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

it("tells the reader after a while that there is nothing yet", () => {
  vi.advanceTimersByTime(12_000);
  expect(host.querySelector(".swst-note")?.textContent).toContain("nothing of this stream yet");
});

it("tells its host that the run goes on, and that all was shown", () => {
  view.dispose();
  const told: string[] = [];
  show({ running: () => told.push("running"), ended: () => told.push("ended") });
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
