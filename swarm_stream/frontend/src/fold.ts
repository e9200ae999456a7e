/**
 * From events to what a reader sees: the state of every lane, segment and message.
 *
 * `Transcript` takes events in order and never fails on one: a run is shown as far as it is
 * known, also when its beginning is no longer in the log. Any way of batching the same events
 * gives the same transcript. It touches no DOM; whoever draws it gives an `Observer`.
 *
 * Twin of `swarm_stream/events/fold.py`; both are held to `tests/vectors/fold`. Change them
 * together.
 */

import {
  type AnyEvent,
  type Channel,
  decodeEvent,
  type ErrorInfo,
  type Outcome,
} from "./events.ts";
import { Pieces } from "./pieces.ts";
import {
  type InputItem,
  type Item,
  isCutShort,
  type LaneState,
  type Observer,
  Segment,
  type ToolItem,
} from "./transcript.ts";

/**
 * The state of a run after the events that it was given.
 *
 * `apply` costs the same for each event, however long the transcript is.
 */
export class Transcript {
  count = 0;
  deltas = 0;
  task = "";
  source = "";
  caps: readonly string[] = [];
  first_t: number | null = null;
  last_t: number | null = null;
  readonly lanes = new Map<number, LaneState>();
  readonly items: (Segment | Item)[] = [];
  outcome: Outcome | null = null;
  reason = "";
  error: ErrorInfo | null = null;

  /** Whether the last pause that somebody asked for is still on. Not part of the snapshot. */
  paused = false;
  /** Whether somebody asked the run to stop. Not part of the snapshot either. */
  stopping = false;

  private readonly segments = new Map<number, Segment>();
  /** Open segments that a hole went through. */
  private readonly torn = new Set<number>();
  private holed = false;
  private readonly tools = new Map<string, ToolItem>();
  private readonly inputs = new Map<string, InputItem>();
  private readonly pieces = new Pieces();

  /** Told of each change; may be changed between events. */
  constructor(public observer?: Observer) {}

  /** Apply events in order. */
  extend(events: Iterable<AnyEvent>): void {
    for (const event of events) this.apply(event);
  }

  /** Apply the next event. */
  apply(event: AnyEvent): void {
    this.count += 1;
    if (event.t) {
      this.first_t ??= event.t;
      this.last_t = event.t;
    }
    this.take(event);
  }

  /**
   * Note in its place that events are gone. What a lane says after it goes into another piece,
   * so that no reader takes both for one. The Python twin has no such thing: it runs where the
   * events are made.
   */
  missed(from: number, to: number): void {
    for (const [seg, segment] of this.segments) if (segment.open) this.torn.add(seg);
    this.pieces.clear();
    this.holed = true;
    this.add({ kind: "gap", lane: null, from, to });
  }

  /** Questions that a view may answer and nobody has. */
  get waiting(): InputItem[] {
    return [...this.inputs.values()].filter((asked) => isOpen(asked) && !asked.elsewhere);
  }

  /** For each lane the streamed text of the `text` channel, joined as it came. */
  textByLane(): Map<number | null, string> {
    const texts = new Map<number | null, string>();
    for (const item of this.items) {
      if (item.kind === "segment" && item.channel === "text") {
        texts.set(item.lane, (texts.get(item.lane) ?? "") + item.text);
      }
    }
    return texts;
  }

  /** The whole state as plain JSON: what both twins must agree on. */
  snapshot(): Record<string, unknown> {
    const { count, deltas, task, source, caps, first_t, last_t, outcome, reason, error } = this;
    return {
      count,
      deltas,
      task,
      source,
      caps,
      first_t,
      last_t,
      lanes: [...this.lanes.values()].map((lane) => ({ ...lane })),
      items: this.items.map((item) => (item.kind === "segment" ? item.snapshot() : { ...item })),
      outcome,
      reason,
      error: error && errorSnapshot(error),
    };
  }

