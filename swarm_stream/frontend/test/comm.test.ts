/** Frames through a widget's comm: one at a time, and repaired where one is lost. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CommLink } from "../src/comm.ts";
import type { ClientFrame, StreamFrame } from "../src/frames.ts";
import { events, FakeWatcher, subscribed } from "./fakes.ts";

interface Sent {
  readonly kind: string;
  readonly socket: string;
  readonly n?: number;
  readonly text?: string;
}

class FakeModel {
  sent: Sent[] = [];
  /** The socket that was opened last. */
  socket = "";
  private callback: (content: unknown) => void = () => {};

  send(content: unknown): void {
    // What the link sends is what this file says it sends.
    const message = content as Sent;
    this.sent.push(message);
    if (message.kind === "open") this.socket = message.socket;
  }
  on(_event: string, callback: (content: unknown) => void): void {
    this.callback = callback;
  }
  off(): void {
    this.callback = () => {};
  }

  give(content: unknown): void {
    this.callback(content);
  }
  frame(n: number, frame: StreamFrame): void {
    this.give({ kind: "frame", socket: this.socket, n, text: JSON.stringify(frame) });
  }
  /** What was sent since the last call, in words. */
  news(): string[] {
    return this.sent.splice(0).map(({ kind, n, text }) => {
      if (kind === "ack") return `ack ${n}`;
      if (kind !== "frame") return kind;
      const frame = JSON.parse(text ?? "") as ClientFrame;
      return frame.op === "subscribe" ? `subscribe ${frame.from}` : frame.op;
    });
  }
}

let model: FakeModel;
let watcher: FakeWatcher;
let link: CommLink;
let socket: string;

beforeEach(() => {
  vi.useFakeTimers();
  model = new FakeModel();
  watcher = new FakeWatcher();
  link = new CommLink(model, "through the kernel");
  link.follow("a", { wait: true }, watcher);
  socket = model.socket;
});
afterEach(() => {
  link.dispose();
  vi.useRealTimers();
});

it("opens a socket and subscribes", () => {
  expect(model.news()).toEqual(["open", "subscribe 0"]);
  expect(socket).toMatch(/^[0-9a-f]{24}$/);
});

it("acknowledges each frame once it was taken", async () => {
  model.news();
  model.frame(1, subscribed("a", 0, 2));
  await vi.advanceTimersByTimeAsync(0);
  expect(watcher.status).toEqual({ is: "open" });
  model.frame(2, events("a", 0, 2));
  let release = () => {};
  watcher.wait = new Promise((resolve) => {
    release = resolve;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(model.news()).toEqual(["ack 1", "ack 2"]);
  model.frame(3, events("a", 2, 1));
  await vi.advanceTimersByTimeAsync(0);
  expect(model.news()).toEqual([]);
  release();
  await vi.advanceTimersByTimeAsync(0);
  expect(model.news()).toEqual(["ack 3"]);
  expect(watcher.shown).toEqual([0, 1, 2]);
});

it("asks on a new socket where a frame was lost", async () => {
  model.frame(1, subscribed("a", 0, 4));
  model.frame(2, events("a", 0, 1));
  await vi.advanceTimersByTimeAsync(0);
  model.news();
  model.give({ kind: "frame", socket, n: 4, text: JSON.stringify(events("a", 2, 1)) });
  expect(model.sent.map(({ kind }) => kind)).toEqual(["close", "open", "frame"]);
  expect(model.socket).not.toBe(socket);
  expect(model.news()).toEqual(["close", "open", "subscribe 1"]);
  expect(watcher.shown).toEqual([0]);
});

it("ignores other sockets, other messages and what came twice", () => {
  model.news();
  model.frame(1, subscribed("a", 0, 4));
  model.frame(2, events("a", 0, 1));
  model.frame(2, events("a", 0, 1));
  const text = JSON.stringify(events("a", 1, 1));
  model.give({ kind: "frame", socket: "other", n: 1, text });
  model.give({ kind: "greeting" });
  model.give(null);
  model.give({ kind: "frame", socket, n: "3", text });
  expect(watcher.shown).toEqual([0]);
  expect(watcher.state?.doubled).toBe(0);
});

it("gives signs of life, and opens another socket when the kernel gives none", async () => {
  model.frame(1, subscribed("a", 0, 0));
  await vi.advanceTimersByTimeAsync(0);
  model.news();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(model.news()).toEqual(["heartbeat"]);
  await vi.advanceTimersByTimeAsync(15_001);
  expect(model.news()).toEqual(["heartbeat", "close", "open", "subscribe 0"]);
  expect(watcher.status).toEqual({ is: "connecting" });
});

it("closes its socket in the end", () => {
  model.news();
  link.dispose();
  expect(model.news()).toEqual(["close"]);
});
