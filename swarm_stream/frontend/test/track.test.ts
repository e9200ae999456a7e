/** What the map of a run is made from. */

import { expect, it } from "vitest";
import { decodeEvent } from "../src/events.ts";
import { Transcript } from "../src/fold.ts";
import { GAP_MS, StoryClock, Track } from "../src/track.ts";

function tracked(...events: object[]): Track {
  let transcript: Transcript | null = null;
  const track = new Track(() => transcript?.outcome === "failed");
  transcript = new Transcript(track);
  for (const body of events) {
    const event = decodeEvent(body);
    track.next(event.t);
    transcript.apply(event);
  }
  return track;
}

const LANES = [
  { type: "lane", t: 1000, lane: 0, name: "ann" },
  { type: "lane", t: 1000, lane: 1, name: "bob" },
];

function spans(track: Track): string[] {
  return track.spans.map(
    ({ lane, kind, from, to, failed }) =>
      `${lane} ${kind} ${Math.round(from)}-${to === null ? "" : Math.round(to)}${failed ? " failed" : ""}`,
  );
}

it("knows who was at what, and since when", () => {
  const track = tracked(
    ...LANES,
    { type: "open", t: 1100, seg: 0, lane: 0, channel: "reasoning" },
    { type: "close", t: 1200, seg: 0 },
    { type: "open", t: 1200, seg: 1, lane: 0 },
    { type: "open", t: 1300, seg: 2, lane: 1 },
    { type: "delta", t: 1400, seg: 1, text: "x" },
    { type: "close", t: 1500, seg: 1 },
    { type: "tool_call", t: 1600, call: "c", lane: 1, name: "f" },
    { type: "tool_result", t: 1900, call: "c", content: "no", is_error: true },
    { type: "input_request", t: 1900, request: "r", lane: 0, prompt: "?" },
  );
  expect(spans(track)).toEqual([
    "0 reasoning 100-200",
    "0 text 200-500",
    "1 text 300-",
    "1 tool 600-900 failed",
    "0 input 900-",
  ]);
});

it("marks turns, hand-offs, selections and errors with how many events there were", () => {
  const track = tracked(
    ...LANES,
    { type: "open", t: 1000, seg: 0, lane: 0 },
    { type: "close", t: 1000, seg: 0 },
    { type: "handoff", t: 1000, lane: 0, target: "bob" },
    { type: "select", t: 1000, lanes: [1, 0] },
    { type: "open", t: 1000, seg: 1, lane: 1 },
    { type: "open", t: 1000, seg: 2, lane: 1 },
    { type: "end", t: 1000, outcome: "failed" },
  );
  expect(track.points.map(({ kind, lane, count }) => `${kind} ${lane} ${count}`)).toEqual([
    "turn 0 3",
    "handoff 0 5",
    "select 1 6",
    "select 0 6",
    "turn 1 7",
    "error null 9",
  ]);
  expect(track.spans.every(({ to }) => to !== null)).toBe(true);
});

it("counts no end that is good as an error", () => {
  expect(tracked({ type: "end", t: 1, outcome: "completed" }).points).toEqual([]);
});

it("shortens long waits and never goes back", () => {
  const clock = new StoryClock();
  const times = [1000, 1500, 0, 1200, 1300, 1300 + 10 * GAP_MS].map((t) => clock.at(t));
  expect(times.map(Math.round)).toEqual([0, 500, 500, 500, 600, 600 + GAP_MS]);
  for (const [i, time] of times.entries())
    if (i > 0) expect(time).toBeGreaterThan(times[i - 1] ?? 0);
});
