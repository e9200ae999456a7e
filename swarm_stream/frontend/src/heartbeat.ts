/**
 * Signs of life on a connection: when to send one, and when the peer counts as gone.
 *
 * All times are ms of one clock. Twin of `swarm_stream/protocol/heartbeat.py`.
 */

export const HEARTBEAT_MS = 10_000;
export const SILENCE_LIMIT_MS = 25_000;

export interface Pulse {
  readonly sentAt: number;
  readonly heardAt: number;
}

export function pulseAt(now: number): Pulse {
  return { sentAt: now, heardAt: now };
}

export function isDue(pulse: Pulse, now: number): boolean {
  return now >= pulse.sentAt + HEARTBEAT_MS;
}

export function isGone(pulse: Pulse, now: number): boolean {
  return now >= pulse.heardAt + SILENCE_LIMIT_MS;
}

/** When to look again. */
export function deadline(pulse: Pulse): number {
  return Math.min(pulse.sentAt + HEARTBEAT_MS, pulse.heardAt + SILENCE_LIMIT_MS);
}
