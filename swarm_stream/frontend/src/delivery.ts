/**
 * How long what an agent said took to be on the screen. Pure.
 *
 * Ages are taken between two clocks: the kernel's, which the event carries, and the page's. On
 * one machine they are one clock. Elsewhere nobody knows by how much they differ, so the
 * fastest event is taken for one that took no time, and the rest is measured above it.
 */

/** Upper ends of the buckets, in ms: each 1.25 times the one before, 0.25 ms to 30 s. */
const BOUNDS = Array.from({ length: 53 }, (_, i) => 0.25 * 1.25 ** i);

/** Counts durations, in a fixed number of buckets. */
export class Histogram {
  count = 0;
  private readonly counts = new Array<number>(BOUNDS.length + 1).fill(0);

  add(ms: number): void {
    let bucket = BOUNDS.findIndex((bound) => ms <= bound);
    if (bucket < 0) bucket = BOUNDS.length;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.count += 1;
  }

  /** The duration that so many of a hundred did not exceed, to the end of its bucket. */
  percentile(percent: number): number {
    let left = (this.count * percent) / 100;
    for (const [bucket, count] of this.counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return BOUNDS[bucket] ?? Number.POSITIVE_INFINITY;
    }
    return Number.NaN;
  }
}

export class Delivery {
  private readonly ages: Histogram = new Histogram();
  private readonly drawing: Histogram = new Histogram();
  private fastest = Number.POSITIVE_INFINITY;

  /** `oneClock`: the page's machine is the kernel's. */
  constructor(private readonly oneClock: boolean) {}

  /** Events said at `said` were received and painted then; all in ms since the epoch. */
  add(said: readonly number[], received: number, painted: number): void {
    for (const t of said) {
      this.fastest = Math.min(this.fastest, painted - t);
      this.ages.add(Math.max(0, painted - t - (this.oneClock ? 0 : this.fastest)));
    }
    if (said.length > 0) this.drawing.add(painted - received);
  }

  /** Milliseconds that half of the events took, and what is to be said of it. */
  words(): { readonly short: string; readonly full: string } {
    const { ages, drawing } = this;
    if (ages.count < 10) return { short: "", full: "" };
    const three = (of: Histogram) =>
      [50, 95, 99].map((p) => `p${p} ${shown(of.percentile(p))}`).join(", ");
    return {
      short: `${this.oneClock ? "" : "+"}${shown(ages.percentile(50))} to screen`,
      full:
        `From an agent's saying something to its being on this screen: ${three(ages)}` +
        `${this.oneClock ? "" : ", above the fastest, since the kernel has another clock"}.` +
        ` From its arrival in this page: ${three(drawing)}.`,
    };
  }
}

function shown(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return "over 30 s";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
