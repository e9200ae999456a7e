// @vitest-environment jsdom
/** The page's connection over sockets that the test plays: it notices, and it comes back. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Following } from "../src/link.ts";
import { PageSocket } from "../src/socket.ts";
import { events, FakeWatcher, subscribed } from "./fakes.ts";

/** The server's end of a socket. */
class FakeSocket {
  static all: FakeSocket[] = [];
  /** Whether new ones open by themselves. */
  static reachable = true;
  static readonly OPEN = 1;
  readonly readyState = 1;
  readonly sent: { op: string; from?: number }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;
  constructor() {
    FakeSocket.all.push(this);
    if (FakeSocket.reachable) setTimeout(() => this.onopen?.(), 1);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  give(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const last = (): FakeSocket => {
  const socket = FakeSocket.all.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
};
const asksFor = () => last().sent.filter(({ op }) => op === "subscribe");

let info: ReturnType<typeof vi.fn>;
let watcher: FakeWatcher;
let following: Following;

const says = (status: number) => async () =>
  new Response(JSON.stringify({ server: "one" }), { status });

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  FakeSocket.reachable = true;
  info = vi.fn(says(200));
  vi.stubGlobal("fetch", info);
  vi.stubGlobal("WebSocket", FakeSocket);
  watcher = new FakeWatcher();
  following = new PageSocket("/").follow("a", { wait: true }, watcher);
  await vi.advanceTimersByTimeAsync(10);
  last().give(subscribed("a", 0, 3));
  last().give(events("a", 0, 3));
});
afterEach(() => {
  following.stop();
  vi.advanceTimersByTime(1001); // it hangs up a moment after the last view has left
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("notices within 25 s that nothing comes any more, and asks for what follows", async () => {
  await vi.advanceTimersByTimeAsync(24_990);
  expect(FakeSocket.all).toHaveLength(1);
  expect(last().sent.filter(({ op }) => op === "heartbeat")).toHaveLength(2);
  // The limit, and the first wait before connecting again.
  await vi.advanceTimersByTimeAsync(10 + 110);
  expect(FakeSocket.all).toHaveLength(2);
  expect(FakeSocket.all[0]?.closed).toBe(true);
  expect(asksFor()).toMatchObject([{ from: 3 }]);
});

it("stays where a heartbeat comes", async () => {
  for (let beat = 0; beat < 10; beat += 1) {
    await vi.advanceTimersByTimeAsync(20_000);
    last().give({ op: "heartbeat", t: 0 });
  }
  expect(FakeSocket.all).toHaveLength(1);
});

it("takes nothing more from a socket that it has given up", async () => {
  await vi.advanceTimersByTimeAsync(26_000);
  FakeSocket.all[0]?.give(events("a", 3, 1));
  expect(watcher.shown).toEqual([0, 1, 2]);
  last().give(subscribed("a", 3, 4));
  last().give(events("a", 3, 1));
  expect(watcher.shown).toEqual([0, 1, 2, 3]);
  expect(watcher.state).toMatchObject({ missing: 0, doubled: 0 });
});

it("is back at once when the browser is online again, though its socket looked open", async () => {
  globalThis.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(1);
  expect(FakeSocket.all).toHaveLength(2);
  expect(asksFor()).toMatchObject([{ from: 3 }]);
  expect(info).toHaveBeenCalledTimes(1);
});

it("is back at once in the middle of a long wait", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  info.mockRejectedValue(new TypeError("no network"));
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = false;
  for (let attempt = 0; attempt < 7; attempt += 1) {
    await vi.advanceTimersByTimeAsync(5000);
    last().onclose?.({ code: 1006 });
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(watcher.status?.is).toBe("waiting");
  FakeSocket.reachable = true;
  globalThis.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(1);
  expect(watcher.status?.is).toBe("open");
});

it("is not held up by a question that hangs", async () => {
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = false;
  info.mockReturnValue(new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(110);
  last().onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(210);
  last().onclose?.({ code: 1006 });
  expect(FakeSocket.all).toHaveLength(3);
  FakeSocket.reachable = true;
  await vi.advanceTimersByTimeAsync(410);
  expect(watcher.status?.is).toBe("open");
  expect(info).toHaveBeenCalledTimes(2);
});

it("does not take an answer from before it was open", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  let answer: (response: Response) => void = () => {};
  info.mockReturnValue(new Promise((resolve) => (answer = resolve)));
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = false;
  await vi.advanceTimersByTimeAsync(60);
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = true;
  await vi.advanceTimersByTimeAsync(210);
  expect(watcher.status?.is).toBe("open");
  last().onclose?.({ code: 1006 });
  answer(new Response("{}", { status: 404 }));
  await vi.advanceTimersByTimeAsync(0);
  expect(watcher.status?.is).toBe("waiting");
  // And it asks anew where it has to.
  info.mockImplementation(says(403));
  FakeSocket.reachable = false;
  await vi.advanceTimersByTimeAsync(410);
  last().onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(1);
  expect(watcher.status).toEqual({ is: "login" });
});

it("asks again when a question that hung has ended", async () => {
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = false;
  let fail: (error: Error) => void = () => {};
  info.mockReturnValue(new Promise((_, reject) => (fail = reject)));
  await vi.advanceTimersByTimeAsync(110);
  last().onclose?.({ code: 1006 });
  fail(new DOMException("", "TimeoutError"));
  info.mockImplementation(says(403));
  await vi.advanceTimersByTimeAsync(210);
  last().onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(1);
  expect(watcher.status).toEqual({ is: "login" });
});

it("does not take the answer to a question that was given up", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  let answer: (response: Response) => void = () => {};
  last().onclose?.({ code: 1006 });
  FakeSocket.reachable = false;
  info.mockReturnValue(new Promise((resolve) => (answer = resolve)));
  await vi.advanceTimersByTimeAsync(110);
  last().onclose?.({ code: 1006 });
  globalThis.dispatchEvent(new Event("online"));
  info.mockReturnValue(new Promise(() => {}));
  last().onclose?.({ code: 1006 });
  answer(new Response("{}", { status: 403 }));
  await vi.advanceTimersByTimeAsync(10);
  expect(watcher.status?.is).toBe("waiting");
});

it("says to log in again, and looks whether somebody did when the page is seen", async () => {
  info.mockImplementation(says(403));
  FakeSocket.reachable = false;
  last().onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(110);
  last().onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(10);
  expect(watcher.status).toEqual({ is: "login" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(watcher.status).toEqual({ is: "login" });
  info.mockImplementation(says(200));
  FakeSocket.reachable = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(10);
  expect(watcher.status).toEqual({ is: "open" });
  expect(asksFor()).toMatchObject([{ from: 3 }]);
});

it("is asked once for all views, and anew after a break", async () => {
  const page = new PageSocket("/shared/");
  info.mockClear();
  expect(await page.info()).toEqual({ status: 200, server: "one" });
  const other = page.follow("b", { wait: true }, new FakeWatcher());
  await vi.advanceTimersByTimeAsync(10);
  expect(last().sent).toMatchObject([{ op: "subscribe", stream: "b" }]);
  expect(await page.info()).toEqual({ status: 200, server: "one" });
  expect(info).toHaveBeenCalledTimes(1);
  last().onclose?.({ code: 1006 });
  info.mockImplementation(says(404));
  expect(await page.info()).toEqual({ status: 404, server: "" });
  other.stop();
});

it.each([
  ["/login?next=%2F", 200, 403],
  ["/voila/files/swarm-stream/info", 403, 404],
])("knows what it means to be sent to %s", async (path, status, meant) => {
  const sent = new Response("{}", { status });
  Object.defineProperties(sent, {
    redirected: { value: true },
    url: { value: `http://host.test${path}` },
  });
  info.mockResolvedValue(sent);
  expect(await new PageSocket("/").info()).toEqual({ status: meant, server: "" });
});

it("connects early, and hangs up where no view comes", async () => {
  const page = new PageSocket("/early/");
  page.warm();
  await vi.advanceTimersByTimeAsync(10);
  const early = last();
  const other = page.follow("b", { wait: true }, new FakeWatcher());
  expect(early.sent).toMatchObject([{ op: "subscribe", stream: "b" }]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(early.closed).toBe(false);
  other.stop();
  await vi.advanceTimersByTimeAsync(1001);
  expect(early.closed).toBe(true);
  page.warm();
  await vi.advanceTimersByTimeAsync(10);
  const idle = last();
  expect(idle).not.toBe(early);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(idle.closed).toBe(true);
});
