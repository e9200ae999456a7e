/** The list as people read it. */

import { describe, expect, it } from "vitest";
import {
  ago,
  count,
  headline,
  inOrder,
  matching,
  type Row,
  rowsOf,
  size,
  summary,
} from "../src/streams.ts";

function entry(stream: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const meta = { title: `Title of ${stream}`, agents: ["ann", "bob"], notebook: "oslo.ipynb" };
  return {
    stream,
    head: 0,
    tail: 12,
    closed: false,
    producer: "live",
    run: "",
    viewers: 1,
    created: 1000,
    bytes: 500,
    meta,
    ...more,
  };
}

function rows(...entries: unknown[]): Row[] {
  return rowsOf({ streams: entries });
}

const names = (some: readonly Row[]) => some.map(({ stream }) => stream);

describe("lines", () => {
  it("has what the server says of a stream", () => {
    expect(rows(entry("a", { head: 2 }))).toEqual([
      {
        stream: "a",
        title: "Title of a",
        about: "ann, bob · oslo.ipynb",
        state: "live",
        over: false,
        created: 1000,
        events: 10,
        bytes: 500,
        viewers: 1,
      },
    ]);
  });

  it.each([
    [{ producer: "live" }, "live"],
    [{ producer: "live", run: "waiting" }, "waiting"],
    [{ producer: "live", run: "paused" }, "paused"],
    [{ producer: "stalled", run: "waiting" }, "stalled"],
    [{ producer: "none" }, "stalled"],
    [{ closed: true, producer: "none", run: "failed" }, "failed"],
    [{ closed: true, producer: "none", run: "interrupted" }, "interrupted"],
    [{ closed: true, producer: "none", run: "" }, "ended"],
    // Of a newer server.
    [{ closed: true, producer: "none", run: "exploded" }, "ended"],
    [{ producer: "live", run: "dancing" }, "live"],
  ])("%o is %s", (more, state) => {
    expect(rows(entry("a", more))[0]?.state).toBe(state);
  });

  it("shows what it can of descriptions that it does not know", () => {
    const odd = { stream: "a", meta: { title: 3, agents: [1, "ann"], notebook: null } };
    expect(rows(odd)[0]).toMatchObject({ title: "a", about: "ann", state: "stalled", events: 0 });
    expect(names(rows(null, 3, {}, { stream: "" }, { stream: "b" }))).toEqual(["b"]);
    for (const body of [null, [], {}, { streams: 3 }]) expect(rowsOf(body)).toEqual([]);
  });
});

it.each([
  ["Plan three days\nin Oslo", "Team", "Plan three days"],
  ["\n  Plan  \n", "Team", "Plan"],
  ["Plan\u202e\u0000 a\ttrip", "Team", "Plan\ufffd\ufffd a trip"],
  ["x".repeat(130), "Team", `${"x".repeat(119)}…`],
  ["", "Team", "Team"],
  [" \n", "Team", "Team"],
  [undefined, "", "id-1"],
  [3, null, "id-1"],
])("knows a run with the task %o of %o by %o", (task, title, known) => {
  expect(headline(task, title, "id-1")).toBe(known);
});

it("tells what was run where its task stands above", () => {
  const meta = { task: "Plan", title: "Team", agents: ["ann"] };
  expect(rows({ stream: "a", meta })[0]).toMatchObject({ title: "Plan", about: "Team · ann" });
});

it("orders by what goes on, and then by age", () => {
  const over = { closed: true, producer: "none" };
  const mixed = rows(
    entry("over-old", { ...over, created: 1 }),
    entry("stalled", { producer: "stalled", created: 900 }),
    entry("over-new", { ...over, created: 500 }),
    entry("live-old", { created: 2 }),
    entry("waiting-new", { run: "waiting", created: 3 }),
    entry("b", { ...over, created: 400 }),
    entry("a", { ...over, created: 400 }),
  );
  const ordered = ["waiting-new", "live-old", "stalled", "over-new", "a", "b", "over-old"];
  expect(names(inOrder(mixed))).toEqual(ordered);
  expect(names(inOrder([...mixed].reverse()))).toEqual(ordered);
});

it.each([
  ["", ["a", "b"]],
  ["  ", ["a", "b"]],
  ["cafe", ["a"]],
  ["CAFÉ", ["a"]],
  ["bob failed", ["b"]],
  ["failed bob", ["b"]],
  ["bob nobody", []],
  ["waiting for", ["a"]],
  ["oslo.ipynb", ["a"]],
  ["title of b", ["b"]],
])("finds by the words %o", (query, found) => {
  const some = rows(
    entry("a", { run: "waiting", meta: { title: "Café", notebook: "Oslo.ipynb" } }),
    entry("b", { closed: true, run: "failed", meta: { title: "Title of B", agents: ["Bob"] } }),
  );
  expect(names(matching(some, query))).toEqual(found);
});

it("sums up", () => {
  expect(summary([])).toBe("");
  const over = entry("o", { closed: true });
  const live = entry("l");
  expect(summary(rows(live))).toBe("1 live");
  expect(summary(rows(over, over))).toBe("2 ended");
  const waiting = entry("w", { run: "waiting" });
  const stalled = entry("s", { producer: "none" });
  expect(summary(rows(live, waiting, stalled, over))).toBe(
    "2 live (1 waiting for you), 1 stalled, 1 ended",
  );
});

it.each([
  [-5000, "just now"],
  [59_999, "just now"],
  [60_000, "1 min ago"],
  [3_599_999, "59 min ago"],
  [3_600_000, "1 h ago"],
  [86_399_999, "23 h ago"],
  [86_400_000, "1 day ago"],
  [90 * 86_400_000, "90 days ago"],
])("%i ms is %s", (ms, words) => {
  const now = 1_800_000_000_000;
  expect(ago(now - ms, now)).toBe(words);
});

it.each([
  [0, "0 events"],
  [1, "1 event"],
  [999, "999 events"],
  [1000, "1,000 events"],
  [1_234_567, "1,234,567 events"],
])("counts %i", (number, words) => {
  expect(count(number, "event")).toBe(words);
});

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9949, "9.9 kB"],
  [9950, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [120e6, "120 MB"],
  [2.34e12, "2.3 TB"],
  [5e15, "5000 TB"],
])("%i bytes are %s", (bytes, words) => {
  expect(size(bytes)).toBe(words.replace(" ", "\u00a0"));
});
