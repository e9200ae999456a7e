/**
 * What agents say: the event types.
 *
 * An event has no position; its offset in the stream is given by whoever carries it. `t` is
 * the producer's clock in ms since the epoch, for display only, never for order.
 *
 * Twin of `swarm_stream/events/model.py`. Change them together.
 */

export type Channel = "text" | "reasoning";
export type Outcome = "completed" | "cancelled" | "failed" | "interrupted";

export interface ErrorInfo {
  readonly type: string;
  readonly message: string;
  readonly traceback: string;
}

interface Shapes {
  start: { readonly task: string; readonly source: string; readonly caps: readonly string[] };
  lane: {
    readonly lane: number;
    readonly name: string;
    readonly parent: number | null;
    readonly kind: string;
  };
  open: { readonly seg: number; readonly lane: number; readonly channel: Channel };
  delta: { readonly seg: number; readonly text: string };
  close: { readonly seg: number; readonly text: string | null; readonly partial: boolean };
  message: { readonly lane: number; readonly kind: string; readonly content: unknown };
  tool_call: {
    readonly call: string;
    readonly lane: number;
    readonly name: string;
    readonly arguments: string;
  };
  tool_result: { readonly call: string; readonly content: string; readonly is_error: boolean };
  handoff: { readonly lane: number; readonly target: string; readonly content: string };
  select: { readonly lanes: readonly number[] };
  input_request: {
    readonly request: string;
    readonly lane: number;
    readonly prompt: string;
    /** The program asks by a way of its own: views show the question and take no answer. */
    readonly elsewhere: boolean;
  };
  input_reply: {
    readonly request: string;
    readonly content: string;
    readonly by: string;
    /** The question was taken back; nobody answered. */
    readonly withdrawn: boolean;
  };
  control: { readonly id: string; readonly action: string; readonly by: string };
  usage: {
    readonly lane: number;
    readonly prompt_tokens: number | null;
    readonly completion_tokens: number | null;
    readonly finish_reason: string | null;
  };
  raw: { readonly native: unknown; readonly lane: number | null };
  /** Piece `index` of `count` of an event too large for a frame; `data` joined is its JSON. */
  part: { readonly index: number; readonly count: number; readonly data: string };
  end: { readonly outcome: Outcome; readonly reason: string; readonly error: ErrorInfo | null };
}

type Type = keyof Shapes;
type EventOf<T extends Type> = { readonly type: T; readonly t: number } & Shapes[T];
export type KnownEvent = { [T in Type]: EventOf<T> }[Type];

/** An event of a type, or of a shape, that this version does not know; kept, never an error. */
export interface UnknownEvent {
  readonly type: "?";
  readonly of: string;
  readonly t: number;
  readonly data: unknown;
}
export type AnyEvent = KnownEvent | UnknownEvent;

type Check = (value: unknown) => boolean;
/** A field that must be there has a check; one that may be missing has its default as well. */
type Field = readonly [Check] | readonly [Check, unknown];

const int: Check = (value) => Number.isInteger(value);
const str: Check = (value) => typeof value === "string";
const bool: Check = (value) => typeof value === "boolean";
const anything: Check = () => true;
const maybe =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const oneOf =
  (...names: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && names.includes(value);
const text: Check = (value) => value === undefined || str(value);
const errorInfo: Check = (value) =>
  isObject(value) && str(value.type) && text(value.message) && text(value.traceback);

const FIELDS: { readonly [T in Type]: { readonly [F in keyof Shapes[T]]: Field } } = {
  start: { task: [str, ""], source: [str, ""], caps: [list(str), []] },
  lane: { lane: [int], name: [str], parent: [maybe(int), null], kind: [str, "agent"] },
  open: { seg: [int], lane: [int], channel: [oneOf("text", "reasoning"), "text"] },
  delta: { seg: [int], text: [str] },
  close: { seg: [int], text: [maybe(str), null], partial: [bool, false] },
  message: { lane: [int], kind: [str, "text"], content: [anything, ""] },
  tool_call: { call: [str], lane: [int], name: [str], arguments: [str, ""] },
  tool_result: { call: [str], content: [str, ""], is_error: [bool, false] },
  handoff: { lane: [int], target: [str], content: [str, ""] },
  select: { lanes: [list(int)] },
  input_request: { request: [str], lane: [int], prompt: [str, ""], elsewhere: [bool, false] },
  input_reply: { request: [str], content: [str, ""], by: [str, ""], withdrawn: [bool, false] },
  control: { id: [str], action: [str], by: [str, ""] },
  usage: {
    lane: [int],
    prompt_tokens: [maybe(int), null],
    completion_tokens: [maybe(int), null],
    finish_reason: [maybe(str), null],
  },
  raw: { native: [anything, null], lane: [maybe(int), null] },
  part: { index: [int], count: [int], data: [str] },
  end: {
    outcome: [oneOf("completed", "cancelled", "failed", "interrupted")],
    reason: [str, ""],
    error: [maybe(errorInfo), null],
  },
};

const TABLE = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [
    type,
    // `Object.entries` forgets that every value of FIELDS is a Field; the type above holds it.
    Object.entries(fields) as [string, Field][],
  ]),
);

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Read one event from parsed JSON. Never throws: what is not known becomes an `UnknownEvent`. */
export function decodeEvent(body: unknown): AnyEvent {
  if (!isObject(body)) return { type: "?", of: "", t: 0, data: body };
  const type = body.type;
  const t = body.t === undefined ? 0 : body.t;
  const unknown = (): UnknownEvent => ({
    type: "?",
    of: typeof type === "string" ? type : "",
    t: typeof t === "number" ? t : 0,
    data: body,
  });
  const fields = typeof type === "string" ? TABLE.get(type) : undefined;
  if (fields === undefined || typeof t !== "number") return unknown();
  const event: Record<string, unknown> = { type, t };
  for (const [name, field] of fields) {
    const value = body[name];
    if (value !== undefined) {
      if (!field[0](value)) return unknown();
      event[name] = value;
    } else if (field.length === 2) event[name] = field[1];
    else return unknown();
  }
  if (type === "end" && isObject(event.error)) {
    event.error = { message: "", traceback: "", ...event.error };
  }
  // The loop above has just checked every field that the type of that name asks for.
  return event as unknown as KnownEvent;
}
