/**
 * The transcript on the page, in order, append-only.
 *
 * What one lane does without a break is a turn. Lanes that talk at once have their turns side
 * by side, where there is room, for as long as one of them has not finished.
 */

import { attrs, h } from "./dom.ts";
import type { Transcript } from "./fold.ts";
import {
  endView,
  finishView,
  type InputView,
  type ItemView,
  inputView,
  lineOf,
  messageView,
  type ReplyTo,
  rawView,
  toolView,
} from "./items.ts";
import { laneAncestors, laneColour, laneHead, laneName } from "./lanes.ts";
import { renderMarkdown } from "./markdown.ts";
import { forgetUnseen, Pages } from "./parts.ts";
import { type SegmentView, segmentView } from "./segments.ts";
import {
  gapText,
  type Item,
  isRepeated,
  type LaneState,
  type Observer,
  type Segment,
} from "./transcript.ts";

export interface BodyEvents {
  /** Null where nothing can be answered: the run is looked at as it was. */
  reply: ReplyTo | null;
  /** Something that a reader who does not look should hear. */
  announce(text: string): void;
  /** What the last line says besides the outcome. */
  summary(): string;
}

/** Chunks that are put on the page together, so that a slice of drawing stays within its time. */
const TOGETHER = 32;

export class Body implements Observer {
  readonly element = h("div", "swst-list");
  private readonly pages = new Pages(this.element);
  private readonly segments = new Map<Segment, SegmentView>();
  /** What the segments have grown by and is not on the page. */
  private readonly fresh = new Map<Segment, string>();
  private chunks = 0;
  private readonly views = new Map<Item, ItemView>();
  private readonly questions = new Map<string, InputView>();
  /** By lane, what was answered last and not said since. */
  private readonly answers = new Map<number | null, unknown>();
  /** The contents of the turns that more may be added to: the last one, or those side by side. */
  private readonly turns = new Map<number | null, Pages>();
  /** Where these turns are. */
  private abreast = h("div");
  /** Of each lane, how many of its segments are growing. */
  private readonly growing = new Map<number | null, number>();
  private task: HTMLElement | null = null;
  private transcript: Transcript | null = null;

  constructor(private readonly events: BodyEvents) {
    forgetUnseen(this.element);
  }

  /** The transcript that this draws; it was made with this as its observer. */
  attach(transcript: Transcript): void {
    this.transcript = transcript;
  }

  started(): void {
    this.events.announce("The run has started.");
    const task = this.transcript?.task ?? "";
    if (task === "") return;
    const text = h("div", "swst-md");
    renderMarkdown(text, task);
    this.task = h("div", "swst-task", h("span", "swst-kind", "task"), text);
    this.append(this.task);
  }

  lane(lane: LaneState): void {
    // Turns that were drawn before their lane was known get their name now.
    const heads = this.element.querySelectorAll(`.swst-turn[data-lane="${lane.lane}"]`);
    for (const turn of heads) {
      turn.querySelector(".swst-turn-head")?.replaceWith(laneHead(this.lanes, lane.lane));
    }
  }

  began(segment: Segment): void {
    const view = segmentView(segment, laneName(this.lanes, segment.lane));
    this.segments.set(segment, view);
    this.place(segment.lane).append(view.element);
    this.grows(segment.lane, 1);
  }

  grew(segment: Segment, text: string): void {
    this.fresh.set(segment, (this.fresh.get(segment) ?? "") + text);
    this.chunks += 1;
    if (this.chunks >= TOGETHER) this.flush();
  }

  /** Put all that was said on the page. */
  flush(): void {
    for (const [segment, text] of this.fresh) this.segments.get(segment)?.append(text);
    this.fresh.clear();
    this.chunks = 0;
  }

  closed(segment: Segment): void {
    this.flush();
    this.segments.get(segment)?.close();
    if (this.segments.has(segment)) this.grows(segment.lane, -1);
    // Nothing more comes, and a parser for each segment of a long run is memory.
    this.segments.delete(segment);
  }

