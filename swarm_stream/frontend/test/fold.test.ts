/** The transcript is the one that Python folds, however the events are cut into batches. */

import { describe, expect, it } from "vitest";
import { decodeEvent } from "../src/events.ts";
import { Transcript } from "../src/fold.ts";
import { vectors } from "./vectors.ts";

interface Vector {
  readonly events: readonly unknown[];
  readonly snapshot: unknown;
}

describe("vectors", () => {
  it.each(vectors<Vector>("fold"))("%s", (_name, { events, snapshot }) => {
    const transcript = new Transcript();
    transcript.extend(events.map(decodeEvent));
    expect(transcript.snapshot()).toEqual(snapshot);
  });

  it.each(vectors<Vector>("fold"))("%s, looked at after each event", (_name, vector) => {
    const transcript = new Transcript();
    for (const event of vector.events) {
      transcript.apply(decodeEvent(event));
      transcript.snapshot();
    }
    expect(transcript.snapshot()).toEqual(vector.snapshot);
  });
});

it("never fails on what is no event", () => {
  const transcript = new Transcript();
  for (const body of [null, 3, "x", [], { type: 7 }, { type: "toString" }]) {
    transcript.apply(decodeEvent(body));
  }
  transcript.apply(decodeEvent({ type: "part", index: 0, count: 1, data: "{not json" }));
  expect(transcript.items.every(({ kind }) => kind === "unknown")).toBe(true);
  expect(transcript.count).toBe(7);
});

it("knows what is unanswered and whether the run is paused", () => {
  const transcript = new Transcript();
  const apply = (body: object) => transcript.apply(decodeEvent(body));
  apply({ type: "input_request", request: "r", lane: 0 });
  apply({ type: "control", id: "c", action: "pause" });
  expect(transcript.waiting.map(({ request }) => request)).toEqual(["r"]);
  expect(transcript.paused).toBe(true);
  apply({ type: "input_reply", request: "r", content: "yes" });
  apply({ type: "control", id: "d", action: "resume" });
  expect(transcript.waiting).toEqual([]);
  expect(transcript.paused).toBe(false);
});
