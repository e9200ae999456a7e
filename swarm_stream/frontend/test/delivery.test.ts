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

it("measures from the kernel's saying it where there is one clock", () => {
  const delivery = new Delivery(true);
  expect(delivery.words().short).toBe("");
  for (let i = 0; i < 100; i += 1) delivery.add([1000 * i], 1000 * i + 8, 1000 * i + 20);
  const { short, full } = delivery.words();
  expect(short).toMatch(/^2\d ms to screen$/);
  expect(full).toContain("From its arrival in this page: p50 1");
});

it("measures above the fastest where the clocks may differ", () => {
  const delivery = new Delivery(false);
  const skew = -3_600_000;
  for (let i = 0; i < 100; i += 1) {
    const painted = 1000 * i + skew + (i % 2 === 0 ? 5 : 105);
    delivery.add([1000 * i], painted - 1, painted);
  }
  expect(delivery.words().short).toMatch(/^\+/);
  expect(delivery.words().full).toMatch(/p95 1\d\d ms/);
});
