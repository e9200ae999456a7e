import { expect, it } from "vitest";
import { Pace } from "../src/pace.ts";

it("tells chunks a second over the last five", () => {
  const pace = new Pace();
  expect(pace.rate(0)).toBe(0);
  for (let t = 0; t < 20_000; t += 100) pace.add(t);
  expect(pace.rate(19_999)).toBe(10);
  expect(pace.rate(60_000)).toBe(0);
});

it("knows when the first chunk came", () => {
  const pace = new Pace();
  expect(pace.first).toBeNull();
  pace.add(1500);
  pace.add(1600);
  expect(pace.first).toBe(1500);
});

it("draws the whole run with a bounded number of bars", () => {
  const pace = new Pace();
  for (let t = 0; t < 3_600_000; t += 400) pace.add(t);
  const shape = pace.shape();
  expect(shape.length).toBeLessThanOrEqual(60);
  expect(shape.length).toBeGreaterThan(25);
  // A steady run is a flat line; its last bar is not full yet.
  expect(Math.min(...shape.slice(0, -1))).toBeGreaterThan(0.95);
});

it("shows where it was quiet", () => {
  const pace = new Pace();
  for (let t = 0; t < 1000; t += 10) pace.add(t);
  for (let t = 3000; t < 4000; t += 10) pace.add(t);
  const shape = pace.shape();
  expect(shape).toHaveLength(16);
  expect(shape.slice(4, 12)).toEqual(Array(8).fill(0));
  expect(shape.at(-1)).toBe(1);
});

it("takes a clock that was set back", () => {
  const pace = new Pace();
  for (const t of [5000, 6000, 2000, 6100]) pace.add(t);
  expect(pace.shape().reduce((sum, height) => sum + height, 0)).toBeGreaterThan(1);
  expect(pace.rate(6100)).toBe(2);
});
