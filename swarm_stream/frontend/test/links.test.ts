import { expect, it } from "vitest";
import { destination, isSafeImage, safeLink, splitAddress } from "../src/links.ts";

it.each([
  ["https://a.org/x", "https://a.org/x", ""],
  ["https://a.org/x", "a.org", ""],
  ["https://a.org/x", "a.org/y", ""],
  ["https://a.org/x", "here", "a.org"],
  ["https://a.org/x", "b.org", "a.org"],
  ["https://b.org@a.org/", "https://b.org@a.org", "a.org"],
  ["https://a.org:8443/", "a.org", "a.org:8443"],
  ["https://аpple.com/", "аpple.com", "xn--pple-43d.com"],
  ["http://a.org\\@b.org/", "b.org", "a.org"],
  ["mailto:ann@a.org", "ann@a.org", ""],
  ["mailto:ann@a.org?subject=x", "write", "ann@a.org"],
])("links %s as %j beside %j", (address, text, shown) => {
  expect(safeLink(address, text)?.shown).toBe(shown);
});

it.each([
  "javascript:alert(1)",
  " JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "blob:https://a.org/1",
  "file:///etc/passwd",
  "ftp://a.org",
  "/api/contents",
  "//a.org",
  "a.org",
  "#x",
  "",
  "http://",
])("does not link %j", (address) => {
  expect(safeLink(address, "x")).toBeNull();
});

it.each([
  ["data:image/png;base64,iVBORw0KGgo=", true],
  ["data:image/svg+xml;base64,PHN2Zz4=", false],
  ["data:image/png,<svg>", false],
  ["https://a.org/x.png", false],
  ['data:image/png;base64,iVBO" onerror="x', false],
])("knows pictures: %s", (address, safe) => {
  expect(isSafeImage(address)).toBe(safe);
});

it.each([
  ["https://a.org", "https://a.org"],
  [' https://a.org "title"', "https://a.org"],
  ["<https://a.org> 'title'", "https://a.org"],
])("finds the address in %j", (source, address) => {
  expect(destination(source)).toBe(address);
});

it.each([
  ["https://a.org/x.", "https://a.org/x", "."],
  ["https://a.org/x_(y)", "https://a.org/x_(y)", ""],
  ["https://a.org/x).", "https://a.org/x", ")."],
  ["https://a.org/x**", "https://a.org/x", "**"],
])("splits %s", (text, address, rest) => {
  expect(splitAddress(text)).toEqual([address, rest]);
});
