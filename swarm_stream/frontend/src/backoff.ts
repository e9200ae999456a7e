/**
 * How long to wait before connecting again: full jitter, doubling to a limit.
 *
 * Twin of `swarm_stream/protocol/backoff.py`.
 */

export const FIRST_MS = 100;
export const LIMIT_MS = 5000;

/** The delay before attempt 0, 1, 2 ...; `draw` is a random number from 0 to 1. */
export function delayMs(attempt: number, draw: number): number {
  return draw * Math.min(LIMIT_MS, FIRST_MS * 2 ** Math.min(attempt, 30));
}
