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

  later(ms: number, type: "tick" | "seen" | "online" | "heard" = "tick"): this {
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
  expect(harness.state).toEqual({ is: "waiting", attempt: 1, until: 50, first: true });
  expect(harness.later(49).orders).toEqual([]);
  expect(harness.later(1).orders).toEqual(["ask"]);
});

it("opens again without asking, and asks why where that fails, but does not wait for it", () => {
  const harness = new Harness().open().happen({ type: "closed", code: 1006 });
  expect(harness.later(50).orders).toEqual(["open"]);
  expect(harness.happen({ type: "closed", code: 1006 }).orders).toEqual(["ask"]);
  expect(harness.state).toEqual({ is: "waiting", attempt: 2, until: 150, first: false });
  expect(harness.later(100).orders).toEqual(["open"]);
  expect(harness.happen({ type: "opened" }).state.is).toBe("open");
});

it.each([null, 200, 502])("goes on where the reason is no reason to stop: %s", (status) => {
  const harness = new Harness().open().happen({ type: "closed", code: 1006 }).later(50);
  const { state } = harness.happen({ type: "closed", code: 1006 });
  expect(harness.happen({ type: "info", status })).toMatchObject({ state, orders: [] });
  const opening = harness.later(100).state;
  expect(harness.happen({ type: "info", status })).toMatchObject({ state: opening, orders: [] });
});

it.each([
  [401, "login"],
  [403, "login"],
  [404, "absent"],
] as const)("stops where the reason is %i, whenever that is told", (status, reason) => {
  for (const wait of [0, 100]) {
    const harness = new Harness().open().happen({ type: "closed", code: 1006 }).later(50);
    harness.happen({ type: "closed", code: 1006 }).later(wait);
    expect(harness.state.is).toBe(wait === 0 ? "waiting" : "opening");
    expect(harness.happen({ type: "info", status })).toMatchObject({
      state: { is: "stopped", reason },
      orders: ["close"],
    });
  }
  // A connection that works knows better.
  const open = new Harness().open().happen({ type: "info", status });
  expect(open.state.is).toBe("open");
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
    if (attempt === 0) harness.happen({ type: "info", status: 200 });
    harness.happen({ type: "opened" }).happen({ type: "closed", code: 1006 });
    const until = nextTick(harness.state) ?? 0;
    waits.push(until - harness.now);
    harness.later(until - harness.now);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  harness.happen({ type: "opened" });
  harness.happen({ type: "heard" }).happen({ type: "closed", code: 1012 });
  expect((nextTick(harness.state) ?? 0) - harness.now).toBe(100);
});

it("leaves a full server alone for longer", () => {
  const harness = new Harness();
  harness.draw = 1;
  harness.open().happen({ type: "closed", code: 1013 });
  expect(nextTick(harness.state)).toBe(3200);
});

describe("the network is back", () => {
  it("while it waits", () => {
    const harness = new Harness().open().happen({ type: "closed", code: 1006 });
    expect(harness.later(1, "online").orders).toEqual(["close", "open"]);
    expect(harness.state).toEqual({ is: "opening", attempt: 0, since: 1 });
  });

  it("while a socket looks open, which it may not be", () => {
    expect(new Harness().open().later(1, "online").orders).toEqual(["close", "open"]);
  });

  it("while an attempt hangs", () => {
    const harness = new Harness().happen({ type: "wanted" });
    expect(harness.later(9000, "online").orders).toEqual(["close", "ask"]);
    harness.happen({ type: "info", status: 200 });
    expect(harness.later(9000, "online").orders).toEqual(["close", "open"]);
    // The limit counts from the new attempt.
    expect(harness.later(9000).orders).toEqual([]);
  });

  it("while nobody wants it, or nothing can come of it", () => {
    expect(new Harness().later(1, "online").orders).toEqual([]);
    const stopped = new Harness().open().happen({ type: "closed", code: 4403 });
    expect(stopped.later(1, "online").orders).toEqual([]);
  });
});

describe("the page is seen again", () => {
  it("while it waits", () => {
    const harness = new Harness().open().happen({ type: "closed", code: 1006 });
    expect(harness.later(1, "seen").orders).toEqual(["open"]);
    const first = new Harness().happen({ type: "wanted" }).happen({ type: "info", status: null });
    expect(first.later(1, "seen").orders).toEqual(["ask"]);
  });

  it("leaves a connection alone that was heard of lately", () => {
    expect(new Harness().open().later(9_999, "seen").orders).toEqual([]);
  });

  it("does not trust one that has missed a heartbeat", () => {
    expect(new Harness().open().later(12_000, "seen").orders).toEqual(["close", "open"]);
  });

  it("asks whether somebody has logged in meanwhile", () => {
    const harness = new Harness().happen({ type: "wanted" }).happen({ type: "info", status: 403 });
    expect(harness.later(1, "seen").orders).toEqual(["ask"]);
    const forbidden = new Harness().open().happen({ type: "closed", code: 4403 });
    expect(forbidden.later(1, "seen").orders).toEqual([]);
  });
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
    expect(new Harness().open().later(3_600_000).orders).toEqual(["close"]);
  });
});

it("gives up an attempt that hangs", () => {
  const harness = new Harness().happen({ type: "wanted" });
  expect(harness.later(10_000).orders).toEqual(["close"]);
  expect(harness.state.is).toBe("waiting");
  expect(harness.later(50).happen({ type: "info", status: 200 }).orders).toEqual(["open"]);
  expect(harness.later(10_000).orders).toEqual(["close"]);
  // Nobody answered, so nobody is asked.
  expect(harness.later(100).orders).toEqual(["open"]);
});

it("hangs up when nobody wants it, and ignores what still comes", () => {
  const harness = new Harness().open().happen({ type: "unwanted" });
  expect(harness.orders).toEqual(["close"]);
  for (const type of ["heard", "opened", "tick", "seen", "online", "sent", "unwanted"] as const) {
    expect(harness.happen({ type })).toMatchObject({ state: { is: "idle" }, orders: [] });
  }
  expect(nextTick(harness.state)).toBeNull();
});

it("jitters fully", () => {
  expect(delayMs(3, 0)).toBe(0);
  expect(delayMs(3, 0.5)).toBe(400);
  expect(delayMs(1e9, 1)).toBe(LIMIT_MS);
});
