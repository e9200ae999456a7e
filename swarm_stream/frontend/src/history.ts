/**
 * The events of a run from its beginning, for looking at it as it was.
 *
 * Asked for from the server when a reader first goes back, so a view that nobody takes back
 * keeps no event. Goes on growing while the run does.
 */

import type { AnyEvent } from "./events.ts";
import { decodeEvent } from "./events.ts";
import type { Following, Link, Watcher } from "./link.ts";
import { StoryClock } from "./track.ts";

export class History implements Watcher {
  /** Where the events before a hole end, if there is one: `[count, from, to]`. */
  readonly holes: (readonly [count: number, from: number, to: number])[] = [];
  /** Why it cannot be had; "" while it can. */
  problem = "";

  private readonly bodies: unknown[] = [];
  private readonly times: number[] = [];
  private readonly clock = new StoryClock();
  private readonly following: Following;

  /** `changed` is called when more has come, or nothing will. */
  constructor(
    link: Link,
    stream: string,
    private readonly changed: () => void,
  ) {
    this.following = link.follow(stream, { wait: false }, this);
  }

  get count(): number {
    return this.bodies.length;
  }

  /** When event `index` was, in the story. */
  timeOf(index: number): number {
    return this.times[Math.max(0, index)] ?? 0;
  }

  event(index: number): AnyEvent {
    return decodeEvent(this.bodies[index]);
  }

  /** How many events there had been by a time of the story. */
  countAt(time: number): number {
    let [low, high] = [0, this.times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  stop(): void {
    this.following.stop();
  }

  show(events: readonly unknown[]): undefined {
    for (const body of events) {
      this.bodies.push(body);
      this.times.push(this.clock.at(decodeEvent(body).t));
    }
    this.changed();
  }

  missing(from: number, to: number): void {
    this.holes.push([this.bodies.length, from, to]);
  }

  failed(_code: string, message: string): void {
    this.problem = message;
    this.changed();
  }

  described(): void {}
  controlled(): void {}
  ended(): void {}
  moved(): void {}
  linked(): void {}
}
