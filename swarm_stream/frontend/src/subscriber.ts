/**
 * A viewer's subscription to one stream, without any IO.
 *
 * `step` takes a state and one thing that happened, and returns the next state and what to do
 * about it, in order. It opens no socket, sets no timer and reads no clock, so tests and
 * `notebooks/10_protocol.ipynb` can replay any history. `followers.ts` obeys it for all streams
 * of a connection; `connection.ts` has the rules of the connection itself.
 *
 * What it holds to: an event is shown once, in order, or counted as missing. A hole is never
 * shown; the stream is asked for again from `next`.
 *
 * Twin of `swarm_stream/protocol/subscriber.py`; both are held to `tests/vectors/subscriber`.
 * Change them together.
 */

import type { ClientFrame, ControlAction, ControlFrame, Producer, ServerFrame } from "./frames.ts";

/**
 * `offline`: no connection. `joining`: asked, not answered. `live`: events come. `gone`: like
 * joining, after the log had let go of what was wanted. `closed`: all was shown. `failed`: the
 * server refused; only a new connection tries again.
 */
export type Phase = "offline" | "joining" | "live" | "gone" | "closed" | "failed";

/** Where one viewer stands on one stream. */
export interface State {
  readonly is: Phase;
  readonly stream: string;
  /** Whether to wait for a stream that does not exist yet. */
  readonly wait: boolean;
  /** The offset wanted next. */
  readonly next: number;
  /** The server's tail when it last said so; null before. */
  readonly tail: number | null;
  readonly received: number;
  readonly missing: number;
  readonly doubled: number;
  readonly holes: number;
  /** Holes since the last event that came; at `MAX_STRIKES` the stream has failed. */
  readonly strikes: number;
  readonly producer: Producer | null;
  /** What keeps events from the log, in the server's words; "" if nothing. */
  readonly notice: string;
  /** Controls that nobody has answered; sent again after a reconnect, acted on once by id. */
  readonly controls: readonly ControlFrame[];
}

/** Something that happened. */
export type Input =
  | { readonly type: "connected" }
  | { readonly type: "lost" }
  | { readonly type: "frame"; readonly frame: ServerFrame }
  | {
      readonly type: "control";
      readonly id: string;
      readonly action: ControlAction;
      readonly data: unknown;
    };

/** Something the caller must do, in the order given. */
export type Action =
  | { readonly type: "send"; readonly frame: ClientFrame }
  | { readonly type: "show"; readonly offset: number; readonly events: readonly unknown[] }
  /** Offsets `from` to `to` - 1 are no longer kept: say so in their place. */
  | { readonly type: "missing"; readonly from: number; readonly to: number }
  | { readonly type: "described"; readonly meta: Record<string, unknown> }
  | {
      readonly type: "controlled";
      readonly id: string;
      readonly ok: boolean;
      readonly message: string;
    }
  | { readonly type: "end" }
  | { readonly type: "fail"; readonly code: string; readonly message: string };

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** A server that leaves the same hole this often in a row will leave it for ever. */
export const MAX_STRIKES = 3;

export function begin(stream: string, options: { wait: boolean; next?: number }): State {
  return {
    is: "offline",
    stream,
    wait: options.wait,
    next: options.next ?? 0,
    tail: null,
    received: 0,
    missing: 0,
    doubled: 0,
    holes: 0,
    strikes: 0,
    producer: null,
    notice: "",
    controls: [],
  };
}

/** How many events the viewer is behind what the server was last known to hold. */
export function lag(state: State): number {
  return Math.max(0, (state.tail ?? 0) - state.next);
}

export function step(state: State, input: Input): Step {
  switch (input.type) {
    case "connected":
      // A failed stream is tried again: a new connection may be to a server that has it.
      return state.is === "closed" ? stay(state) : join({ ...state, strikes: 0 }, "joining");
    case "lost":
      return state.is === "closed" || state.is === "failed"
        ? stay(state)
        : stay({ ...state, is: "offline", producer: null });
    case "control":
      return control(state, { op: "control", stream: state.stream, ...controlOf(input) });
    case "frame":
      return receive(state, input.frame);
    default:
      return input satisfies never;
  }
}

