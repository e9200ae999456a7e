import { expect, it } from "vitest";
import { Clock } from "../src/clock.ts";

function clocks() {
  const at = { running: 100, wall: 1_700_000_000_000 };
  const clock = new Clock(
    () => at.running,
    () => at.wall,
  );
  const pass = (running: number, wall: number) => {
    at.running += running;
    at.wall += wall;
    return clock.now();
  };
  return pass;
}

it("runs with the page's clock", () => {
  const pass = clocks();
  expect(pass(0, 0)).toBe(100);
  expect(pass(5000, 5000)).toBe(5100);
});

it("goes on while the computer sleeps", () => {
  const pass = clocks();
  expect(pass(1000, 3_600_000)).toBe(3_600_100);
  expect(pass(1000, 1000)).toBe(3_601_100);
});

it("does not go back with the wall clock, and sees a sleep after that", () => {
  const pass = clocks();
  expect(pass(1000, -3_600_000)).toBe(1100);
  expect(pass(1000, 1000)).toBe(2100);
  expect(pass(1000, 600_000)).toBe(602_100);
});

it("takes no clock that is being adjusted for a sleep", () => {
  const pass = clocks();
  let now = 0;
  for (let second = 0; second < 100; second += 1) now = pass(1000, 1500);
  expect(now).toBe(100_100);
});
