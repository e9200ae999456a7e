import { expect, it } from "vitest";
import { Delivery, Histogram } from "../src/delivery.ts";

it("tells percentiles to within a quarter", () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms += 1) histogram.add(ms);
  for (const percent of [50, 95, 99]) {
    const told = histogram.percentile(percent);
    expect(told).toBeGreaterThanOrEqual(percent * 10);
    expect(told).toBeLessThan(percent * 10 * 1.25);
  }
  expect(new Histogram().percentile(50)).toBeNaN();
  histogram.add(1e9);
  expect(histogram.percentile(100)).toBe(Number.POSITIVE_INFINITY);
});

/** Events one by one: each said, received and painted then. */
function follow(delivery: Delivery, times: readonly (readonly [number, number, number])[]): void {
  for (const [said, received, painted] of times) {
    delivery.received(1, received);
    delivery.drew(said);
    expect(delivery.isWaiting).toBe(true);
    delivery.painted(painted);
  }
}

const seconds = Array.from({ length: 100 }, (_, i) => 1000 * (i + 1));

it("measures from the kernel's saying it where there is one clock", () => {
  const delivery = new Delivery(true);
  expect(delivery.words().short).toBe("");
  follow(
    delivery,
    seconds.map((t) => [t, t + 8, t + 20]),
  );
  const { short, full } = delivery.words();
  expect(short).toMatch(/^2\d ms to screen$/);
  expect(full).toContain("From its arrival in this page: p50 1");
});

it("measures above the fastest where the clocks may differ", () => {
  const delivery = new Delivery(false);
  const skew = -3_600_000;
  follow(
    delivery,
    seconds.map((t, i) => {
      const painted = t + skew + (i % 2 === 0 ? 5 : 105);
      return [t, painted - 1, painted];
    }),
  );
  expect(delivery.words().short).toMatch(/^drawn in /);
  expect(delivery.words().full).toMatch(/p95 1\d\d ms/);
});

it("does not believe in one clock when something was painted before it was said", () => {
  const delivery = new Delivery(true);
  follow(
    delivery,
    seconds.map((t) => [t, t - 70, t - 60]),
  );
  expect(delivery.words().short).toMatch(/^drawn in /);
});

it("leaves out what is history, and what has no time", () => {
  const delivery = new Delivery(true);
  delivery.received(20, null);
  delivery.received(2, 500_000);
  for (let i = 0; i < 20; i += 1) delivery.drew(1);
  expect(delivery.isWaiting).toBe(false);
  delivery.drew(0);
  delivery.drew(499_990);
  delivery.painted(500_010);
  delivery.painted(900_000);
  expect(delivery.words().short).toBe("");
  follow(
    delivery,
    seconds.map((t) => [t, t + 1, t + 2]),
  );
  expect(delivery.words().full).not.toContain(" s,");
});
