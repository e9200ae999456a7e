/**
 * Every frame that a viewer sends or gets: types, encoding, checking, limits.
 *
 * One frame is one text message, a JSON object with `op` (PROTOCOL.md). Unknown fields are
 * ignored. Events inside a frame stay parsed JSON here; `events.ts` reads them.
 *
 * Twin of the viewer's half of `swarm_stream/protocol/frames.py`.
 */

import { isObject } from "./events.ts";

export const SUBPROTOCOL = "swarm-stream.v1";
export const MAX_FRAME_BYTES = 1024 * 1024;
export const MAX_EVENTS_PER_FRAME = 1000;
const STREAM_NAME = /^[A-Za-z0-9._~-]{1,200}$/;

export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  notJson: 1007,
  tooLarge: 1009,
  restarting: 1012,
  tryLater: 1013,
  loginInvalid: 4401,
  forbidden: 4403,
} as const;

export type Producer = "live" | "stalled" | "none";

export type ControlAction = "pause" | "resume" | "stop" | "cancel" | "reply";

export interface ControlFrame {
  readonly op: "control";
  readonly stream: string;
  readonly id: string;
  readonly action: ControlAction;
  readonly data: unknown;
}

export type ClientFrame =
  | {
      readonly op: "subscribe";
      readonly stream: string;
      readonly from: number;
      readonly wait?: true;
    }
  | { readonly op: "unsubscribe"; readonly stream: string }
  | ControlFrame
  | { readonly op: "heartbeat"; readonly t: number };

export type StreamFrame =
  | {
      readonly op: "subscribed";
      readonly stream: string;
      readonly from: number;
      readonly head: number;
      readonly tail: number;
      readonly closed: boolean;
      readonly meta: Record<string, unknown>;
      readonly producer: Producer;
    }
  | {
      readonly op: "events";
      readonly stream: string;
      readonly offset: number;
      readonly events: readonly unknown[];
    }
  | { readonly op: "gone"; readonly stream: string; readonly head: number; readonly tail: number }
  | {
      readonly op: "status";
      readonly stream: string;
      readonly producer: Producer;
      readonly viewers: number;
      /** What keeps events from the log (a full disk), if anything. */
      readonly notice: string;
    }
  | { readonly op: "closed"; readonly stream: string; readonly tail: number }
  | {
      readonly op: "controlled";
      readonly stream: string;
      readonly id: string;
      readonly ok: boolean;
      readonly message: string;
    };

/** `stream` and `cause` (the `op` of the frame that caused it) are "" where not known. */
export interface ErrorFrame {
  readonly op: "error";
  readonly stream: string;
  readonly code: string;
  readonly message: string;
  readonly cause: string;
}

export type ServerFrame = StreamFrame | ErrorFrame | { readonly op: "heartbeat" };

/** What came was no frame at all; the connection is to be closed with 1007. */
export class BadFrameError extends Error {}

export function encodeFrame(frame: ClientFrame): string {
  return JSON.stringify(frame);
}

export function isStreamName(name: string): boolean {
  return STREAM_NAME.test(name);
}

/**
 * Read one frame. Null means to ignore it: an `op` of a newer version, or a field of a wrong
 * type, neither of which is a reason to lose the connection.
 *
 * Throws `BadFrameError` if it is not a JSON object.
 */
export function decodeFrame(text: string): ServerFrame | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadFrameError("a frame is not JSON");
  }
  if (!isObject(body)) throw new BadFrameError("a frame is not a JSON object");
  return frameOf(body);
}

/** Check a parsed frame; the half of `decodeFrame` that vectors use. */
export function frameOf(body: Record<string, unknown>): ServerFrame | null {
  const op = body.op;
  if (op === "heartbeat") return { op };
  const stream = body.stream;
  if (op === "error") {
    return {
      op,
      stream: text(stream),
      code: text(body.code),
      message: text(body.message),
      cause: text(body.cause),
    };
  }
  if (typeof stream !== "string") return null;
  switch (op) {
    case "subscribed": {
      const [from, head, tail] = [body.from, body.head, body.tail];
      if (!isOffset(from) || !isOffset(head) || !isOffset(tail)) return null;
      const meta = body.meta;
      return {
        op,
        stream,
        from,
        head,
        tail,
        closed: body.closed === true,
        meta: isObject(meta) ? meta : {},
        producer: producer(body.producer),
      };
    }
    case "events": {
      const [offset, events] = [body.offset, body.events];
      return isOffset(offset) && Array.isArray(events) ? { op, stream, offset, events } : null;
    }
    case "gone": {
      const [head, tail] = [body.head, body.tail];
      return isOffset(head) && isOffset(tail) ? { op, stream, head, tail } : null;
    }
    case "status": {
      const viewers = body.viewers;
      return {
        op,
        stream,
        producer: producer(body.producer),
        viewers: typeof viewers === "number" ? viewers : 0,
        notice: text(body.notice),
      };
    }
    case "closed": {
      const tail = body.tail;
      return isOffset(tail) ? { op, stream, tail } : null;
    }
    case "controlled": {
      const id = body.id;
      if (typeof id !== "string") return null;
      return { op, stream, id, ok: body.ok === true, message: text(body.message) };
    }
    default:
      return null;
  }
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function producer(value: unknown): Producer {
  return value === "live" || value === "stalled" ? value : "none";
}
