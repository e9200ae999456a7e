import { describe, expect, it } from "vitest";
import type { LinkStatus, Peer } from "../src/link.ts";
import { connectionWords, duration } from "../src/status.ts";
import { begin, type State } from "../src/subscriber.ts";

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
    ["reconnecting in 3 s", { is: "waiting", until: 2900 }, { ...live, received: 2 }],
    ["reconnecting", { is: "waiting", until: 900 }, { ...live, received: 2 }],
    ["connecting in 3 s", { is: "waiting", until: 2900 }, fresh],
    ["held up", open, { ...live, notice: "the disk is full" }],
    ["reconnecting", { is: "connecting" }, { ...live, received: 2 }],
    ["connecting", { is: "connecting" }, fresh],
    ["log in again", { is: "login" }, live],
    ["not allowed", { is: "forbidden" }, live],
    ["ended", { is: "waiting", until: 9 }, { ...live, is: "closed" as const }],
  ] as const)("is %s", (words, link, state) => {
    expect(connectionWords(link, state, null, "server", 0).words).toBe(words);
  });

  it("says that it cannot resume, why, and what to do", () => {
    const trouble = { code: "log_lost", message: "the log was lost" };
    expect(connectionWords(open, { ...live, is: "failed" }, trouble, "server", 0)).toEqual({
      is: "failed",
      words: "cannot resume",
      note:
        "The log was lost. What is shown here stays until you reload the page, which shows " +
        "what the server has now.",
      how: "lost",
    });
  });

  it("explains what does not pass by itself", () => {
    const note = (link: LinkStatus, state: State) =>
      connectionWords(link, state, null, "server", 0);
    expect(note({ is: "login" }, live)).toMatchObject({ how: "lost" });
    expect(note({ is: "login" }, live).note).toContain("in another tab");
    expect(note(open, { ...live, notice: "the disk is full" }).note).toBe(
      "The disk is full. The run is paused until that is mended, and then goes on by itself.",
    );
    expect(note(open, { ...live, producer: "stalled" })).toMatchObject({ how: "passing" });
    expect(note(open, live).note).toBe("");
  });

  it("names who does not answer", () => {
    const words = (peer: Peer) => connectionWords({ is: "connecting" }, live, null, peer, 0).note;
    expect(words("server")).toContain("The Jupyter server");
    expect(words("kernel")).toContain("The kernel");
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
