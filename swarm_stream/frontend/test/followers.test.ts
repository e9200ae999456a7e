/** Several views of one connection, and of one stream. */

import { expect, it } from "vitest";
import { Followers } from "../src/followers.ts";
import type { ClientFrame } from "../src/frames.ts";
import { asked, events, FakeWatcher, subscribed } from "./fakes.ts";

class Harness {
  readonly sent: ClientFrame[] = [];
  idle = 0;
  readonly followers = new Followers(
    (frame) => this.sent.push(frame),
    () => {
      this.idle += 1;
    },
  );

  follow(stream = "a") {
    const watcher = new FakeWatcher();
    return { watcher, ...this.followers.follow(stream, { wait: false }, watcher) };
  }

  /** What was sent since the last call. */
  news(): string[] {
    return asked(this.sent.splice(0));
  }
}

it("joins when the connection opens, and again after a break", () => {
  const harness = new Harness();
  const { watcher } = harness.follow();
  expect(harness.news()).toEqual([]);
  harness.followers.opened();
  expect(harness.news()).toEqual(["subscribe a 0"]);
  harness.followers.receive(subscribed("a", 0, 2));
  harness.followers.receive(events("a", 0, 2));
  harness.followers.lost();
  harness.followers.opened();
  expect(harness.news()).toEqual(["subscribe a 2"]);
  expect(watcher.shown).toEqual([0, 1]);
});

it("gives frames to the views of their stream only", () => {
  const harness = new Harness();
  const [a, b] = [harness.follow("a"), harness.follow("b")];
  harness.followers.opened();
  harness.followers.receive(subscribed("b", 0, 1));
  harness.followers.receive(events("b", 0, 1));
  expect(a.watcher.shown).toEqual([]);
  expect(b.watcher.shown).toEqual([0]);
});

it("shows a second view of a stream all of it, and doubles nothing for the first", () => {
  const harness = new Harness();
  const first = harness.follow();
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 3));
  harness.followers.receive(events("a", 0, 3));
  const second = harness.follow();
  expect(harness.news()).toEqual(["subscribe a 0", "subscribe a 0"]);
  harness.followers.receive(subscribed("a", 0, 3));
  harness.followers.receive(events("a", 0, 2));
  harness.followers.receive(events("a", 2, 3));
  expect(first.watcher.shown).toEqual([0, 1, 2, 3, 4]);
  expect(second.watcher.shown).toEqual([0, 1, 2, 3, 4]);
  for (const { watcher } of [first, second]) {
    expect(watcher.state).toMatchObject({ received: 5, doubled: 0, missing: 0, holes: 0 });
  }
});

it("does not take for doubled what was on its way when a second view joined", () => {
  const harness = new Harness();
  const first = harness.follow();
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 3));
  harness.followers.receive(events("a", 0, 3));
  const second = harness.follow();
  harness.followers.receive(events("a", 3, 2));
  second.stop();
  harness.followers.receive(subscribed("a", 0, 5));
  harness.followers.receive(events("a", 0, 6));
  expect(first.watcher.shown).toEqual([0, 1, 2, 3, 4, 5]);
  expect(first.watcher.state).toMatchObject({ received: 6, doubled: 0, missing: 0, holes: 0 });
  // What comes twice after that does.
  harness.followers.receive(events("a", 5, 1));
  expect(first.watcher.state?.doubled).toBe(1);
});

it("asks once for a stream after a break, for the view that is furthest behind", () => {
  const harness = new Harness();
  const first = harness.follow();
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 3));
  harness.followers.receive(events("a", 0, 3));
  const second = harness.follow();
  harness.followers.lost();
  harness.news();
  harness.followers.opened();
  expect(harness.news()).toEqual(["subscribe a 0"]);
  harness.followers.receive(subscribed("a", 0, 4));
  harness.followers.receive(events("a", 0, 4));
  for (const { watcher } of [first, second]) {
    expect(watcher.shown).toEqual([0, 1, 2, 3]);
    expect(watcher.state).toMatchObject({ doubled: 0, holes: 0 });
  }
});

it("counts what really came twice", () => {
  const harness = new Harness();
  const { watcher } = harness.follow();
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 3));
  harness.followers.receive(events("a", 0, 3));
  harness.followers.receive(events("a", 1, 3));
  expect(watcher.shown).toEqual([0, 1, 2, 3]);
  expect(watcher.state?.doubled).toBe(2);
});

it("unsubscribes with the last view of a stream, and is idle with the last of all", () => {
  const harness = new Harness();
  const [first, second, other] = [harness.follow(), harness.follow(), harness.follow("b")];
  harness.followers.opened();
  harness.news();
  first.stop();
  first.stop();
  expect(harness.news()).toEqual([]);
  second.stop();
  expect(harness.news()).toEqual(["unsubscribe"]);
  expect(harness.idle).toBe(0);
  other.stop();
  expect(harness.idle).toBe(1);
});

it("asks the connection to wait as long as any view does", async () => {
  const harness = new Harness();
  const { watcher } = harness.follow();
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 1));
  expect(harness.followers.receive(events("a", 0, 1))).toBeUndefined();
  let release = () => {};
  watcher.wait = new Promise((resolve) => {
    release = resolve;
  });
  const wait = harness.followers.receive(events("a", 1, 1));
  expect(wait).toBeInstanceOf(Promise);
  release();
  await wait;
});

it("tells a view what became of its control", () => {
  const harness = new Harness();
  const { watcher, control } = harness.follow();
  control("c0", "pause", null);
  expect(watcher.said).toEqual([
    "controlled c0 false not connected; try again when the view is live",
  ]);
  harness.followers.opened();
  harness.followers.receive(subscribed("a", 0, 0));
  control("c1", "pause", null);
  expect(harness.news()).toEqual(["subscribe a 0", "control"]);
  harness.followers.receive({ op: "controlled", stream: "a", id: "c1", ok: true, message: "" });
  expect(watcher.said.at(-1)).toBe("controlled c1 true ");
});
