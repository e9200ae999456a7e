/**
 * The life of a page's one connection, without any IO: ask, open, stay alive, come back.
 *
 * A browser cannot tell a refused WebSocket from a broken network, so the server is asked by
 * plain HTTP (`info`) before each attempt: 403 means log in again, 404 means that there is no
 * extension, no answer means to try again. `now` (ms) and `draw` (random, 0 to 1) are given.
 *
 * `socket.ts` does what it says.
 */

import { delayMs } from "./backoff.ts";
import { CloseCode } from "./frames.ts";
import { deadline, isDue, isGone, type Pulse, pulseAt } from "./heartbeat.ts";

/** Why a connection will not be tried again by itself. */
export type StopReason = "login" | "forbidden" | "absent";

export type Connection =
  | { readonly is: "idle" }
  | { readonly is: "asking" | "opening"; readonly attempt: number; readonly since: number }
  | { readonly is: "open"; readonly attempt: number; readonly pulse: Pulse }
  | { readonly is: "waiting"; readonly attempt: number; readonly until: number }
  | { readonly is: "stopped"; readonly reason: StopReason };

export type Happening =
  /** A view wants the connection, or asks for it again after it stopped. */
  | { readonly type: "wanted" }
  | { readonly type: "unwanted" }
  /** `info` was answered; null where there was no answer. */
  | { readonly type: "info"; readonly status: number | null }
  | { readonly type: "opened" }
  | { readonly type: "heard" }
  | { readonly type: "sent" }
  | { readonly type: "closed"; readonly code: number }
  /** The network or the page came back. */
  | { readonly type: "nudge" }
  | { readonly type: "tick" };

export type Order = "ask" | "open" | "close" | "heartbeat";

export interface Turn {
  readonly state: Connection;
  readonly orders: readonly Order[];
}

/** Longest wait for `info`, or for a socket to open. */
export const ATTEMPT_LIMIT_MS = 10_000;
/** A server that is full is left alone for longer: as after this many attempts. */
const FULL_ATTEMPT = 5;

export function turn(
  state: Connection,
  happening: Happening,
  { now, draw }: { now: number; draw: number },
): Turn {
  const ask = (attempt: number, ...first: Order[]): Turn => ({
    state: { is: "asking", attempt, since: now },
    orders: [...first, "ask"],
  });
  const wait = (attempt: number, ...orders: Order[]): Turn => ({
    state: { is: "waiting", attempt: attempt + 1, until: now + delayMs(attempt, draw) },
    orders,
  });
  const stop = (reason: StopReason): Turn => ({ state: { is: "stopped", reason }, orders: [] });

  switch (happening.type) {
    case "wanted":
      return state.is === "idle" || state.is === "stopped" ? ask(0) : same(state);
    case "unwanted":
      return state.is === "idle" ? same(state) : { state: { is: "idle" }, orders: ["close"] };
    case "info": {
      if (state.is !== "asking") return same(state);
      const { status } = happening;
      if (status === 200) {
        return {
          state: { is: "opening", attempt: state.attempt, since: now },
          orders: ["open"],
        };
      }
      if (status === 401 || status === 403) return stop("login");
      if (status === 404) return stop("absent");
      return wait(state.attempt);
    }
    case "opened":
      return state.is === "opening"
        ? { state: { is: "open", attempt: state.attempt, pulse: pulseAt(now) }, orders: [] }
        : same(state);
    case "heard": {
      if (state.is !== "open") return same(state);
      // Only a connection over which something came counts as one that works. A heartbeat that
      // is due goes out here too: timers of hidden pages may run once a minute.
      const due = isDue(state.pulse, now);
      const pulse = { sentAt: due ? now : state.pulse.sentAt, heardAt: now };
      return { state: { is: "open", attempt: 0, pulse }, orders: due ? ["heartbeat"] : [] };
    }
    case "sent":
      return state.is === "open"
        ? { state: { ...state, pulse: { ...state.pulse, sentAt: now } }, orders: [] }
        : same(state);
    case "closed":
      if (state.is !== "open" && state.is !== "opening") return same(state);
      if (happening.code === CloseCode.loginInvalid) return stop("login");
      if (happening.code === CloseCode.forbidden) return stop("forbidden");
      return wait(
        happening.code === CloseCode.tryLater
          ? Math.max(state.attempt, FULL_ATTEMPT)
          : state.attempt,
      );
    case "nudge":
      // An open socket may be dead after a sleep; its silence limit finds out.
      return state.is === "waiting" ? ask(state.attempt) : tick(state, now, ask, wait);
    case "tick":
      return tick(state, now, ask, wait);
    default:
      return happening satisfies never;
  }
}

function tick(
  state: Connection,
  now: number,
  ask: (attempt: number) => Turn,
  wait: (attempt: number, ...orders: Order[]) => Turn,
): Turn {
  switch (state.is) {
    case "waiting":
      return now >= state.until ? ask(state.attempt) : same(state);
    case "asking":
    case "opening":
      return now >= state.since + ATTEMPT_LIMIT_MS ? wait(state.attempt, "close") : same(state);
    case "open":
      if (isGone(state.pulse, now)) return wait(state.attempt, "close");
      if (!isDue(state.pulse, now)) return same(state);
      return {
        state: { ...state, pulse: { ...state.pulse, sentAt: now } },
        orders: ["heartbeat"],
      };
    case "idle":
    case "stopped":
      return same(state);
    default:
      return state satisfies never;
  }
}

/** When to `tick`, or null where nothing is owed. */
export function nextTick(state: Connection): number | null {
  switch (state.is) {
    case "open":
      return deadline(state.pulse);
    case "waiting":
      return state.until;
    case "asking":
    case "opening":
      return state.since + ATTEMPT_LIMIT_MS;
    case "idle":
    case "stopped":
      return null;
    default:
      return state satisfies never;
  }
}

function same(state: Connection): Turn {
  return { state, orders: [] };
}