function receive(state: State, frame: ServerFrame): Step {
  if (state.is === "closed" || state.is === "offline") return stay(state);
  // Another view of the page may follow the same stream; what it is sent is not for this one.
  if (state.is === "failed" && frame.op !== "controlled") return stay(state);
  switch (frame.op) {
    case "subscribed":
      return {
        state: { ...state, is: "live", tail: frame.tail, producer: frame.producer },
        actions: [
          { type: "described", meta: frame.meta },
          ...state.controls.map((held): Action => ({ type: "send", frame: held })),
        ],
      };
    case "events":
      // While joining, events are those of the subscription that was just given up.
      return state.is === "live" ? take(state, frame.offset, frame.events) : stay(state);
    case "gone":
      return gone(state, frame.head, frame.tail);
    case "status":
      return stay({ ...state, producer: frame.producer, notice: frame.notice });
    case "closed":
      return state.is === "live" ? close(state, frame.tail) : stay(state);
    case "controlled":
      return {
        state: without(state, frame.id),
        actions: [{ type: "controlled", id: frame.id, ok: frame.ok, message: frame.message }],
      };
    case "error":
      return refused(state, frame.code, frame.message, frame.cause);
    case "heartbeat":
      return stay(state);
    default:
      return frame satisfies never;
  }
}

function take(state: State, offset: number, events: readonly unknown[]): Step {
  if (offset > state.next) return hole(state);
  const known = Math.min(state.next - offset, events.length);
  const fresh = known === 0 ? events : events.slice(known);
  const next = state.next + fresh.length;
  return {
    state: {
      ...state,
      next,
      tail: Math.max(state.tail ?? 0, next),
      received: state.received + fresh.length,
      doubled: state.doubled + known,
      strikes: fresh.length > 0 ? 0 : state.strikes,
    },
    actions: fresh.length > 0 ? [{ type: "show", offset: state.next, events: fresh }] : [],
  };
}

function hole(state: State): Step {
  const strikes = state.strikes + 1;
  const counted = { ...state, holes: state.holes + 1, strikes };
  return strikes >= MAX_STRIKES
    ? fail(counted, "hole", `the server does not send event ${state.next}; reload the page`)
    : join(counted, "joining");
}

function gone(state: State, head: number, tail: number): Step {
  if (state.next > tail) return logLost(state, tail);
  // Inside of what the log holds nothing is gone; a server that says so once more is broken.
  if (head <= state.next) return hole(state);
  const from = state.next;
  const joined = join(
    { ...state, next: head, tail, missing: state.missing + head - from, strikes: 0 },
    "gone",
  );
  return { ...joined, actions: [{ type: "missing", from, to: head }, ...joined.actions] };
}

function close(state: State, tail: number): Step {
  if (tail > state.next) return hole(state);
  if (tail < state.next) return logLost(state, tail);
  return { state: { ...state, is: "closed", tail, controls: [] }, actions: [{ type: "end" }] };
}

function logLost(state: State, tail: number): Step {
  return fail(
    state,
    "log_lost",
    `the server's log ends at ${tail}, before event ${state.next - 1}, which was shown here; ` +
      "the log was lost or replaced",
  );
}

function refused(state: State, code: string, message: string, cause: string): Step {
  if (cause === "control") {
    // The error does not tell which control, and all that wait are as likely to be refused.
    return {
      state: { ...state, controls: [] },
      actions: state.controls.map(({ id }) => ({ type: "controlled", id, ok: false, message })),
    };
  }
  return fail(state, code, message);
}

function control(state: State, frame: ControlFrame): Step {
  const refuse = (message: string): Step => ({
    state,
    actions: [{ type: "controlled", id: frame.id, ok: false, message }],
  });
  switch (state.is) {
    case "closed":
      return refuse("the run is over");
    case "failed":
      return refuse("this view has lost its stream; reload the page");
    case "offline":
      return refuse("not connected; try again when the view is live");
    case "joining":
    case "gone":
      // Goes out with `subscribed`.
      return stay({ ...state, controls: [...state.controls, frame] });
    case "live":
      return {
        state: { ...state, controls: [...state.controls, frame] },
        actions: [{ type: "send", frame }],
      };
    default:
      return state.is satisfies never;
  }
}

function join(state: State, is: "joining" | "gone"): Step {
  const { stream, next, wait } = state;
  const frame: ClientFrame = {
    op: "subscribe",
    stream,
    from: next,
    ...(wait ? { wait: true as const } : {}),
  };
  return { state: { ...state, is }, actions: [{ type: "send", frame }] };
}

function fail(state: State, code: string, message: string): Step {
  return { state: { ...state, is: "failed" }, actions: [{ type: "fail", code, message }] };
}

function stay(state: State): Step {
  return { state, actions: [] };
}

function without(state: State, id: string): State {
  return { ...state, controls: state.controls.filter((held) => held.id !== id) };
}

function controlOf(input: Extract<Input, { type: "control" }>) {
  return { id: input.id, action: input.action, data: input.data };
}
