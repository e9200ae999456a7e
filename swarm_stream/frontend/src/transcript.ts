/**
 * What a transcript is made of: lanes, segments of streamed text, and other items. `fold.ts`
 * makes them from events; field names are those of the snapshot that both twins agree on.
 */

import type { Channel } from "./events.ts";

/** An agent, team or tool, and what it took. */
export interface LaneState {
  readonly lane: number;
  readonly name: string;
  readonly parent: number | null;
  readonly kind: string;
  deltas: number;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  /** Calls of its model whose tokens nobody counted. */
  uncounted: number;
}

/** A stretch of streamed text. `lane` is null where its beginning was not seen. */
export class Segment {
  readonly kind = "segment";
  open = true;
  partial = false;
  final: string | null = null;
  private whole = "";
  private parts: string[] = [];

  constructor(
    readonly seg: number,
    readonly lane: number | null,
    readonly channel: Channel,
  ) {}

  /** The text so far, exactly as it was streamed. */
  get text(): string {
    this.join();
    return this.whole;
  }

  append(text: string): void {
    this.parts.push(text);
    // Thousands of small strings are several times as large as one.
    if (this.parts.length >= 512) this.join();
  }

  /** Keep the text as one. */
  join(): void {
    if (this.parts.length === 0) return;
    this.whole += this.parts.join("");
    this.parts = [];
  }

  snapshot(): Record<string, unknown> {
    const { kind, seg, lane, channel, text, open, partial, final } = this;
    return { kind, seg, lane, channel, text, open, partial, final };
  }
}

export interface MessageItem {
  readonly kind: "message";
  readonly lane: number;
  readonly message_kind: string;
  readonly content: unknown;
}
export interface ToolItem {
  readonly kind: "tool";
  readonly lane: number | null;
  readonly call: string;
  readonly name: string;
  readonly arguments: string;
  result: string | null;
  is_error: boolean;
}
export interface HandoffItem {
  readonly kind: "handoff";
  readonly lane: number;
  readonly target: string;
  readonly content: string;
}
export interface SelectItem {
  readonly kind: "select";
  readonly lane: null;
  readonly lanes: readonly number[];
}
export interface InputItem {
  readonly kind: "input";
  readonly lane: number | null;
  readonly request: string;
  prompt: string;
  elsewhere: boolean;
  reply: string | null;
  by: string;
  withdrawn: boolean;
}
export interface ControlItem {
  readonly kind: "control";
  readonly lane: null;
  readonly id: string;
  readonly action: string;
  readonly by: string;
}
/** An answer of the model that is not whole, or may not be. */
export interface FinishItem {
  readonly kind: "finish";
  readonly lane: number;
  readonly reason: CutShort;
}
export interface RawItem {
  readonly kind: "raw";
  readonly lane: number | null;
  readonly native: unknown;
}
/** Events from `from` to `to` - 1 are gone; not an event, so only who saw the hole has it. */
export interface GapItem {
  readonly kind: "gap";
  readonly lane: null;
  readonly from: number;
  readonly to: number;
}
export interface UnknownItem {
  readonly kind: "unknown";
  readonly lane: null;
  readonly type: string;
}
export type Item =
  | MessageItem
  | ToolItem
  | HandoffItem
  | SelectItem
  | InputItem
  | ControlItem
  | FinishItem
  | RawItem
  | GapItem
  | UnknownItem;

/** Finish reasons of answers that are not whole, or may not be, and what is said of them. */
export const CUT_WORDS = {
  length: "cut off: the model reached its limit of tokens",
  content_filter: "cut off by the content filter of the model's server",
  unknown: "possibly truncated: the model's server ended the answer without a finish reason",
} as const;
export type CutShort = keyof typeof CUT_WORDS;

const CONTROL_WORDS = {
  pause: "paused",
  resume: "resumed",
  stop: "asked to stop",
  cancel: "cancelled",
  reply: "answered",
};

/** What a button did, in words; what it is called where we do not know it. */
export function controlWords(action: string): string {
  return Object.hasOwn(CONTROL_WORDS, action)
    ? CONTROL_WORDS[action as keyof typeof CONTROL_WORDS]
    : action;
}

/** The same, and who pressed it. */
export function controlText({ action, by }: ControlItem): string {
  return controlWords(action) + (by === "" ? "" : ` by ${by}`);
}

export function chunkWords(count: number): string {
  return count === 1 ? "1 chunk" : `${count} chunks`;
}

export function isCutShort(reason: string | null): reason is CutShort {
  return reason !== null && Object.hasOwn(CUT_WORDS, reason);
}

/** How AutoGen's clients are told to count, where they did not. */
export const UNCOUNTED_WORDS =
  "tokens unknown: give the model client stream_options={'include_usage': True} to have them counted";

/** Whether a message is the answer that its lane has just given, and is known from there. */
export function isRepeated(answers: Map<number | null, unknown>, item: MessageItem): boolean {
  const answer = answers.get(item.lane);
  answers.delete(item.lane);
  return answer !== undefined && answer === item.content;
}

/** What stands where events are gone. */
export function gapText({ from, to }: GapItem): string {
  const count = to - from;
  const [what, which] =
    count === 1
      ? ["1 event is", `number ${from}`]
      : [`${count} events are`, `numbers ${from} to ${to - 1}`];
  return `${what} missing here: the server no longer keeps ${which}`;
}

/** Told of each change as it is made, in order. */
export interface Observer {
  started(): void;
  lane(lane: LaneState): void;
  began(segment: Segment): void;
  grew(segment: Segment, text: string): void;
  closed(segment: Segment): void;
  added(item: Item): void;
  changed(item: Item): void;
  ended(): void;
}
