/**
 * A transcript as it was after so many events: what the timeline shows instead of the live one.
 *
 * Going on applies what is between. Going back folds the run anew, which is quick, and draws
 * only its last items, which is what a reader looks at; the rest is drawn on demand.
 */

import { Body } from "./body.ts";
import { attrs, h } from "./dom.ts";
import { Transcript } from "./fold.ts";
import type { History } from "./history.ts";
import type { Item, Segment } from "./transcript.ts";

/** Items that are drawn at once. */
const LAST = 60;
/** From so many events on it is quicker to begin anew than to draw all of them. */
const FAR = 2000;

export class Past {
  readonly element = h("div");
  private transcript = new Transcript();
  private body: Body | null = null;
  private count = 0;

  constructor(private readonly history: History) {
    this.build(0, LAST);
  }

  /** Show the first `count` events. */
  show(count: number): void {
    if (count === this.count) return;
    if (count < this.count || count - this.count > FAR) this.build(count, LAST);
    else this.forward(count);
    this.body?.flush();
  }

  private forward(count: number): void {
    const { history, transcript } = this;
    for (; this.count < count; this.count += 1) {
      for (const [at, from, to] of history.holes) {
        if (at === this.count) transcript.missed(from, to);
      }
      transcript.apply(history.event(this.count));
    }
  }

  /** Begin anew, and draw the last items. */
  private build(count: number, last: number): void {
    this.transcript = new Transcript();
    this.count = 0;
    this.forward(count);
    const { transcript } = this;
    const body = new Body({ reply: null, announce: () => {}, summary: () => "" });
    this.body = body;
    body.attach(transcript);
    const first = Math.max(0, transcript.items.length - last);
    if (transcript.count > 0 && first === 0) body.started();
    for (const item of transcript.items.slice(first)) draw(body, item);
    if (transcript.outcome !== null) body.ended();
    transcript.observer = body;
    this.element.replaceChildren(body.element);
    if (first > 0) this.element.prepend(this.more(first));
  }

  private more(count: number): HTMLElement {
    const label = `Show what came before (${count})`;
    const button = attrs(h("button", "swst-button", label), { type: "button" });
    button.addEventListener("click", () => this.build(this.count, Number.POSITIVE_INFINITY));
    return h("div", "swst-line", button);
  }
}

/** Tell a body of something that is there already. */
function draw(body: Body, item: Segment | Item): void {
  if (item.kind !== "segment") {
    body.added(item);
    body.changed(item);
    return;
  }
  body.began(item);
  body.grew(item, item.text);
  body.flush();
  if (!item.open) body.closed(item);
}
