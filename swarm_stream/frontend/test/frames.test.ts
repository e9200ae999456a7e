import { expect, it } from "vitest";
import { BadFrameError, decodeFrame, encodeFrame, isStreamName } from "../src/frames.ts";

it("reads a frame and ignores unknown fields", () => {
  const text = '{"op":"closed","stream":"a","tail":3,"mood":"fine"}';
  expect(decodeFrame(text)).toEqual({ op: "closed", stream: "a", tail: 3 });
});

it.each(["", "{", "[]", "3", "null", '"x"'])("does not take %j for a frame", (text) => {
  expect(() => decodeFrame(text)).toThrow(BadFrameError);
});

it.each([
  '{"op":"later","stream":"a"}',
  '{"op":"events","stream":"a","offset":-1,"events":[]}',
  '{"op":"events","stream":"a","offset":1.5,"events":[]}',
  '{"op":"events","stream":"a","offset":9007199254740992,"events":[]}',
  '{"op":"events","stream":7,"offset":0,"events":[]}',
  '{"op":"gone","stream":"a","head":0}',
  '{"op":"subscribed","stream":"a","from":0,"head":0,"tail":"1"}',
  '{"op":"controlled","stream":"a"}',
  "{}",
])("ignores %s", (text) => {
  expect(decodeFrame(text)).toBeNull();
});

it("keeps the largest offset", () => {
  const text = '{"op":"gone","stream":"a","head":9007199254740991,"tail":9007199254740991}';
  expect(decodeFrame(text)).toMatchObject({ head: 2 ** 53 - 1 });
});

it("reads an error with and without a stream", () => {
  expect(decodeFrame('{"op":"error","code":"bad_frame","message":"no","cause":"later"}')).toEqual({
    op: "error",
    stream: "",
    code: "bad_frame",
    message: "no",
    cause: "later",
  });
});

it("writes frames as the protocol names them", () => {
  expect(encodeFrame({ op: "subscribe", stream: "a", from: 3, wait: true })).toBe(
    '{"op":"subscribe","stream":"a","from":3,"wait":true}',
  );
});

it.each([
  ["a.b_c~d-E9", true],
  ["", false],
  ["a/b", false],
  ["x".repeat(201), false],
])("knows names of streams: %j", (name, good) => {
  expect(isStreamName(name)).toBe(good);
});