  added(item: Item): void {
    switch (item.kind) {
      case "message":
        // The task comes twice from most teams: as the run's, and as its first message.
        if (this.task !== null && item.content === this.transcript?.task) return;
        // So does an answer: in its question, and as what the person says in the team.
        if (isRepeated(this.answers, item)) return;
        this.put(item, messageView(item));
        return;
      case "tool":
        this.put(
          item,
          toolView(item, () => this.isOver),
        );
        return;
      case "input": {
        const view = inputView(item, this.events.reply, () => this.isOver);
        this.questions.set(item.request, view);
        this.put(item, view);
        this.events.announce(`${laneName(this.lanes, item.lane)} asks: ${item.prompt}`);
        return;
      }
      case "finish":
        this.put(item, finishView(item));
        return;
      case "raw":
        if (item.lane === null) this.append(rawView(item).element);
        else this.put(item, rawView(item));
        return;
      case "gap":
        this.events.announce(gapText(item));
        this.line(item.kind, gapText(item));
        return;
      case "handoff":
      case "select":
      case "control":
      case "unknown": {
        const line = lineOf(item, this.lanes);
        if (line !== null) this.line(item.kind, ...line);
        return;
      }
      default:
        item satisfies never;
    }
  }

  changed(item: Item): void {
    if (item.kind === "input" && item.reply !== null) this.answers.set(item.lane, item.reply);
    this.views.get(item)?.update();
  }

  /** An answer to a question was not taken. */
  refused(request: string, message: string): void {
    this.questions.get(request)?.refused(message);
  }

  ended(): void {
    const { transcript } = this;
    if (transcript === null) return;
    // What waits for an answer gets none any more.
    for (const [item, view] of this.views) if (isOpen(item)) view.update();
    this.append(endView(transcript, this.events.summary()));
    this.events.announce(`The run has ${ENDED[transcript.outcome ?? "completed"]}.`);
  }

  private get lanes(): ReadonlyMap<number, LaneState> {
    return this.transcript?.lanes ?? new Map();
  }

  private get isOver(): boolean {
    return this.transcript?.outcome != null;
  }

  private put(item: Item, view: ItemView): void {
    this.views.set(item, view);
    this.place(item.lane).append(view.element);
  }

  /** Whether more is to come at once: what is out of sight can wait until it is all there. */
  hold(on: boolean): void {
    this.pages.hold(on);
  }

  private line(kind: string, ...text: readonly (Node | string)[]): void {
    this.append(h("div", `swst-line swst-line-${kind}`, ...text));
  }

  private append(element: HTMLElement): void {
    this.flush();
    this.turns.clear();
    this.pages.append(element);
  }

  private grows(lane: number | null, more: 1 | -1): void {
    const count = (this.growing.get(lane) ?? 0) + more;
    if (count > 0) this.growing.set(lane, count);
    else this.growing.delete(lane);
  }

  /** Where the next thing of a lane goes: its turn, a new one if another lane came between. */
  private place(lane: number | null): Pages {
    this.flush();
    // Another lane that holds a turn here is still speaking.
    const together = [...this.turns.keys()].some((one) => one !== lane && this.growing.has(one));
    if (!together && this.turns.size > 1) this.turns.clear();
    const held = this.turns.get(lane);
    if (held !== undefined) return held;
    if (!together) {
      this.turns.clear();
      this.abreast = h("div", "swst-abreast");
      this.pages.append(this.abreast);
    }
    const content = h("div", "swst-turn-body");
    this.abreast.append(this.makeTurn(lane, content));
    // Of many lanes side by side each would keep its first page laid out, were it the body.
    const pages = new Pages(content, h("div", "swst-part"));
    this.turns.set(lane, pages);
    return pages;
  }

  private makeTurn(lane: number | null, content: HTMLElement): HTMLElement {
    const element = h("div", "swst-turn", laneHead(this.lanes, lane), content);
    attrs(element, { "data-lane": lane === null ? "" : String(lane) });
    element.style.setProperty("--swst-lane", laneColour(lane));
    element.style.setProperty("--swst-depth", String(laneAncestors(this.lanes, lane).length));
    return element;
  }
}

const ENDED = {
  completed: "completed",
  cancelled: "been cancelled",
  failed: "failed",
  interrupted: "been interrupted",
} as const;

function isOpen(item: Item): boolean {
  return (item.kind === "tool" && item.result === null) || item.kind === "input";
}
