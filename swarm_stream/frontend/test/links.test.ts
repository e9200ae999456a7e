import { expect, it } from "vitest";
import { destination, isSafeImage, safeLink, splitAddress } from "../src/links.ts";

it.each([
  ["https://a.org/x", "https://a.org/x", ""],
  ["https://a.org/x", "a.org", ""],
  ["https://a.org/x", "a.org/y", "https://a.org/x"],
  ["https://a.org/x/", "https://a.org/x", ""],
  ["https://a.org/x", "here", "a.org"],
  ["https://a.org/x", "b.org", "a.org"],
  ["https://b.org@a.org/", "https://b.org@a.org", "a.org"],
  ["https://a.org:8443/", "a.org", "a.org:8443"],
  ["https://аpple.com/", "аpple.com", "xn--pple-43d.com"],
  ["http://a.org\\@b.org/", "b.org", "a.org"],
  ["mailto:ann@a.org", "ann@a.org", ""],
  ["mailto:ann@a.org?subject=x", "write", "ann@a.org"],
  ["https://a.org/x", "https://a.org/y", "https://a.org/x"],
  ["https://a.org/x?y#z", "A.org/x?y#z", ""],
  ["https://a.org/ä", "https://a.org/ä", ""],
])("links %s as %j beside %j", (address, text, shown) => {
  expect(safeLink(address, text)?.shown).toBe(shown);
});

it.each([
  ["https://a.org/x", "here", false],
  ["https://a.org/x", "version 1.2 of it", false],
  ["https://a.org/x", "a.org", false],
  ["https://a.org/x", "a.org/y", true],
  ["https://a.org/x", "see b.org", true],
  ["https://a.org/x", "ｂ．ｏｒｇ", true],
  ["https://a.org/x", "b。org", true],
  ["https://a.org/x", "b\u200b.org", true],
  ["https://a.org/x", "b\u200b org", true],
  ["https://a.org/x", "//b", true],
  ["https://a.org/x", "10.0.0.1", true],
  ["https://a.org/x", "ann@b", true],
  ["https://аpple.com/", "аpple.com", true],
  ["https://b.org@a.org/", "https://b.org@a.org", true],
  ["mailto:ann@a.org", "ann@a.org", false],
  ["mailto:eve@a.org", "ann@a.org", true],
])("knows whether for %s the text %j lies: %j", (address, text, lies) => {
  expect(safeLink(address, text)?.lies).toBe(lies);
});

it.each([
  ["https://b.org:x@a.org/p", "https://a.org/p"],
  ["mailto:ann@a.org?bcc=eve@b.org&body=x", "mailto:ann@a.org"],
])("takes from %s what a reader is not told of", (address, href) => {
  expect(safeLink(address, "x")?.href).toBe(href);
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
  "mailto:?to=eve@a.org",
  "mailto:ann@a.org eve@b.org",
  "mailto:ann@a.org,eve@b.org",
  "mailto:ann@a.org%E2%80%AEx",
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
