/** Everything in a transcript that is not streamed text, as DOM. */

import { attrs, copyButton, h } from "./dom.ts";
import { isObject } from "./events.ts";
import type { Transcript } from "./fold.ts";
import { type Lanes, laneName } from "./lanes.ts";
import { isSafeImage } from "./links.ts";
import { renderMarkdown } from "./markdown.ts";
import { shorten } from "./segments.ts";
import type { InputItem, Item, MessageItem, RawItem, ToolItem } from "./transcript.ts";

const ARGUMENT_CHARS = 80;

export interface ItemView {
  readonly element: HTMLElement;
  /** The item changed: a tool answered, a question was answered. */
  update(): void;
}

export type ReplyTo = (request: string, content: string) => void;

export function messageView(item: MessageItem): ItemView {
  const element = h("div", "swst-message");
  if (item.message_kind !== "text") element.append(h("span", "swst-kind", item.message_kind));
  const parts = Array.isArray(item.content) ? item.content : [item.content];
  for (const part of parts) element.append(contentPart(part));
  return still(element);
}

function contentPart(part: unknown): HTMLElement {
  const image = isObject(part) ? part.image : undefined;
  if (isObject(part) && typeof image === "string") {
    const alt = typeof part.alt === "string" ? part.alt : "";
    // Fetching a picture from elsewhere would tell its host that this was read.
    if (isSafeImage(image)) return attrs(h("img", "swst-image"), { src: image, alt });
    return h("div", "swst-line", `image that is not shown: ${shorten(alt || image, 200)}`);
  }
  const text = isObject(part) && Object.keys(part).length === 1 ? part.text : part;
  if (typeof text !== "string") return h("pre", "swst-data", pretty(part));
  const element = h("div", "swst-md");
  renderMarkdown(element, text);
  return element;
}

export function toolView(item: ToolItem, isOver: () => boolean): ItemView {
  const status = h("span", "swst-tool-status");
  const line = h(
    "summary",
    "",
    h("span", "swst-tool-name", item.name || "tool"),
    h("span", "swst-tool-args", `(${shorten(item.arguments, ARGUMENT_CHARS)})`),
    status,
  );
  const body = h("div", "swst-tool-body");
  const element = h("details", "swst-tool", line, body);
  element.setAttribute("data-call", item.call);
  if (item.arguments !== "") body.append(block("Arguments", prettyText(item.arguments)));
  const update = () => {
    element.classList.toggle("swst-running", item.result === null && !isOver());
    element.classList.toggle("swst-error", item.is_error);
    if (item.result === null) {
      status.textContent = isOver() ? "gave no result" : "running";
      return;
    }
    const first = shorten(item.result, ARGUMENT_CHARS);
    status.textContent = item.is_error ? `failed: ${first}` : `→ ${first || "nothing"}`;
    body.querySelector(".swst-result")?.remove();
    const result = block(item.is_error ? "Error" : "Result", prettyText(item.result));
    result.classList.add("swst-result");
    body.append(result);
  };
  update();
  return { element, update };
}

export function inputView(item: InputItem, reply: ReplyTo, isOver: () => boolean): ItemView {
  const prompt = h("div", "swst-md");
  renderMarkdown(prompt, item.prompt || "Your answer?");
  const answer = h("div", "swst-answer");
  const element = attrs(h("div", "swst-input", prompt, answer), { "data-request": item.request });
  const update = () => {
    if (item.reply !== null) {
      const by = item.by === "" ? "answered" : `${item.by} answered`;
      const text = h("div", "swst-md");
      renderMarkdown(text, item.reply);
      answer.replaceChildren(h("span", "swst-kind", by), text);
      element.classList.remove("swst-asking");
    } else if (isOver()) {
      answer.replaceChildren(h("span", "swst-line", "nobody answered"));
      element.classList.remove("swst-asking");
    } else if (answer.firstChild === null) {
      element.classList.add("swst-asking");
      answer.append(replyForm((text) => reply(item.request, text)));
    }
  };
  update();
  return { element, update };
}

function replyForm(send: (text: string) => void): HTMLFormElement {
  const box = attrs(h("textarea"), { rows: "2", "aria-label": "Your answer" });
  const button = attrs(h("button", "swst-button swst-primary", "Send"), { type: "submit" });
  const hint = h("span", "swst-hint", "Enter sends, Shift+Enter makes a new line");
  const form = h("form", "swst-reply", box, h("div", "swst-reply-foot", button, hint));
  // Jupyter's shortcuts would take keys away from the box.
  form.setAttribute("data-lm-suppress-shortcuts", "true");
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.shiftKey && event.target === box && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(box.value);
  });
  return form;
}

/** A line about what happened, or null for what the reader sees anyway. */
export function lineOf(item: Item, lanes: Lanes): string | null {
  switch (item.kind) {
    case "handoff":
      return `${laneName(lanes, item.lane)} → ${item.target}`;
    case "select":
      // One lane that was chosen speaks next, and its head says so.
      return item.lanes.length > 1
        ? `next: ${item.lanes.map((lane) => laneName(lanes, lane)).join(", ")}`
        : null;
    case "control":
      return `${item.action}${item.by === "" ? "" : ` by ${item.by}`}`;
    case "unknown":
      return `an event of type "${shorten(item.type, 60)}", which this version does not know`;
    case "message":
    case "tool":
    case "input":
    case "raw":
    case "gap":
      return null;
    default:
      return item satisfies never;
  }
}

export function rawView(item: RawItem): ItemView {
  const type = isObject(item.native) ? item.native.type : undefined;
  const label = typeof type === "string" ? shorten(type, 60) : "more from the framework";
  const element = h("details", "swst-raw", h("summary", "", label));
  element.addEventListener(
    "toggle",
    () => element.append(h("pre", "swst-data", pretty(item.native))),
    { once: true },
  );
  return still(element);
}

/** The last line of a run. */
export function endView(transcript: Transcript, summary: string): HTMLElement {
  const { outcome, reason, error } = transcript;
  const head = h("div", "swst-end-line", h("strong", "", outcome ?? ""), ` ${summary}`);
  const element = h("div", `swst-end swst-is-${outcome}`, head);
  if (reason !== "") element.append(h("div", "swst-reason", reason));
  if (outcome === "interrupted") {
    element.append(
      h("div", "", "What reached the server is all here. Run the cell again for a new run."),
    );
  }
  if (error !== null) {
    const message = error.message === "" ? error.type : `${error.type}: ${error.message}`;
    element.append(h("div", "swst-error-text", message));
    if (error.traceback !== "") {
      element.append(
        h(
          "details",
          "swst-traceback",
          h("summary", "", "Traceback"),
          h(
            "div",
            "swst-block",
            copyButton("Copy the traceback", () => error.traceback),
          ),
          h("pre", "swst-data", error.traceback),
        ),
      );
    }
  }
  return element;
}

function block(label: string, text: string): HTMLElement {
  return h("div", "swst-block", h("div", "swst-block-label", label), h("pre", "swst-data", text));
}

/** JSON is shown with indents, anything else as it is. */
function prettyText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return pretty(JSON.parse(text));
  } catch {
    return text;
  }
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

function still(element: HTMLElement): ItemView {
  return { element, update: () => {} };
}
