/** How fast a run speaks: now, and over all of its length. Pure. */

/** Bars of the small curve; twice as long ones when there would be more. */
const BARS = 60;
const BAR_MS = 250;
/** The rate is that of so many last seconds. */
const WINDOW_S = 5;

export class Pace {
  /** When the first chunk came, on the producer's clock; null before. */
  first: number | null = null;
  private readonly seconds: { at: number; count: number }[] = [];
  private bars: number[] = [];
  private barMs = BAR_MS;

  /** A chunk came at `t` (ms). What comes late, by a clock that was set back, counts as now. */
  add(t: number): void {
    this.first ??= t;
    const at = Math.floor(t / 1000);
    const last = this.seconds.at(-1);
    if (last !== undefined && at <= last.at) last.count += 1;
    else this.seconds.push({ at, count: 1 });
    while (this.seconds.length > WINDOW_S) this.seconds.shift();
    let bar = Math.max(0, Math.floor((t - this.first) / this.barMs));
    while (bar >= BARS) {
      this.bars = halved(this.bars);
      this.barMs *= 2;
      bar = Math.floor((t - this.first) / this.barMs);
    }
    bar = Math.max(bar, this.bars.length - 1);
    while (this.bars.length <= bar) this.bars.push(0);
    this.bars[bar] = (this.bars[bar] ?? 0) + 1;
  }

  /** Chunks a second, as of `t`. */
  rate(t: number): number {
    const first = this.seconds[0];
    if (first === undefined) return 0;
    const now = Math.floor(t / 1000);
    const counted = this.seconds.filter(({ at }) => at > now - WINDOW_S);
    const total = counted.reduce((sum, { count }) => sum + count, 0);
    return total / Math.min(WINDOW_S, Math.max(1, now - first.at + 1));
  }

  /** Chunks a second over the whole run, as heights from 0 to 1; at most `BARS`. */
  shape(): number[] {
    const highest = Math.max(1, ...this.bars);
    return this.bars.map((count) => count / highest);
  }
}

/** The same bars, two and two together. */
function halved(bars: readonly number[]): number[] {
  const pairs: number[] = [];
  for (let i = 0; i < bars.length; i += 2) pairs.push((bars[i] ?? 0) + (bars[i + 1] ?? 0));
  return pairs;
}
