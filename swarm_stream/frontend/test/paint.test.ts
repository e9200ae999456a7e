// @vitest-environment jsdom
/** Draws with the frames and within their time; in order, none forgotten, none without end. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BACKLOG, LIMIT, Painter } from "../src/paint.ts";

/** How many events were drawn at once. */
let draws: number[];
/** What was drawn. */
let drawn: unknown[];
let painter: Painter;
let hidden: boolean;
/** What drawing an event takes, in ms. */
let cost: number;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      "setTimeout",
      "clearTimeout",
      "requestAnimationFrame",
      "cancelAnimationFrame",
      "performance",
    ],
  });
  hidden = false;
  cost = 0;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  draws = [];
  drawn = [];
  const start = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => start + cost * drawn.length);
  painter = new Painter(
    (event) => drawn.push(event),
    (count) => draws.push(count),
  );
});
afterEach(() => {
  painter.dispose();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function some(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

it("draws what came since the last frame at once", () => {
  painter.push(some(3));
  painter.push(some(2));
  expect(draws).toEqual([]);
  vi.advanceTimersToNextFrame();
  expect(draws).toEqual([5]);
  expect(drawn).toEqual([0, 1, 2, 0, 1]);
  vi.advanceTimersByTime(1000);
  expect(draws).toEqual([5]);
});

it("leaves what a frame has no time for to the next ones", () => {
  cost = 0.1;
  painter.push(some(1000));
  vi.advanceTimersToNextFrame();
  // The first one comes early.
  const first = drawn.length;
  expect(first).toBeGreaterThan(30);
  expect(first).toBeLessThan(100);
  painter.push(some(5));
  for (let frame = 0; frame < 20; frame += 1) vi.advanceTimersToNextFrame();
  expect(Math.max(...draws)).toBeGreaterThan(2 * first);
  expect(Math.max(...draws)).toBeLessThan(500);
  expect(drawn).toEqual([...some(1000), ...some(5)]);
});

it("does not wait for frames while there is more to come, once something is to be seen", () => {
  painter.push(some(10), true);
  expect(drawn).toEqual([]);
  for (let frame = 0; frame < 2; frame += 1) {
    vi.advanceTimersToNextFrame();
    painter.push(some(10), true);
  }
  vi.advanceTimersToNextFrame();
  const before = drawn.length;
  const told = draws.length;
  painter.push(some(20), true);
  expect(drawn.length).toBe(before + 20);
  expect(draws.length).toBe(told);
  vi.advanceTimersToNextFrame();
  expect(draws.slice(told)).toEqual([20]);
});

it("gives a page time to show itself before it is given more", async () => {
  const wait = painter.push(some(10), true);
  expect(wait).toBeInstanceOf(Promise);
  vi.advanceTimersToNextFrame();
  await wait;
  expect(draws).toEqual([10]);
  expect(painter.push(some(10), true)).toBeUndefined();
});

it("draws at least something in a frame, however long it takes", () => {
  cost = 1000;
  painter.push(some(100));
  vi.advanceTimersToNextFrame();
  expect(drawn.length).toBeGreaterThan(0);
  expect(drawn.length).toBeLessThan(100);
});

it("does in its place what must come after what waits", () => {
  cost = 0.1;
  const seen: number[] = [];
  painter.push(some(700));
  painter.after(() => seen.push(drawn.length));
  painter.push(some(1));
  painter.after(() => seen.push(drawn.length));
  expect(seen).toEqual([]);
  for (let frame = 0; frame < 20; frame += 1) vi.advanceTimersToNextFrame();
  expect(seen).toEqual([700, 701]);
});

it("goes on after an event that cannot be drawn", () => {
  painter.dispose();
  painter = new Painter(
    (event) => {
      drawn.push(event);
      if (event === 1) throw new Error("cannot draw this");
    },
    (count) => draws.push(count),
  );
  painter.push(some(3));
  expect(() => vi.advanceTimersToNextFrame()).toThrow("cannot draw this");
  vi.advanceTimersToNextFrame();
  expect(drawn).toEqual([0, 1, 2]);
});

it("draws without frames, as in a hidden page", () => {
  hidden = true;
  cost = 10;
  painter.push(some(100));
  vi.advanceTimersByTime(249);
  expect(draws).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(draws).toEqual([100]);
});

it("asks the caller to wait until little is left", async () => {
  expect(painter.push(some(BACKLOG - 1))).toBeUndefined();
  const wait = painter.push(some(1));
  expect(wait).toBeInstanceOf(Promise);
  vi.advanceTimersToNextFrame();
  await wait;
  expect(draws).toEqual([BACKLOG]);
});

it("holds no more than agreed, whether or not the caller waits", () => {
  for (let came = 0; came < LIMIT; came += 1000) painter.push(some(1000));
  expect(drawn.length).toBe(0);
  painter.push(some(10));
  expect(drawn.length).toBe(10);
  vi.advanceTimersToNextFrame();
  expect(draws).toEqual([LIMIT + 10]);
  hidden = true;
  painter.push(some(BACKLOG));
  expect(drawn.length).toBe(LIMIT + 10 + BACKLOG);
});

it("lets go of whoever waits when it is disposed", async () => {
  const wait = painter.push(some(BACKLOG));
  painter.dispose();
  await wait;
  expect(drawn).toEqual([]);
});
