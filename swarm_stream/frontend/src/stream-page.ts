/** One stream with the whole window to itself: the view, the way back, and files to take away. */

import { pageAddress } from "./addresses.ts";
import { toDocument } from "./document.ts";
import { attrs, h, setText } from "./dom.ts";
import type { Rest } from "./rest.ts";
import { pageSocket } from "./socket.ts";
import { toMarkdown } from "./static.ts";
import { markdownHtml } from "./static-markdown.ts";
import { RUN_WORDS, type RunState } from "./status.ts";
import { headline } from "./streams.ts";
import { createView, type View } from "./view.ts";

export class StreamPage {
  readonly element: HTMLElement;
  private readonly main = h("main", "swsp-view");
  /** For who does not see it: the view shows its title itself. */
  private readonly heading = h("h1", "swsp-unseen");
  private readonly saving: HTMLElement;
  private readonly view: View;

  constructor(
    private readonly rest: Rest,
    private readonly stream: string,
  ) {
    const back = attrs(h("a", "swsp-back", "← Streams"), { href: pageAddress(rest.baseUrl) });
    const lines = attrs(h("a", "swsp-button", "JSONL"), {
      href: rest.events(stream),
      download: `${stream}.jsonl`,
    });
    this.saving = attrs(
      h(
        "div",
        "swsp-saving",
        h("span", "", "Save as"),
        this.button("HTML", () => {
          const text = toDocument(this.view.transcript, stream, this.title(), markdownHtml);
          save(`${stream}.html`, "text/html", text);
        }),
        this.button("Markdown", () =>
          save(`${stream}.md`, "text/markdown", toMarkdown(this.view.transcript)),
        ),
        lines,
      ),
      { role: "group", "aria-label": "Save as" },
    );
    const bar = h("header", "swsp-bar", this.heading, back, this.saving);
    this.element = h("div", "swsp-page swsp-one", bar, this.main);
    this.call(stream, "");
    this.view = createView(this.main, pageSocket(rest.baseUrl), {
      stream,
      title: "",
      wait: false,
      // What was shown already stays.
      failed: (code) =>
        code === "no_such_stream" && this.view.transcript.count === 0 && this.leave(),
    });
    // What the view says of itself also stands in the tab.
    new MutationObserver(() => this.name()).observe(this.main, {
      subtree: true,
      attributeFilter: ["data-state", "data-connection"],
    });
  }

  private button(label: string, press: () => void): HTMLButtonElement {
    const button = attrs(h("button", "swsp-button", label), { type: "button" });
    button.addEventListener("click", press);
    return button;
  }

  private title(): string {
    const title = this.main.querySelector(".swst-title")?.textContent;
    return headline(this.view.transcript.task, title, this.stream);
  }

  private name(): void {
    const state = this.main.querySelector<HTMLElement>("[data-state]")?.dataset.state ?? "";
    this.call(this.title(), RUN_WORDS[state as RunState] ?? "");
  }

  private call(title: string, words: string): void {
    document.title = words === "" ? title : `${words} · ${title}`;
    setText(this.heading, title);
  }

  /** There is no such stream; not from inside the view's own call. */
  private leave(): true {
    queueMicrotask(() => {
      this.view.dispose();
      this.saving.remove();
      this.call(this.stream, "");
      this.main.replaceChildren(
        h("p", "", "This server has no stream ", h("code", "", this.stream), " (any more)."),
        h(
          "p",
          "",
          "Finished streams are deleted after some time (SwarmStreamApp.keep_days), or by hand. " +
            "What a notebook has saved of it stays in the notebook.",
        ),
        attrs(h("a", "", "See which streams there are"), { href: pageAddress(this.rest.baseUrl) }),
      );
      this.main.classList.add("swsp-nothing");
    });
    return true;
  }
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  attrs(h("a"), { href: url, download: name }).click();
  // The browser has read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
