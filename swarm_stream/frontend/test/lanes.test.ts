/** The colours of lanes: a white letter is readable on each, and twelve agents have twelve. */

import { expect, test } from "vitest";
import { laneColour } from "../src/lanes.ts";

const COLOURS = Array.from({ length: 12 }, (_, lane) => laneColour(lane));

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

test("twelve agents have twelve colours", () => {
  expect(new Set(COLOURS).size).toBe(12);
  expect(laneColour(12)).toBe(laneColour(0));
});

test.each(COLOURS)("a white letter is readable on %s", (colour) => {
  expect(1.05 / (luminance(colour) + 0.05)).toBeGreaterThan(4.5);
});
