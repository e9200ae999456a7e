/**
 * All streams that are followed over one connection: feeds `subscriber.ts` and obeys it.
 *
 * Several views of one stream each have their own cursor, though a server sends a stream once
 * per connection: the frames of a stream go to all of its followers, and each takes what is
 * new to it. When one joins late the server starts over for all, and those who know the
 * beginning skip it (`rewound` keeps that out of their `doubled` counter).
 */

import type { ClientFrame, ControlAction, ServerFrame } from "./frames.ts";
import type { Following, LinkStatus, Watcher } from "./link.ts";
import { type Action, begin, type Input, type State, step } from "./subscriber.ts";

interface Follower {
  state: State;
  readonly watcher: Watcher;
  /** Another view of this stream has asked for it anew, and was not answered yet. */
  rewinding: boolean;
  /** Offset below which repeated events were asked for by another view of this stream. */
  rewound: number;
}

export class Followers {
  private readonly streams = new Map<string, Set<Follower>>();
  private connected = false;
  private muted = false;
  private status: LinkStatus = { is: "connecting" };

  /** `send` is only called between `opened` and `lost`; `idle` when the last one has left. */
  constructor(
    private readonly send: (frame: ClientFrame) => void,
    private readonly idle: () => void,
  ) {}

  get size(): number {
    return this.streams.size;
  }

  follow(stream: string, options: { wait: boolean }, watcher: Watcher): Following {
    const follower: Follower = {
      state: begin(stream, options),
      watcher,
      rewinding: false,
      rewound: 0,
    };
    const peers = this.streams.get(stream) ?? new Set();
    this.streams.set(stream, peers);
    peers.add(follower);
    watcher.linked(this.status);
    if (this.connected) this.feed(follower, { type: "connected" });
    return {
      control: (id, action: ControlAction, data) => {
        this.feed(follower, { type: "control", id, action, data });
      },
      stop: () => this.leave(stream, peers, follower),
    };
  }

  /** The connection is open: everybody joins. */
  opened(): void {
    this.connected = true;
    for (const peers of this.streams.values()) {
      // The server keeps one cursor for each stream, so the view that is furthest behind asks.
      const open = [...peers].filter(({ state }) => state.is !== "closed");
      const lowest = Math.min(...open.map(({ state }) => state.next));
      const asks = open.find(({ state }) => state.next === lowest);
      for (const follower of open) {
        this.muted = follower !== asks;
        this.feed(follower, { type: "connected" });
      }
      this.muted = false;
    }
  }

  /** The connection is gone. */
  lost(): void {
    if (!this.connected) return;
    this.connected = false;
    for (const follower of this.all()) this.feed(follower, { type: "lost" });
  }

  /** Tell every view how the way to the server is. */
  linked(status: LinkStatus): void {
    this.status = status;
    for (const follower of this.all()) follower.watcher.linked(status);
  }

  /** Hand out a frame. A promise asks for no more frames until it resolves. */
  receive(frame: ServerFrame): Promise<unknown> | undefined {
    if (frame.op === "heartbeat") return undefined;
    const waits: Promise<void>[] = [];
    const peers = [...(this.streams.get(frame.stream) ?? [])];
    for (const follower of peers) {
      // What was on its way when the other one asked has come before this answer.
      if (frame.op === "subscribed" && (follower.rewinding || peers.length > 1)) {
        follower.rewinding = false;
        follower.rewound = follower.state.next;
      }
      const wait = this.feed(follower, { type: "frame", frame });
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length > 0 ? Promise.all(waits) : undefined;
  }

  private feed(follower: Follower, input: Input): Promise<void> | undefined {
    const before = follower.state;
    const { state, actions } = step(before, input);
    follower.state = uncountRewound(follower, before, state);
    let wait: Promise<void> | undefined;
    for (const action of actions) wait = this.obey(follower, action) ?? wait;
    if (follower.state !== before) follower.watcher.moved(follower.state);
    return wait;
  }

  private obey(follower: Follower, action: Action): Promise<void> | undefined {
    const { watcher } = follower;
    switch (action.type) {
      case "send":
        if (!this.connected || this.muted) return undefined;
        if (action.frame.op === "subscribe") this.rewind(follower);
        this.send(action.frame);
        return undefined;
      case "show":
        return watcher.show(action.events);
      case "missing":
        watcher.missing(action.from, action.to);
        return undefined;
      case "described":
        watcher.described(action.meta);
        return undefined;
      case "controlled":
        watcher.controlled(action.id, action.ok, action.message);
        return undefined;
      case "end":
        watcher.ended();
        return undefined;
      case "fail":
        watcher.failed(action.code, action.message);
        return undefined;
      default:
        return action satisfies never;
    }
  }

  /** One view asks for the stream anew: what the others get again is no fault. */
  private rewind(asker: Follower): void {
    for (const peer of this.streams.get(asker.state.stream) ?? []) {
      if (peer !== asker) peer.rewinding = true;
    }
  }

  private leave(stream: string, peers: Set<Follower>, follower: Follower): void {
    if (!peers.delete(follower) || peers.size > 0) return;
    // Only if nobody has come back to the stream under a new set meanwhile.
    if (this.streams.get(stream) === peers) this.streams.delete(stream);
    if (this.connected && follower.state.is !== "closed") this.send({ op: "unsubscribe", stream });
    if (this.streams.size === 0) this.idle();
  }

  private all(): Follower[] {
    return [...this.streams.values()].flatMap((peers) => [...peers]);
  }
}

/** Events that came again because another view of the page joined were not doubled by anyone. */
function uncountRewound(follower: Follower, before: State, after: State): State {
  const again = after.doubled - before.doubled;
  if (again === 0 || before.next > follower.rewound) return after;
  return { ...after, doubled: before.doubled };
}
