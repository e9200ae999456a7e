import { describe, expect, it } from "vitest";
import { connectionWords, duration, Rate } from "../src/status.ts";
import { begin } from "../src/subscriber.ts";

const fresh = begin("a", { wait: false });
const live = { ...fresh, is: "live" as const, producer: "live" as const };
const open = { is: "open" } as const;

describe("the connection", () => {
  it.each([
    ["live", open, { ...live, tail: 5, next: 5 }],
    ["live", open, { ...live, tail: 45, next: 5 }],
    ["catching up 95", open, { ...live, tail: 100, next: 5 }],
    ["kernel not connected", open, { ...live, producer: "none" as const }],
    ["kernel not heard", open, { ...live, producer: "stalled" as const }],
    ["connecting", open, { ...live, is: "joining" as const }],
    ["reconnecting in 3 s", { is: "waiting", until: 2900 }, live],
    ["reconnecting", { is: "connecting" }, { ...live, received: 2 }],
    ["connecting", { is: "connecting" }, fresh],
    ["log in again", { is: "login" }, live],
    ["not allowed", { is: "forbidden" }, live],
    ["ended", { is: "waiting", until: 9 }, { ...live, is: "closed" as const }],
  ] as const)("is %s", (words, link, state) => {
    expect(connectionWords(link, state, null, 0).words).toBe(words);
  });

  it("says that it cannot resume, and why", () => {
    const trouble = { code: "log_lost", message: "the log was lost" };
    expect(connectionWords(open, { ...live, is: "failed" }, trouble, 0)).toEqual({
      is: "failed",
      words: "cannot resume",
      title: "the log was lost",
    });
  });
});

it.each([
  [0, "0.0 s"],
  [59_999, "59.9 s"],
  [60_000, "1 min 0 s"],
  [3_723_000, "1 h 2 min"],
  [-5, "0.0 s"],
])("says %i ms as %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});

it("tells chunks a second over the last five", () => {
  const rate = new Rate();
  expect(rate.at(0)).toBe(0);
  for (let t = 0; t < 20_000; t += 100) rate.add(t, 1);
  expect(rate.at(19_999)).toBe(10);
  expect(rate.at(60_000)).toBe(0);
});
