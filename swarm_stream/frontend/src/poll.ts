/** Asking again and again while somebody looks at the page. */

/** The least time between two questions, and how many times longer than an answer took. */
const PAUSE_MS = 3000;
const TIMES_LONGER = 20;

export class Poll {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private serial = 0;
  private readonly over = new AbortController();

  /** `ask` gives what to do with its answer, which is dropped if there was a newer question. */
  constructor(private readonly ask: () => Promise<() => void>) {
    const { signal } = this.over;
    document.addEventListener("visibilitychange", () => this.due(), { signal });
    globalThis.addEventListener("online", () => this.due(), { signal });
  }

  stop(): void {
    this.over.abort();
    clearTimeout(this.timer);
    this.serial += 1;
  }

  /** Ask at once, whatever is under way. */
  now(): void {
    clearTimeout(this.timer);
    this.serial += 1;
    void this.once(this.serial);
  }

  private async once(serial: number): Promise<void> {
    const begun = performance.now();
    const take = await this.ask();
    if (serial !== this.serial) return;
    take();
    // A long list costs the server time.
    const pause = Math.max(PAUSE_MS, TIMES_LONGER * (performance.now() - begun));
    this.timer = setTimeout(() => this.due(), pause);
  }

  /** A page that is not seen asks nothing; it asks at once when it is seen again. */
  private due(): void {
    if (!document.hidden) this.now();
  }
}
