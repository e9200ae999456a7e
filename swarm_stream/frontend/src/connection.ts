/**
 * The life of a page's one connection, without any IO: ask, open, stay alive, come back.
 *
 * A browser cannot tell a refused WebSocket from a broken network, so the server is asked by
 * plain HTTP (`info`), first and after each socket that did not open: 403 means log in again,
 * 404 means that there is no extension, no answer means to try again. Only the first question
 * is waited for. Later ones may be sent over an idle connection of the browser that died with the
 * socket, and hang there, so sockets are tried meanwhile. `now` (ms) and `draw` (random, 0 to 1)
 * are given.
 *
 * Two things say that waiting is over: the browser is `online` again, and the page is `seen`
 * again. After the first a socket that looks open is not trusted: whatever path it took may be
 * gone without a word, and its silence would tell only after 25 s. A new one costs no more than
 * a subscription from the cursor.
 *
 * One thing is beyond a page: browsers open one WebSocket to a server at a time (RFC 6455, 4.1).
 * Where the network swallows the handshake of another one, such as Jupyter's to a kernel, ours
 * wait behind it until the browser gives it up.
 *
 * `socket.ts` does what it says.
 */

import { delayMs } from "./backoff.ts";
import { CloseCode } from "./frames.ts";
import { deadline, HEARTBEAT_MS, isDue, isGone, type Pulse, pulseAt } from "./heartbeat.ts";

/** Why a connection will not be tried again by itself. */
export type StopReason = "login" | "forbidden" | "absent";

export type Connection =
  | { readonly is: "idle" }
  /** For the first time, or until there is an answer. */
  | { readonly is: "asking"; readonly attempt: number; readonly since: number }
  | { readonly is: "opening"; readonly attempt: number; readonly since: number }
  | { readonly is: "open"; readonly attempt: number; readonly pulse: Pulse }
  /** `first`: the server has never answered, so it will be asked. */
  | {
      readonly is: "waiting";
      readonly attempt: number;
      readonly until: number;
      readonly first: boolean;
    }
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
  /** The browser has a network again. */
  | { readonly type: "online" }
  /** The page is looked at again. */
  | { readonly type: "seen" }
  | { readonly type: "tick" };

/** `close` gives up whatever is under way, a question too. */
export type Order = "ask" | "open" | "close" | "heartbeat";

export interface Turn {
  readonly state: Connection;
  readonly orders: readonly Order[];
}

/** What a turn may look at beside the state. */
export interface Chance {
  readonly now: number;
  readonly draw: number;
}

/** Longest wait for `info`, or for a socket to open. */
export const ATTEMPT_LIMIT_MS = 10_000;
/** A server that is full is left alone for longer: as after this many attempts. */
const FULL_ATTEMPT = 5;
/** A server sends a heartbeat when it has nothing else to send; one that is this late is a sign. */
const SUSPECT_MS = HEARTBEAT_MS + 2000;

export function turn(state: Connection, happening: Happening, chance: Chance): Turn {
  const { now } = chance;
  switch (happening.type) {
    case "wanted":
      return state.is === "idle" || state.is === "stopped" ? ask(0, now) : same(state);
    case "unwanted":
      return state.is === "idle" ? same(state) : { state: { is: "idle" }, orders: ["close"] };
    case "info":
      return answered(state, happening.status, chance);
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
      return closed(state, happening.code, chance);
    case "online":
      return online(state, now);
    case "seen":
      return seen(state, chance);
    case "tick":
      return tick(state, chance);
    default:
      return happening satisfies never;
  }
}

function answered(state: Connection, status: number | null, chance: Chance): Turn {
  const asked = state.is === "asking" || state.is === "opening" || state.is === "waiting";
  if (!asked) return same(state);
  if (status === 401 || status === 403) return stop("login", "close");
  if (status === 404) return stop("absent", "close");
  if (state.is !== "asking") return same(state);
  return status === 200 ? open(state.attempt, chance.now) : wait(state.attempt, true, chance);
}

function closed(state: Connection, code: number, chance: Chance): Turn {
  if (state.is === "opening") return wait(state.attempt, false, chance, "ask");
  if (state.is !== "open") return same(state);
  if (code === CloseCode.loginInvalid) return stop("login");
  if (code === CloseCode.forbidden) return stop("forbidden");
  const { attempt } = state;
  return wait(
    code === CloseCode.tryLater ? Math.max(attempt, FULL_ATTEMPT) : attempt,
    false,
    chance,
  );
}

function online(state: Connection, now: number): Turn {
  switch (state.is) {
    case "asking":
      return ask(0, now, "close");
    case "waiting":
      return state.first ? ask(0, now, "close") : open(0, now, "close");
    case "opening":
    case "open":
      return open(0, now, "close");
    case "idle":
    case "stopped":
      return same(state);
    default:
      return state satisfies never;
  }
}

function seen(state: Connection, chance: Chance): Turn {
  const { now } = chance;
  if (state.is === "waiting") {
    return state.first ? ask(state.attempt, now) : open(state.attempt, now);
  }
  // Somebody may have logged in meanwhile, in another tab.
  if (state.is === "stopped" && state.reason === "login") return ask(0, now);
  if (state.is === "open" && now >= state.pulse.heardAt + SUSPECT_MS) return open(0, now, "close");
  return tick(state, chance);
}

function tick(state: Connection, chance: Chance): Turn {
  const { now } = chance;
  switch (state.is) {
    case "waiting":
      if (now < state.until) return same(state);
      return state.first ? ask(state.attempt, now) : open(state.attempt, now);
    case "asking":
      return now >= state.since + ATTEMPT_LIMIT_MS
        ? wait(state.attempt, true, chance, "close")
        : same(state);
    case "opening":
      // Nothing answers at all, so there is nobody to ask why.
      return now >= state.since + ATTEMPT_LIMIT_MS
        ? wait(state.attempt, false, chance, "close")
        : same(state);
    case "open":
      if (isGone(state.pulse, now)) return wait(state.attempt, false, chance, "close");
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

function ask(attempt: number, now: number, ...before: Order[]): Turn {
  return { state: { is: "asking", attempt, since: now }, orders: [...before, "ask"] };
}

function open(attempt: number, now: number, ...before: Order[]): Turn {
  return { state: { is: "opening", attempt, since: now }, orders: [...before, "open"] };
}

function wait(
  attempt: number,
  first: boolean,
  { now, draw }: Chance,
  ...orders: readonly Order[]
): Turn {
  const until = now + delayMs(attempt, draw);
  return { state: { is: "waiting", attempt: attempt + 1, until, first }, orders };
}

function stop(reason: StopReason, ...orders: readonly Order[]): Turn {
  return { state: { is: "stopped", reason }, orders };
}

function same(state: Connection): Turn {
  return { state, orders: [] };
}
