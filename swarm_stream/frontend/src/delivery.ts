/**
 * How long what an agent said took to be on the screen. Pure.
 *
 * Ages are taken between two clocks: the kernel's, which the event carries, and the page's. On
 * one machine they are one clock. Elsewhere nobody knows by how much they differ, so the
 * fastest event is taken for one that took no time, and the rest is measured above it; what is
 * told first is then the way within the page, for which there is one clock.
 */

/** Buckets end at 0.25 ms and at 1.25 times the end of the one before; the last has the rest. */
const LAST = 52;

/** Counts durations, in a fixed number of buckets. */
export class Histogram {
  count = 0;
  private readonly counts: number[] = new Array(LAST + 1).fill(0);

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(4 * ms) / Math.log(1.25));
    const at = Math.max(0, Math.min(LAST, bucket));
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.count += 1;
  }

  /** The duration that so many of a hundred did not exceed, to the end of its bucket. */
  percentile(percent: number): number {
    let left = (this.count * percent) / 100;
    const at = this.counts.findIndex((count) => {
      left -= count;
      return left <= 0 && count > 0;
    });
    return at < 0 ? Number.NaN : at < LAST ? 0.25 * 1.25 ** at : Number.POSITIVE_INFINITY;
  }
}

export class Delivery {
  private readonly ages: Histogram = new Histogram();
  private readonly drawing: Histogram = new Histogram();
  private fastest = Number.POSITIVE_INFINITY;

  /** Events that were received and not drawn, with when they came; null: not to be measured. */
  private readonly arrived: { left: number; readonly at: number | null }[] = [];
  /** When what was drawn and may not be painted yet was said, and when the first of it came. */
  private said: number[] = [];
  private since = Number.POSITIVE_INFINITY;

  /** `oneClock`: the page's machine is the kernel's. */
  constructor(private oneClock: boolean) {}

  /** So many events came now; null for those that are history, or that nobody sees. */
  received(count: number, now: number | null): void {
    if (count > 0) this.arrived.push({ left: count, at: now });
  }

  /** The next of the events that came was drawn, which was said at `t`. */
  drew(t: number): void {
    const first = this.arrived[0];
    if (first === undefined) return;
    first.left -= 1;
    if (first.left === 0) this.arrived.shift();
    if (first.at === null || t <= 0) return;
    this.said.push(t);
    this.since = Math.min(this.since, first.at);
  }

  /** Whether something was drawn that is to be painted. */
  get isWaiting(): boolean {
    return this.said.length > 0;
  }

  /** What was drawn is on the screen. All times are in ms since the epoch. */
  painted(now: number): void {
    if (this.said.length > 0) this.drawing.add(now - this.since);
    for (const t of this.said) {
      this.fastest = Math.min(this.fastest, now - t);
      this.ages.add(Math.max(0, now - t - (this.oneClock ? 0 : this.fastest)));
    }
    // Painted before it was said: a page of this machine that shows what another one runs.
    if (this.fastest < 0) this.oneClock = false;
    this.said = [];
    this.since = Number.POSITIVE_INFINITY;
  }

  /** How long half of the events took, in a word or two, and all that is known of it. */
  words(): { readonly short: string; readonly full: string } {
    const { ages, drawing } = this;
    if (ages.count < 10) return { short: "", full: "" };
    const three = (of: Histogram) =>
      [50, 95, 99].map((p) => `p${p} ${shown(of.percentile(p))}`).join(", ");
    return {
      short: this.oneClock
        ? `${shown(ages.percentile(50))} to screen`
        : `drawn in ${shown(drawing.percentile(50))}`,
      full:
        `From an agent to this screen: ${three(ages)}` +
        `${this.oneClock ? "" : ", above the fastest (clocks differ)"}.` +
        ` From its arrival in this page: ${three(drawing)}.`,
    };
  }
}

function shown(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return "over 30 s";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
