import { expect, it } from "vitest";
import { oneLine, pretty, printable, shorten } from "../src/plain.ts";

it.each([
  ["\u001b[2J\u0000\u009b", "\ufffd[2J\ufffd\ufffd"],
  ["a\tb\nc", "a\tb\nc"],
  ["\u202eabc\u202c \u2066x\u2069", "\ufffdabc\ufffd \ufffdx\ufffd"],
  ["\ud83d \ude00 \ud83d\ude00", "\ufffd \ufffd \ud83d\ude00"],
  [`e${"\u0301".repeat(40)}f\u0301`, `e${"\u0301".repeat(16)}f\u0301`],
  ["שלום \u200f(1) مرحبا نمی‌خواهم", "שלום \u200f(1) مرحبا نمی‌خواهم"],
])("shows %j as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

it.each([
  ["  a \r\n\t b  ", "a b"],
  ["ad\u200bmin\u2060 \ufeffx\u00ad", "ad\ufffdmin\ufffd \ufffdx\ufffd"],
  ["a\u{e0062}", "a\ufffd"],
  ["a\u200db نمی‌خواهم 👩‍💻", "a\ufffdb نمی‌خواهم 👩‍💻"],
])("puts %j into one line: %j", (text, shown) => {
  expect(oneLine(text)).toBe(shown);
});

it("cuts between characters", () => {
  expect(shorten("😀".repeat(9), 5)).toBe("😀😀😀😀…");
  expect(shorten("😀".repeat(5), 5)).toBe("😀".repeat(5));
  expect(shorten("one  two", 5)).toBe("one…");
});

it("writes JSON with indents, unless they would be most of it", () => {
  expect(pretty({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(pretty(undefined)).toBe("");
  const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  expect(pretty(nested(50))).toContain("\n");
  expect(pretty(nested(51), "too deep")).toBe("too deep");
  expect(pretty(nested(100_000), "too deep")).toBe("too deep");
});
