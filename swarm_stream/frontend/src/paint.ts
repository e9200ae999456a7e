/**
 * Events in, one DOM write for each animation frame out.
 *
 * A page that is not seen gets no animation frames, and a browser may stop them for other
 * reasons, so a timer stands behind each. What waits is bounded: above `BACKLOG` events the
 * caller is asked to wait, and well above it, or in a hidden page, they are drawn at once.
 */

/** Events that may wait for the next frame. */
export const BACKLOG = 2000;
/** Where a caller that cannot wait (a plain WebSocket) makes us draw at once. */
const LIMIT = 4 * BACKLOG;
const FALLBACK_MS = 250;

export class Painter {
  private batches: (readonly unknown[])[] = [];
  private waiting = 0;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private painted: (() => void)[] = [];
  private disposed = false;

  /** `draw` gets all that has come since the last call, also when that is nothing. */
  constructor(private readonly draw: (batches: readonly (readonly unknown[])[]) => void) {}

  /** Take events. A promise asks for no more until it resolves. */
  push(events: readonly unknown[]): Promise<void> | undefined {
    this.batches.push(events);
    this.waiting += events.length;
    if (this.waiting >= LIMIT || (this.waiting >= BACKLOG && document.hidden)) {
      this.flush();
      return undefined;
    }
    this.touch();
    if (this.waiting < BACKLOG) return undefined;
    return new Promise((resolve) => this.painted.push(resolve));
  }

  /** Ask for a draw with the next frame. */
  touch(): void {
    if (this.timer !== undefined || this.disposed) return;
    this.timer = setTimeout(this.flush, FALLBACK_MS);
    if (!document.hidden) this.frame = requestAnimationFrame(this.flush);
  }

  /** Draw now. */
  readonly flush = (): void => {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.timer = undefined;
    const { batches, painted } = this;
    this.batches = [];
    this.painted = [];
    this.waiting = 0;
    try {
      if (!this.disposed) this.draw(batches);
    } finally {
      for (const resolve of painted) resolve();
    }
  };

  /** Draw no more, and let go of whoever waits. */
  dispose(): void {
    this.disposed = true;
    this.flush();
  }
}
