/**
 * Events in, one DOM write for each animation frame out.
 *
 * What a frame has no time for waits for the next one, so that the page answers while a long
 * run is caught up with; what must stand after it waits with it (`after`). A page that is not
 * seen gets no animation frames, and a browser may stop them for other reasons, so a timer
 * stands behind each, and then all is drawn at once. What waits is bounded: above `BACKLOG`
 * events the caller is asked to wait, and what is above `LIMIT` is drawn at once.
 */

/** Events that may wait for the next frame. */
export const BACKLOG = 5000;
/** What a caller that cannot wait (a plain WebSocket) may make us keep. */
export const LIMIT = 20_000;
const FALLBACK_MS = 250;
/** How long events may be drawn in one frame; about as long again goes into layout and paint. */
const FRAME_MS = 20;
/** The first one comes early rather than full: nothing was compiled or laid out before. */
const FIRST_MS = 5;
/** The clock is read this often. */
const STEP = 32;

type Waiting = readonly unknown[] | (() => void);

export class Painter {
  private queue: Waiting[] = [];
  /** How much of the first batch was drawn. */
  private begun = 0;
  private waiting = 0;
  /** Frames that showed something new. */
  private frames = 0;
  /** Events that were drawn since it was last told. */
  private fresh = 0;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private eased: (() => void)[] = [];
  private disposed = false;

  /** Whether there is more than the last frame had time for. */
  get isBehind(): boolean {
    return this.waiting > 0;
  }

  /** `take` gets each event in order; `shown` how many there were in a frame, also when none. */
  constructor(
    private readonly take: (event: unknown) => void,
    private readonly shown: (count: number) => void,
  ) {}

  /**
   * Take events. A promise asks for no more until it resolves. While there is `more` to come they
   * are drawn at once, as soon as something can be seen: the browser takes in no more than 128 KiB
   * while a page waits for its next frame.
   */
  push(events: readonly unknown[], more = false): Promise<void> | undefined {
    this.queue.push(events);
    this.waiting += events.length;
    if (more && this.frames > 1) this.draw(0, performance.now() + FRAME_MS);
    if (this.waiting > LIMIT) this.draw(LIMIT, Number.POSITIVE_INFINITY);
    if (this.waiting >= BACKLOG && document.hidden) this.draw(0, Number.POSITIVE_INFINITY);
    this.touch();
    // Nor should the first frame wait for what comes after it.
    if (this.waiting < BACKLOG && (this.frames > 0 || !more)) return undefined;
    return new Promise((resolve) => this.eased.push(resolve));
  }

  /** Do something when all that has come so far was drawn. */
  after(what: () => void): void {
    this.queue.push(what);
    this.touch();
  }

  /** Ask for a draw with the next frame. */
  touch(): void {
    if (this.timer !== undefined || this.disposed) return;
    this.timer = setTimeout(() => this.flush(Number.POSITIVE_INFINITY), FALLBACK_MS);
    const ms = this.frames === 0 ? FIRST_MS : FRAME_MS;
    if (!document.hidden) this.frame = requestAnimationFrame(() => this.flush(ms));
  }

  /** Draw no more, and let go of whoever waits. */
  dispose(): void {
    this.disposed = true;
    this.queue = [];
    this.waiting = 0;
    this.flush(0);
  }

  private flush(ms: number): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      this.draw(0, performance.now() + ms);
    } finally {
      const { fresh } = this;
      this.fresh = 0;
      if (fresh > 0) this.frames += 1;
      if (!this.disposed) this.shown(fresh);
      if (this.queue.length > 0) this.touch();
    }
  }

  /** Draw until no more than `rest` events wait, or it is `until`. */
  private draw(rest: number, until: number): void {
    let count = 0;
    try {
      for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
        if (typeof next === "function") {
          this.queue.shift();
          next();
        } else if (this.begun >= next.length) {
          this.queue.shift();
          this.begun = 0;
        } else {
          if (
            this.waiting <= rest ||
            (count > 0 && count % STEP === 0 && performance.now() >= until)
          )
            break;
          this.waiting -= 1;
          this.begun += 1;
          count += 1;
          this.fresh += 1;
          this.take(next[this.begun - 1]);
        }
      }
    } finally {
      if (this.waiting < BACKLOG) for (const resolve of this.eased.splice(0)) resolve();
    }
  }
}
