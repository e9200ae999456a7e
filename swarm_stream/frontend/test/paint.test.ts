// @vitest-environment jsdom
/** One draw for each frame, none forgotten, and no more waiting than agreed. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BACKLOG, Painter } from "../src/paint.ts";

let draws: number[];
let painter: Painter;
let hidden: boolean;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "cancelAnimationFrame"],
  });
  hidden = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  draws = [];
  painter = new Painter((batches) => draws.push(batches.flat().length));
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
  vi.advanceTimersByTime(1000);
  expect(draws).toEqual([5]);
});

it("draws without frames, as in a hidden page", () => {
  hidden = true;
  painter.push(some(1));
  vi.advanceTimersByTime(249);
  expect(draws).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(draws).toEqual([1]);
});

it("asks the caller to wait until it has drawn", async () => {
  expect(painter.push(some(BACKLOG - 1))).toBeUndefined();
  const wait = painter.push(some(1));
  expect(wait).toBeInstanceOf(Promise);
  vi.advanceTimersToNextFrame();
  await wait;
  expect(draws).toEqual([BACKLOG]);
});

it("holds no more than agreed, whether or not the caller waits", () => {
  for (let batch = 0; batch < 8; batch += 1) painter.push(some(1000));
  expect(draws).toEqual([8000]);
  hidden = true;
  painter.push(some(BACKLOG));
  expect(draws).toEqual([8000, BACKLOG]);
});

it("lets go of whoever waits when it is disposed", async () => {
  const wait = painter.push(some(BACKLOG));
  painter.dispose();
  await wait;
  expect(draws).toEqual([]);
});