  private take(event: AnyEvent): void {
    switch (event.type) {
      case "delta": {
        const segment = this.growing(event.seg);
        segment.append(event.text);
        this.deltas += 1;
        // Whoever speaks after a hole is not paused: that it was let go on is in the hole.
        if (this.holed) this.paused = false;
        const lane = segment.lane === null ? undefined : this.lanes.get(segment.lane);
        if (lane !== undefined) lane.deltas += 1;
        this.observer?.grew(segment, event.text);
        return;
      }
      case "open":
        this.begin(event.seg, event.lane, event.channel);
        return;
      case "close": {
        const segment = this.segments.get(event.seg) ?? this.begin(event.seg, null, "text");
        segment.open = false;
        segment.join();
        this.torn.delete(event.seg);
        segment.partial = event.partial;
        segment.final = event.text;
        this.observer?.closed(segment);
        return;
      }
      case "lane": {
        const { lane, name, parent, kind } = event;
        const counts = { deltas: 0, prompt_tokens: null, completion_tokens: null, uncounted: 0 };
        const state: LaneState = { lane, name, parent, kind, ...counts };
        this.lanes.set(lane, state);
        this.observer?.lane(state);
        return;
      }
      case "message":
        this.add({
          kind: "message",
          lane: event.lane,
          message_kind: event.kind,
          content: event.content,
        });
        return;
      case "tool_call":
        this.tool(event.lane, event.call, event.name, event.arguments);
        return;
      case "tool_result": {
        const tool = this.tools.get(event.call) ?? this.orphanResult(event.call);
        tool.result = event.content;
        tool.is_error = event.is_error;
        this.observer?.changed(tool);
        return;
      }
      case "handoff": {
        const { lane, target, content } = event;
        this.add({ kind: "handoff", lane, target, content });
        return;
      }
      case "select":
        this.add({ kind: "select", lane: null, lanes: event.lanes });
        return;
      case "input_request": {
        const { lane, request, prompt, elsewhere } = event;
        const held = this.inputs.get(request);
        if (held !== undefined && isOpen(held)) {
          held.prompt = prompt;
          held.elsewhere = elsewhere;
          this.observer?.changed(held);
        } else this.inputs.set(request, this.ask(lane, request, prompt, elsewhere));
        return;
      }
      case "input_reply": {
        const asked = this.inputs.get(event.request) ?? this.ask(null, event.request, "", false);
        asked.reply = event.withdrawn ? null : event.content;
        asked.by = event.by;
        asked.withdrawn = event.withdrawn;
        this.observer?.changed(asked);
        return;
      }
      case "control":
        if (event.action === "pause") this.paused = true;
        if (event.action === "resume") this.paused = false;
        // What was pressed in a recording is told, and stops nothing now.
        if (event.action === "stop") this.stopping = this.source !== "recorded";
        this.add({
          kind: "control",
          lane: null,
          id: event.id,
          action: event.action,
          by: event.by,
        });
        return;
      case "usage": {
        const { finish_reason: reason } = event;
        if (isCutShort(reason)) this.add({ kind: "finish", lane: event.lane, reason });
        const lane = this.lanes.get(event.lane);
        if (lane === undefined) return;
        if (event.prompt_tokens === null && event.completion_tokens === null) lane.uncounted += 1;
        lane.prompt_tokens = sum(lane.prompt_tokens, event.prompt_tokens);
        lane.completion_tokens = sum(lane.completion_tokens, event.completion_tokens);
        return;
      }
      case "start":
        this.task = event.task;
        this.source = event.source;
        this.caps = event.caps;
        this.observer?.started();
        return;
      case "raw":
        this.add({ kind: "raw", lane: event.lane, native: event.native });
        return;
      case "part": {
        const whole = this.pieces.add(event.index, event.count, event.data);
        // A piece of a piece is never made; taking one here would recurse at most once.
        if (whole !== undefined) this.take(decodeEvent(whole));
        return;
      }
      case "end":
        this.outcome = event.outcome;
        this.reason = event.reason;
        this.error = event.error;
        this.observer?.ended();
        return;
      case "?":
        this.add({ kind: "unknown", lane: null, type: event.of });
        return;
      default:
        event satisfies never;
    }
  }

  private begin(seg: number, lane: number | null, channel: Channel): Segment {
    const segment = new Segment(seg, lane, channel);
    this.segments.set(seg, segment);
    this.items.push(segment);
    this.observer?.began(segment);
    return segment;
  }

  /** The segment that takes the next text: another one after a hole. */
  private growing(seg: number): Segment {
    const held = this.segments.get(seg);
    if (held === undefined) return this.begin(seg, null, "text");
    if (!this.torn.delete(seg)) return held;
    held.open = false;
    this.observer?.closed(held);
    return this.begin(seg, held.lane, held.channel);
  }

  private add<T extends Item>(item: T): T {
    this.items.push(item);
    this.observer?.added(item);
    return item;
  }

  private ask(lane: number | null, request: string, prompt: string, elsewhere: boolean): InputItem {
    const fresh = { reply: null, by: "", withdrawn: false };
    return this.add({ kind: "input", lane, request, prompt, elsewhere, ...fresh });
  }

  private tool(lane: number | null, call: string, name: string, text: string): ToolItem {
    const item: ToolItem = {
      kind: "tool",
      lane,
      call,
      name,
      arguments: text,
      result: null,
      is_error: false,
    };
    if (lane !== null) this.tools.set(call, item);
    return this.add(item);
  }

  /** A result whose call was not seen; a second one for the same call is another item. */
  private orphanResult(call: string): ToolItem {
    return this.tool(null, call, "", "");
  }
}

/** As Python writes it: without what is empty. */
function errorSnapshot({ type, message, traceback }: ErrorInfo): Record<string, string> {
  return { type, ...(message && { message }), ...(traceback && { traceback }) };
}

function isOpen({ reply, withdrawn }: InputItem): boolean {
  return reply === null && !withdrawn;
}

function sum(held: number | null, more: number | null): number | null {
  return more === null ? held : (held ?? 0) + more;
}
