/** The list of this server's streams: searched while one types, kept up to date while seen. */

import { pageAddress } from "./addresses.ts";
import { DeleteQuestion } from "./delete-question.ts";
import { attrs, h, setText } from "./dom.ts";
import { Line } from "./list-line.ts";
import { Poll } from "./poll.ts";
import type { Listing, Rest } from "./rest.ts";
import { inOrder, matching, type Row, summary } from "./streams.ts";

/** Lines that are shown until the reader asks for more. */
const SHOWN = 200;

const EXAMPLE = `import swarm_stream as ss

run = ss.stream(team, task="Plan three days in Oslo")`;

export class ListPage {
  readonly element: HTMLElement;
  private readonly search = attrs(h("input", "swsp-search"), {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search by title, id, agent, notebook or state",
    autocomplete: "off",
    spellcheck: "false",
  });
  private readonly summary = attrs(h("p", "swsp-summary"), { role: "status" });
  private readonly trouble = attrs(h("div", "swsp-trouble"), { role: "status" });
  private readonly list = attrs(h("ul", "swsp-list"), { "aria-label": "Streams" });
  private readonly nothing = h("div", "swsp-nothing");
  private readonly more = attrs(h("button", "swsp-button swsp-more"), { type: "button" });
  private readonly lines = new Map<string, Line>();
  private readonly question: DeleteQuestion;
  private readonly poll = new Poll(async () => {
    const listing = await this.rest.list();
    return () => this.take(listing);
  });
  private rows: readonly Row[] | null = null;
  private now = 0;
  private limit = SHOWN;
  /** When the list was last had, as the reader's clock shows it. */
  private asOf = "";

  constructor(private readonly rest: Rest) {
    this.question = new DeleteQuestion(
      (stream) => rest.remove(stream),
      (row) => this.removed(row),
    );
    const head = h("header", "swsp-head", h("h1", "", "Streams"), this.search);
    const main = h("main", "", this.summary, this.trouble, this.list, this.nothing, this.more);
    this.element = h("div", "swsp-page", head, main, this.question.element);
    this.search.value = new URLSearchParams(location.search).get("q") ?? "";
    this.search.addEventListener("input", () => {
      keepQuery(this.search.value);
      this.draw();
    });
    this.more.addEventListener("click", () => {
      this.limit = Number.POSITIVE_INFINITY;
      this.draw();
      // The button is gone; go on where it was.
      this.list.querySelectorAll("a")[SHOWN]?.focus();
    });
    this.more.hidden = true;
    this.poll.now();
  }

  dispose(): void {
    this.poll.stop();
    this.element.remove();
  }

  private take(listing: Listing): void {
    if (listing.is === "listed") {
      this.rows = inOrder(listing.rows);
      this.now = listing.now;
      this.asOf = new Date().toLocaleTimeString();
    }
    this.tell(listing);
    this.draw();
  }

  private tell(listing: Listing): void {
    if (listing.is === "listed") {
      this.trouble.replaceChildren();
      return;
    }
    const said: (Node | string)[] = [listing.message];
    if (listing.is === "login") {
      said.push(" ", attrs(h("a", "", "Log in again"), { href: location.href }), ".");
    } else if (listing.is === "away") {
      said.push(" It is asked again by itself.");
    }
    if (this.rows !== null) said.push(` This is how it was at ${this.asOf}.`);
    // The same words again would be read out again.
    const text = said.map((part) => (typeof part === "string" ? part : part.textContent)).join("");
    if (this.trouble.textContent !== text) this.trouble.replaceChildren(...said);
  }

  private draw(): void {
    const { rows } = this;
    if (rows === null) return;
    const found = matching(rows, this.search.value);
    const live = rows.filter(({ over, state }) => !over && state !== "stalled").length;
    document.title = live === 0 ? "Streams" : `${live} live · Streams`;
    const searched = found.length === rows.length ? "" : `${found.length} found of `;
    setText(this.summary, rows.length === 0 ? "" : `${searched}${summary(rows)}`);
    this.place(found.slice(0, this.limit));
    this.more.hidden = found.length <= this.limit;
    setText(this.more, `Show ${found.length - this.limit} more`);
    this.drawNothing(rows.length, found.length);
  }

  /** Bring the lines up to date where they are: what has the focus keeps it, and its place. */
  private place(rows: readonly Row[]): void {
    const focused = document.activeElement;
    const shown = new Set(rows.map(({ stream }) => stream));
    for (const [stream, line] of this.lines) {
      if (shown.has(stream)) continue;
      line.element.remove();
      this.lines.delete(stream);
    }
    let next = this.list.firstElementChild;
    for (const row of rows) {
      const line = this.lines.get(row.stream) ?? this.line(row);
      line.update(row, this.now);
      if (line.element === next) next = next.nextElementSibling;
      else this.list.insertBefore(line.element, next);
    }
    // Moving an element takes its focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement) {
      focused.focus({ preventScroll: true });
    }
  }

  private line(row: Row): Line {
    const line = new Line(row, pageAddress(this.rest.baseUrl, row.stream), (asked) =>
      this.question.ask(asked),
    );
    this.lines.set(row.stream, line);
    return line;
  }

  private drawNothing(all: number, found: number): void {
    const is = found > 0 ? "" : all > 0 ? "search" : "empty";
    if (this.nothing.dataset.is === is) return;
    this.nothing.dataset.is = is;
    if (is === "search") {
      const clear = attrs(h("button", "swsp-button", "Show all streams"), { type: "button" });
      clear.addEventListener("click", () => {
        this.search.value = "";
        this.search.dispatchEvent(new Event("input"));
        this.search.focus();
      });
      this.nothing.replaceChildren(h("p", "", "No stream has these words."), clear);
    } else if (is === "empty") {
      this.nothing.replaceChildren(
        h("p", "", "There are no streams on this server yet."),
        h("p", "", "Start a run in a notebook of this server, and it appears here:"),
        h("pre", "", h("code", "", EXAMPLE)),
      );
    } else this.nothing.replaceChildren();
  }

  private removed(row: Row): void {
    const element = this.lines.get(row.stream)?.element;
    // The reader goes on at the line that comes up in its place.
    const next = element?.nextElementSibling ?? element?.previousElementSibling;
    const target = next?.querySelector<HTMLElement>("button:not([hidden])") ?? this.search;
    this.rows = (this.rows ?? []).filter(({ stream }) => stream !== row.stream);
    this.draw();
    target.focus();
    setText(this.summary, `“${row.title}” was deleted. ${this.summary.textContent}`.trim());
    this.poll.now();
  }
}

/** So that a reload, or the way back from a stream, finds the same. */
function keepQuery(query: string): void {
  const url = new URL(location.href);
  if (query === "") url.searchParams.delete("q");
  else url.searchParams.set("q", query);
  history.replaceState(null, "", url);
}
