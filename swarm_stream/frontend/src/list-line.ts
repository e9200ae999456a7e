/** One line of the list of streams. */

import { attrs, h, setAttribute, setText } from "./dom.ts";
import { ago, count, type Row, STATE_NOTES, STATE_WORDS, size } from "./streams.ts";

export class Line {
  readonly element: HTMLLIElement;
  row: Row;
  private readonly state = h("span", "swsp-state");
  private readonly title = h("a", "swsp-title");
  private readonly id: HTMLElement = h("code", "swsp-id");
  private readonly about = h("span", "swsp-who");
  private readonly created = h("time", "swsp-when");
  private readonly size = h("span", "swsp-size");
  private readonly viewers = h("span", "swsp-viewers");
  readonly remove = attrs(h("button", "swsp-button swsp-delete", "Delete"), { type: "button" });

  constructor(row: Row, address: string, remove: (row: Row) => void) {
    this.row = row;
    this.title.href = address;
    this.remove.addEventListener("click", () => remove(this.row));
    const what = h("div", "swsp-what", this.title, h("div", "swsp-about", this.id, this.about));
    const facts = h("div", "swsp-facts", this.created, this.size, this.viewers);
    this.element = h("li", "swsp-line", this.state, what, facts, this.remove);
    this.element.dataset.stream = row.stream;
  }

  update(row: Row, now: number): void {
    this.row = row;
    setAttribute(this.element, "data-state", row.state);
    setText(this.state, STATE_WORDS[row.state]);
    setAttribute(this.state, "title", STATE_NOTES[row.state]);
    setText(this.title, row.title);
    setText(this.id, row.title === row.stream ? "" : row.stream);
    setText(this.about, row.about);
    const created = new Date(row.created);
    setText(this.created, `started ${ago(row.created, now)}`);
    setAttribute(this.created, "title", `started ${created.toLocaleString()}`);
    setAttribute(this.created, "datetime", created.toISOString());
    setText(this.size, `${count(row.events, "event")} · ${size(row.bytes)}`);
    setText(this.viewers, row.viewers === 0 ? "" : count(row.viewers, "viewer"));
    // Its place stays, so that nothing moves when a run ends.
    this.remove.hidden = !row.over;
    setAttribute(this.remove, "aria-label", `Delete ${row.title}`);
  }
}
