/** The head of a view: title, states, counters, buttons. */

import { attrs, h, setAttribute, setText } from "./dom.ts";
import type { ConnectionWords, RunState } from "./status.ts";
import { RUN_WORDS } from "./status.ts";

export interface HeaderFacts {
  readonly title: string;
  readonly run: RunState;
  readonly connection: ConnectionWords;
  readonly elapsed: string;
  readonly chunks: number;
  /** Chunks a second, or null where it says nothing. */
  readonly rate: number | null;
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
  private readonly chunks = h("span", "swst-chunks");
  private readonly counter = h("span", "swst-counter");
  private readonly note = attrs(h("div", "swst-note"), { role: "status" });

  constructor(controls: HTMLElement, notice: HTMLElement) {
    const dot = attrs(h("span", "swst-dot"), { "aria-hidden": "true" });
    const connection = h("span", "swst-link", dot, this.connection);
    this.counter.title =
      "Events of this run that this view received, that the server no longer had, and that came twice";
    this.element = h(
      "div",
      "swst-head",
      h("div", "swst-head-row", this.title, this.run, connection, controls),
      h("div", "swst-head-row swst-facts", this.elapsed, this.chunks, this.counter),
      this.note,
      notice,
    );
  }

  draw(facts: HeaderFacts): void {
    setText(this.title, facts.title);
    setText(this.run, RUN_WORDS[facts.run]);
    setText(this.connection, facts.connection.words);
    setAttribute(this.connection, "title", facts.connection.note);
    setText(this.elapsed, facts.elapsed);
    const chunks = facts.chunks === 1 ? "1 chunk" : `${facts.chunks} chunks`;
    setText(this.chunks, facts.rate === null ? chunks : `${chunks} · ${rateWords(facts.rate)}`);
    setText(
      this.counter,
      `received ${facts.received} · missing ${facts.missing} · doubled ${facts.doubled}`,
    );
    this.counter.classList.toggle("swst-bad", facts.missing + facts.doubled > 0);
    setText(this.note, facts.note);
  }
}

function rateWords(rate: number): string {
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`;
}
