/** Doubles that record: a watcher, and events in words. */

import type { ClientFrame, StreamFrame } from "../src/frames.ts";
import type { LinkStatus, Watcher } from "../src/link.ts";
import type { State } from "../src/subscriber.ts";

export class FakeWatcher implements Watcher {
  readonly shown: unknown[] = [];
  readonly said: string[] = [];
  state: State | undefined;
  status: LinkStatus | undefined;
  /** What `show` gives back. */
  wait: Promise<void> | undefined;

  show(events: readonly unknown[]): Promise<void> | undefined {
    this.shown.push(...events);
    return this.wait;
  }
  missing(from: number, to: number): void {
    this.said.push(`missing ${from}-${to}`);
  }
  described(meta: Record<string, unknown>): void {
    this.said.push(`described ${JSON.stringify(meta)}`);
  }
  controlled(id: string, ok: boolean, message: string): void {
    this.said.push(`controlled ${id} ${ok} ${message}`);
  }
  ended(): void {
    this.said.push("ended");
  }
  failed(code: string, message: string): void {
    this.said.push(`failed ${code} ${message}`);
  }
  moved(state: State): void {
    this.state = state;
  }
  linked(status: LinkStatus): void {
    this.status = status;
  }
}

export function subscribed(stream: string, from: number, tail: number): StreamFrame {
  return {
    op: "subscribed",
    stream,
    from,
    head: 0,
    tail,
    closed: false,
    meta: {},
    producer: "live",
  };
}

/** Events that are their own offsets. */
export function events(stream: string, offset: number, count: number): StreamFrame {
  return {
    op: "events",
    stream,
    offset,
    events: Array.from({ length: count }, (_, index) => offset + index),
  };
}

export function asked(frames: readonly ClientFrame[]): string[] {
  return frames.map((frame) =>
    frame.op === "subscribe" ? `subscribe ${frame.stream} ${frame.from}` : frame.op,
  );
}
