/** A view on a link that the test plays. Import it only into test files with a page (jsdom). */

import { afterEach, beforeEach, vi } from "vitest";
import { Followers } from "../src/followers.ts";
import type { ClientFrame, ServerFrame } from "../src/frames.ts";
import type { Link } from "../src/link.ts";
import { createView, type View, type ViewOptions } from "../src/view.ts";

export const START = { type: "start", t: 1000, task: "Say it", caps: ["pause", "cancel"] };
export const ALICE = { type: "lane", t: 1000, lane: 0, name: "alice" };

export let host: HTMLElement;
export let sent: ClientFrame[];
export let followers: Followers;
export let view: View;
/** Of the next event that comes. */
export let offset = 0;

beforeEach(() => {
  vi.useFakeTimers();
  host = document.createElement("div");
  document.body.replaceChildren(host);
  show();
});
afterEach(() => {
  view.dispose();
  vi.useRealTimers();
});

/** Draw the view of a stream that has nothing yet, or a tail that the view has not seen. */
export function show(options: Partial<ViewOptions> = {}, tail = 0): void {
  sent = [];
  offset = 0;
  host.replaceChildren();
  followers = new Followers(
    (frame) => sent.push(frame),
    () => {},
  );
  const link: Link = {
    peer: "server",
    note: "",
    follow: (...args) => followers.follow(...args),
  };
  view = createView(host, link, { stream: "a", title: "Demo", wait: true, ...options });
  followers.linked({ is: "open" });
  followers.opened();
  give({
    op: "subscribed",
    stream: "a",
    from: 0,
    head: 0,
    tail,
    closed: false,
    meta: {},
    producer: "live",
  });
}

/** Let a frame come, and time pass for it to be drawn. */
export function give(frame: ServerFrame): void {
  followers.receive(frame);
  vi.advanceTimersByTime(300);
}

/** Let the next events of the stream come. */
export function events(...list: object[]): void {
  give({ op: "events", stream: "a", offset, events: list });
  offset += list.length;
}

/** Let the next events have these offsets. */
export function goOnFrom(next: number): void {
  offset = next;
}

export function root(): HTMLElement {
  const element = host.querySelector<HTMLElement>(".swst-root");
  if (element === null) throw new Error("there is no view");
  return element;
}

export function button(name: string): HTMLButtonElement {
  const buttons = [...host.querySelectorAll("button")];
  const found = buttons.find(({ textContent }) => textContent === name);
  if (found === undefined) throw new Error(`there is no button ${name}`);
  return found;
}
