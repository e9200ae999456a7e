/** The head of a view: title, states, counters, buttons. */

import { attrs, h, setAttribute, setText, svg } from "./dom.ts";
import type { ConnectionWords, RunState } from "./status.ts";
import { RUN_WORDS } from "./status.ts";
import { chunkWords } from "./transcript.ts";

export interface HeaderFacts {
  readonly title: string;
  readonly run: RunState;
  readonly connection: ConnectionWords;
  readonly elapsed: string;
  /** How long the first text took. */
  readonly first: string;
  /** How long it takes from an agent to this screen. */
  readonly delivery: { readonly short: string; readonly full: string };
  /** What the model's server counted; "" where it did not. */
  readonly tokens: string;
  readonly chunks: number;
  /** Chunks a second, or null where it says nothing. */
  readonly rate: number | null;
  /** Chunks a second over the whole run, as heights from 0 to 1. */
  readonly shape: readonly number[];
  readonly received: number;
  readonly missing: number;
  readonly doubled: number;
  /** Something unusual that the reader should know. */
  readonly note: string;
}

export class Header {
  readonly element: HTMLElement;
  private readonly title = h("span", "swst-title");
  private readonly run = h("span", "swst-badge swst-run");
  private readonly connection = h("span", "swst-badge swst-connection");
  private readonly elapsed = h("span", "swst-elapsed");
  private readonly first = h("span", "swst-first");
  private readonly delivery = h("span", "swst-delivery");
  private readonly tokens = h("span", "swst-tokens");
  private readonly chunks = h("span", "swst-chunks");
  private readonly curve = svg("path");
  private readonly counter = h("span", "swst-counter");
  private readonly note = h("div", "swst-note");

  /** `page` is the address of a page with this view alone; "" if there is none. */
  constructor(controls: HTMLElement, notice: HTMLElement, page: string) {
    const dot = attrs(h("span", "swst-dot"), { "aria-hidden": "true" });
    const connection = h("span", "swst-link", dot, this.connection);
    this.counter.title =
      "Events of this run that this view received, that the server no longer had, and that came twice";
    this.element = h(
      "div",
      "swst-head",
      h("div", "swst-head-row", this.title, this.run, connection, controls),
      h(
        "div",
        "swst-head-row swst-facts",
        this.elapsed,
        this.first,
        this.delivery,
        this.tokens,
        h("span", "swst-pace", this.chunks, this.sparkline()),
        this.counter,
      ),
      this.note,
      notice,
    );
    if (page !== "") this.counter.after(openLink(page));
  }

  draw(facts: HeaderFacts): void {
    setText(this.title, facts.title);
    setText(this.run, RUN_WORDS[facts.run]);
    setText(this.connection, facts.connection.words);
    setAttribute(this.connection, "title", facts.connection.note);
    setText(this.elapsed, facts.elapsed);
    setText(this.first, facts.first);
    setText(this.delivery, facts.delivery.short);
    setAttribute(this.delivery, "title", facts.delivery.full);
    setText(this.tokens, facts.tokens);
    setAttribute(this.curve, "d", curvePath(facts.shape));
    const chunks = chunkWords(facts.chunks);
    setText(this.chunks, facts.rate === null ? chunks : `${chunks} · ${rateWords(facts.rate)}`);
    setText(
      this.counter,
      `received ${facts.received} · missing ${facts.missing} · doubled ${facts.doubled}`,
    );
    this.counter.classList.toggle("swst-bad", facts.missing + facts.doubled > 0);
    setText(this.note, facts.note);
  }

  /** The rate over the whole run; for the eye only, the rate is told beside it. */
  private sparkline(): SVGElement {
    const box = { viewBox: `0 0 60 ${CURVE_HEIGHT}`, class: "swst-curve", "aria-hidden": "true" };
    const drawing = attrs(svg("svg"), { ...box, preserveAspectRatio: "none" });
    drawing.append(this.curve);
    return drawing;
  }
}

const CURVE_HEIGHT = 14;

function curvePath(shape: readonly number[]): string {
  if (shape.length < 2) return "";
  const width = 60 / shape.length;
  const steps = shape.map(
    (height) => `V${(CURVE_HEIGHT * (1 - height)).toFixed(1)}h${width.toFixed(2)}`,
  );
  return `M0 ${CURVE_HEIGHT}${steps.join("")}V${CURVE_HEIGHT}z`;
}

function openLink(page: string): HTMLElement {
  return attrs(h("a", "swst-open", "Open in a tab"), {
    href: page,
    target: "_blank",
    rel: "noopener",
  });
}

function rateWords(rate: number): string {
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
}
