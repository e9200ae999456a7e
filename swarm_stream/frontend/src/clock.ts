/**
 * Milliseconds that never go back, and that go on while the computer sleeps.
 *
 * `performance.now()` stands still during a sleep in most browsers, so a socket that died in it
 * would look fresh. The wall clock does not stand still; where it runs ahead of the other one,
 * the computer has slept or somebody has set the clock. The second cannot be told from the
 * first, and costs one reconnect.
 */

/** Less than this between two looks is a clock being adjusted. */
const JUMP_MS = 2000;

export class Clock {
  private slept = 0;
  private ahead: number;

  constructor(
    private readonly running: () => number = () => performance.now(),
    private readonly wall: () => number = () => Date.now(),
  ) {
    this.ahead = wall() - running();
  }

  now(): number {
    const running = this.running();
    const ahead = this.wall() - running;
    if (ahead - this.ahead > JUMP_MS) this.slept += ahead - this.ahead;
    this.ahead = ahead;
    return running + this.slept;
  }
}
