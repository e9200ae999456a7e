/** The question before a stream is deleted. */

import { attrs, h, setText } from "./dom.ts";
import { count, type Row, size } from "./streams.ts";

export class DeleteQuestion {
  readonly element: HTMLDialogElement;
  private readonly what = attrs(h("p", "swsp-question"), { id: "swsp-question" });
  private readonly problem = attrs(h("p", "swsp-problem"), { role: "alert" });
  private readonly yes = attrs(h("button", "swsp-button swsp-danger"), { type: "button" });
  private row: Row | null = null;

  /** `remove` gives what went wrong, or ""; `removed` is called when the question is gone. */
  constructor(
    private readonly remove: (stream: string) => Promise<string>,
    private readonly removed: (row: Row) => void,
  ) {
    const no = attrs(h("button", "swsp-button", "Keep it"), { type: "button" });
    const rest = h(
      "p",
      "swsp-hint",
      "It is gone for everybody, and for good. Notebooks that show it keep what was saved in them.",
    );
    // The first of them gets the focus: the harmless one.
    const buttons = h("div", "swsp-buttons", no, this.yes);
    this.element = h("dialog", "swsp-dialog", this.what, rest, this.problem, buttons);
    attrs(this.element, { "aria-labelledby": "swsp-question" });
    no.addEventListener("click", () => this.element.close());
    this.yes.addEventListener("click", () => void this.answered());
  }

  ask(row: Row): void {
    this.row = row;
    const events = `${count(row.events, "event")} (${size(row.bytes)})`;
    // What a title may turn around stays in it.
    this.what.replaceChildren("Delete “", h("bdi", "", row.title), `” with its ${events}?`);
    this.ready("");
    this.element.showModal();
  }

  private async answered(): Promise<void> {
    const { row } = this;
    if (row === null || this.yes.disabled) return;
    this.yes.disabled = true;
    setText(this.yes, "Deleting …");
    setText(this.problem, "");
    const problem = await this.remove(row.stream);
    if (this.row !== row) return;
    this.ready(problem);
    if (problem !== "") return;
    this.element.close();
    this.removed(row);
  }

  private ready(problem: string): void {
    this.yes.disabled = false;
    setText(this.yes, "Delete");
    setText(this.problem, problem === "" ? "" : `It could not be deleted. ${problem}`);
  }
}
