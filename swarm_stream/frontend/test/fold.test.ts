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

describe("a hole", () => {
  const holed = (...bodies: object[]) => {
    const transcript = new Transcript();
    transcript.extend(
      [
        { type: "lane", lane: 0, name: "ann" },
        { type: "open", seg: 0, lane: 0 },
        { type: "delta", seg: 0, text: "before " },
      ].map(decodeEvent),
    );
    transcript.missed(3, 9);
    transcript.extend(bodies.map(decodeEvent));
    return transcript;
  };
  const shape = ({ items }: Transcript) =>
    items.map((item) => (item.kind === "segment" ? `${item.lane} ${item.text}` : item.kind));

  it("stands between what was said before and after it", () => {
    const transcript = holed({ type: "delta", seg: 0, text: "after" }, { type: "close", seg: 0 });
    expect(shape(transcript)).toEqual(["0 before ", "gap", "0 after"]);
    expect(transcript.textByLane().get(0)).toBe("before after");
    expect(transcript.snapshot().items).toMatchObject([{ open: false }, {}, { open: false }]);
  });

  it("may have taken all the rest of what was open", () => {
    expect(shape(holed({ type: "close", seg: 0 }))).toEqual(["0 before ", "gap"]);
    expect(shape(holed({ type: "open", seg: 1, lane: 0 }))).toEqual(["0 before ", "gap", "0 "]);
  });

  it("does not join the halves of a large event", () => {
    const transcript = new Transcript();
    transcript.apply(decodeEvent({ type: "part", index: 0, count: 2, data: '{"lane":0,' }));
    transcript.missed(1, 4);
    const rest = '"type":"handoff","target":"ann"}';
    transcript.apply(decodeEvent({ type: "part", index: 1, count: 2, data: rest }));
    expect(shape(transcript)).toEqual(["gap"]);
  });

  it("may have a resume in it", () => {
    const transcript = holed();
    transcript.apply(decodeEvent({ type: "control", id: "c", action: "pause" }));
    expect(transcript.paused).toBe(true);
    transcript.apply(decodeEvent({ type: "delta", seg: 0, text: "x" }));
    expect(transcript.paused).toBe(false);
  });
});
