/** The page's connection comes back by itself, and stops only where that would be in vain. */

import { describe, expect, it } from "vitest";
import { delayMs, LIMIT_MS } from "../src/backoff.ts";
import { type Connection, type Happening, nextTick, type Order, turn } from "../src/connection.ts";

class Harness {
  state: Connection = { is: "idle" };
  now = 0;
  draw = 0.5;
  orders: readonly Order[] = [];

  happen(happening: Happening): this {
    ({ state: this.state, orders: this.orders } = turn(this.state, happening, this));
    return this;
  }

  open(): this {
    this.happen({ type: "wanted" }).happen({ type: "info", status: 200 });
    return this.happen({ type: "opened" });
  }

  later(ms: number, type: "tick" | "nudge" | "heard" = "tick"): this {
    this.now += ms;
    return this.happen({ type });
  }
}

it("asks before it opens", () => {
  const harness = new Harness().happen({ type: "wanted" });
  expect(harness.orders).toEqual(["ask"]);
  harness.happen({ type: "info", status: 200 });
  expect(harness.orders).toEqual(["open"]);
  expect(harness.happen({ type: "opened" }).state.is).toBe("open");
});

it.each([
  [403, { is: "stopped", reason: "login" }],
  [401, { is: "stopped", reason: "login" }],
  [404, { is: "stopped", reason: "absent" }],
] as const)("stops on %i, until a view asks again", (status, state) => {
  const harness = new Harness().happen({ type: "wanted" }).happen({ type: "info", status });
  expect(harness.state).toEqual(state);
  expect(harness.later(1e6).state).toEqual(state);
  expect(harness.happen({ type: "wanted" }).orders).toEqual(["ask"]);
});

it.each([null, 500, 502, 503])("tries again where info gives %s", (status) => {
  const harness = new Harness().happen({ type: "wanted" }).happen({ type: "info", status });
  expect(harness.state).toEqual({ is: "waiting", attempt: 1, until: 50 });
  expect(harness.later(49).orders).toEqual([]);
  expect(harness.later(1).orders).toEqual(["ask"]);
});

it.each([
  [4401, "login"],
  [4403, "forbidden"],
] as const)("stops when it is closed with %i", (code, reason) => {
  const harness = new Harness().open().happen({ type: "closed", code });
  expect(harness.state).toEqual({ is: "stopped", reason });
});

it("waits longer each time until something is heard", () => {
  const harness = new Harness();
  harness.draw = 1;
  harness.happen({ type: "wanted" });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 9; attempt += 1) {
    harness.happen({ type: "info", status: 200 }).happen({ type: "opened" });
    harness.happen({ type: "closed", code: 1006 });
    const until = nextTick(harness.state) ?? 0;
    waits.push(until - harness.now);
    harness.later(until - harness.now);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  harness.happen({ type: "info", status: 200 }).happen({ type: "opened" });
  harness.happen({ type: "heard" }).happen({ type: "closed", code: 1012 });
  expect((nextTick(harness.state) ?? 0) - harness.now).toBe(100);
});

it("leaves a full server alone for longer", () => {
  const harness = new Harness();
  harness.draw = 1;
  harness.open().happen({ type: "closed", code: 1013 });
  expect(nextTick(harness.state)).toBe(3200);
});

it("does not wait when the network or the page comes back", () => {
  const harness = new Harness().open().happen({ type: "closed", code: 1006 });
  expect(harness.later(1, "nudge").orders).toEqual(["ask"]);
});

describe("heartbeats", () => {
  it("sends one after ten seconds without sending, also when a frame wakes it", () => {
    const harness = new Harness().open();
    expect(harness.later(9_999).orders).toEqual([]);
    expect(harness.later(1).orders).toEqual(["heartbeat"]);
    expect(harness.later(9_999, "heard").orders).toEqual([]);
    expect(harness.later(1, "heard").orders).toEqual(["heartbeat"]);
    harness.happen({ type: "sent" });
    expect(nextTick(harness.state)).toBe(30_000);
  });

  it("gives up a peer that was silent for 25 seconds", () => {
    const harness = new Harness().open();
    harness.later(24_999);
    expect(harness.later(1).orders).toEqual(["close"]);
    expect(harness.state.is).toBe("waiting");
  });

  it("finds out after a sleep", () => {
    expect(new Harness().open().later(3_600_000, "nudge").orders).toEqual(["close"]);
  });
});

it("gives up an attempt that hangs", () => {
  const harness = new Harness().happen({ type: "wanted" });
  expect(harness.later(10_000).orders).toEqual(["close"]);
  expect(harness.state.is).toBe("waiting");
});

it("hangs up when nobody wants it, and ignores what still comes", () => {
  const harness = new Harness().open().happen({ type: "unwanted" });
  expect(harness.orders).toEqual(["close"]);
  for (const type of ["heard", "opened", "tick", "nudge", "sent", "unwanted"] as const) {
    expect(harness.happen({ type })).toMatchObject({ state: { is: "idle" }, orders: [] });
  }
  expect(nextTick(harness.state)).toBeNull();
});

it("jitters fully", () => {
  expect(delayMs(3, 0)).toBe(0);
  expect(delayMs(3, 0.5)).toBe(400);
  expect(delayMs(1e9, 1)).toBe(LIMIT_MS);
});
