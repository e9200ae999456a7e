/** One event, once, in order, or counted as missing: whatever the server and the network do. */

import { describe, expect, it } from "vitest";
import { frameOf, type StreamFrame } from "../src/frames.ts";
import { type Action, begin, type Input, type State, step } from "../src/subscriber.ts";
import { vectors } from "./vectors.ts";

type WireInput =
  | Exclude<Input, { type: "frame" }>
  | { readonly type: "frame"; readonly frame: Record<string, unknown> };

interface Vector {
  readonly initial: State;
  readonly steps: readonly {
    readonly input: WireInput;
    readonly actions: readonly Action[];
    readonly state: State;
  }[];
}

describe("vectors", () => {
  it.each(vectors<Vector>("subscriber"))("%s", (_name, { initial, steps }) => {
    let state = initial;
    for (const { input, actions, state: expected } of steps) {
      const frame = input.type === "frame" ? frameOf(input.frame) : undefined;
      const taken = input.type === "frame" ? frame && { type: input.type, frame } : input;
      const result = taken ? step(state, taken) : { state, actions: [] };
      expect(result.actions).toEqual(actions);
      expect(result.state).toEqual(expected);
      state = result.state;
    }
  });
});

describe("any history of a connection", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("seed %i", (seed) => {
    const draw = random(seed);
    const total = 60;
    const stream = "demo";
    let state = begin(stream, { wait: false });
    let head = 0;
    /** The server's cursor for us, and what it has put on the wire. */
    let cursor: number | null = null;
    let wire: StreamFrame[] = [];
    const shown: number[] = [];
    const missed: number[] = [];

    const feed = (input: Input) => {
      const result = step(state, input);
      state = result.state;
      for (const action of result.actions) {
        if (action.type === "show") {
          for (const event of action.events) shown.push(Number(event));
        } else if (action.type === "missing") {
          for (let at = action.from; at < action.to; at += 1) missed.push(at);
        } else if (action.type === "send" && action.frame.op === "subscribe") {
          const { from } = action.frame;
          cursor = from < head ? null : from;
          const about = { stream, head, tail: total };
          wire.push(
            from < head
              ? { op: "gone", ...about }
              : { op: "subscribed", from, closed: true, meta: {}, producer: "none", ...about },
          );
        }
      }
    };
    const serve = () => {
      if (cursor === null) return;
      if (cursor === total) {
        wire.push({ op: "closed", stream, tail: total });
        cursor = null;
        return;
      }
      const count = Math.min(total - cursor, 1 + Math.floor(draw() * 5));
      const offset = cursor;
      const events = Array.from({ length: count }, (_, index) => offset + index);
      wire.push({ op: "events", stream, offset, events });
      cursor += count;
    };

    for (let turn = 0; turn < 5000 && state.is !== "closed"; turn += 1) {
      const what = draw();
      const last = turn > 4000;
      if (state.is === "offline" || state.is === "failed") feed({ type: "connected" });
      else if (what < 0.04 && !last) {
        wire = [];
        cursor = null;
        feed({ type: "lost" });
      } else if (what < 0.06 && !last && wire.length > 0)
        wire.splice(Math.floor(draw() * wire.length), 1); // a broken proxy drops a frame
      else if (what < 0.08 && !last) head = Math.min(total, head + Math.floor(draw() * 4));
      else if (what < 0.1 && wire[0] && !last)
        feed({ type: "frame", frame: wire[0] }); // twice
      else if (what < 0.5) serve();
      else {
        const frame = wire.shift();
        if (frame !== undefined) feed({ type: "frame", frame });
        // A drop took the last frame that would come: only the silence limit helps then.
        else if (cursor === null) feed({ type: "lost" });
      }
    }
    expect(state.is).toBe("closed");
    expect([...shown, ...missed].sort((a, b) => a - b)).toEqual(
      Array.from({ length: total }, (_, offset) => offset),
    );
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    expect(state.received).toBe(shown.length);
    expect(state.missing).toBe(missed.length);
  });
});

/** A small generator of repeatable numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
