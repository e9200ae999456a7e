/**
 * Who did what when: what the map of a run is drawn from, and what one can jump to. Pure.
 *
 * Takes what the transcript tells (`Observer`), and before each event when it was. Waits longer
 * than `GAP_MS` are shown as that long, so that a night without an answer does not squeeze the
 * rest of a run into nothing.
 */

import type { Item, Observer, Segment } from "./transcript.ts";

/** The longest wait that keeps its length. */
export const GAP_MS = 60_000;
/** What an event takes at least, so that runs whose events have one time have a length too. */
const EVENT_MS = 0.01;

/** Turns the producer's clock into time since the start, which never goes back. */
export class StoryClock {
  private last: number | null = null;
  private story = 0;

  /** The next event has the time `t` (ms; 0 where it has none). */
  at(t: number): number {
    if (t !== 0) {
      this.story += Math.min(GAP_MS, Math.max(0, t - (this.last ?? t)));
      this.last = t;
    }
    this.story += EVENT_MS;
    return this.story;
  }
}

/** A lane was at something from one time to another. */
export interface Span {
  readonly lane: number;
  readonly kind: "text" | "reasoning" | "tool" | "input";
  readonly from: number;
  /** Null while it goes on. */
  to: number | null;
  failed: boolean;
}

/** Something that happened at one time. `count` is how many events there were with it. */
export interface Point {
  readonly kind: "turn" | "handoff" | "select" | "error";
  readonly lane: number | null;
  readonly time: number;
  readonly count: number;
  /** For a hand-off: the name of whom it went to. */
  readonly target: string;
}

export class Track implements Observer {
  readonly spans: Span[] = [];
  readonly points: Point[] = [];
  /** How long the story is so far. */
  length = 0;

  private readonly clock = new StoryClock();
  private readonly open = new Map<Segment | Item, Span>();
  private count = 0;
  private speaker: number | null = null;

  /** `broke` tells, once the run is over, whether it ended badly. */
  constructor(private readonly broke: () => boolean) {}

  /** The next event is about to be applied; it has the time `t`. */
  next(t: number): void {
    this.length = this.clock.at(t);
    this.count += 1;
  }

  /** How long it is when `ms` have gone by since the last event. */
  lengthAfter(ms: number): number {
    return this.length + Math.min(GAP_MS, ms);
  }

  started(): void {}
  lane(): void {}
  grew(): void {}

  began(segment: Segment): void {
    this.begin(segment, segment.lane, segment.channel);
  }

  closed(segment: Segment): void {
    this.finish(segment);
  }

  added(item: Item): void {
    switch (item.kind) {
      case "tool":
      case "input":
        this.begin(item, item.lane, item.kind);
        return;
      case "handoff":
        this.point("handoff", item.lane, item.target);
        return;
      case "select":
        for (const lane of item.lanes) this.point("select", lane);
        return;
      case "gap":
        this.point("error", null);
        return;
      default:
        return;
    }
  }

  changed(item: Item): void {
    const failed = item.kind === "tool" && item.is_error;
    if (failed) this.point("error", item.lane);
    if (isOver(item)) this.finish(item, failed);
  }

  ended(): void {
    for (const what of [...this.open.keys()]) this.finish(what);
    if (this.broke()) this.point("error", null);
  }

  private begin(what: Segment | Item, lane: number | null, kind: Span["kind"]): void {
    if (lane === null) return;
    if (lane !== this.speaker) this.point("turn", lane);
    this.speaker = lane;
    const span = { lane, kind, from: this.length, to: null, failed: false };
    this.spans.push(span);
    this.open.set(what, span);
  }

  private finish(what: Segment | Item, failed = false): void {
    const span = this.open.get(what);
    if (span === undefined) return;
    span.to = this.length;
    span.failed = failed;
    this.open.delete(what);
  }

  private point(kind: Point["kind"], lane: number | null, target = ""): void {
    this.points.push({ kind, lane, time: this.length, count: this.count, target });
  }
}

function isOver(item: Item): boolean {
  if (item.kind === "tool") return item.result !== null;
  return item.kind === "input" && (item.reply !== null || item.withdrawn);
}

/** Tells two observers the same. */
export function both(one: Observer, other: Observer): Observer {
  return {
    started: () => {
      one.started();
      other.started();
    },
    lane: (lane) => {
      one.lane(lane);
      other.lane(lane);
    },
    began: (segment) => {
      one.began(segment);
      other.began(segment);
    },
    grew: (segment, text) => {
      one.grew(segment, text);
      other.grew(segment, text);
    },
    closed: (segment) => {
      one.closed(segment);
      other.closed(segment);
    },
    added: (item) => {
      one.added(item);
      other.added(item);
    },
    changed: (item) => {
      one.changed(item);
      other.changed(item);
    },
    ended: () => {
      one.ended();
      other.ended();
    },
  };
}
