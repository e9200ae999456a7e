/** Everything in a transcript that is not streamed text, as DOM. */

import { disclosure } from "./disclosure.ts";
import { attrs, copyButton, h, pre, setAttribute, setText } from "./dom.ts";
import { isObject } from "./events.ts";
import type { Transcript } from "./fold.ts";
import { type Lanes, laneName } from "./lanes.ts";
import { isSafeImage } from "./links.ts";
import { renderMarkdown } from "./markdown.ts";
import { pretty, shorten } from "./plain.ts";
import { isUncounted, partsOf, reasonOf } from "./static.ts";
import {
  CUT_WORDS,
  controlWords,
  type FinishItem,
  type InputItem,
  type Item,
  type MessageItem,
  type RawItem,
  type ToolItem,
  UNCOUNTED_WORDS,
} from "./transcript.ts";

const ARGUMENT_CHARS = 80;

export interface ItemView {
  readonly element: HTMLElement;
  /** The item changed: a tool answered, a question was answered. */
  update(): void;
}

export type ReplyTo = (request: string, content: string) => void;

export function messageView(item: MessageItem): ItemView {
  const element = h("div", "swst-message");
  if (item.message_kind !== "text") {
    element.append(h("span", "swst-kind", shorten(item.message_kind)));
  }
  const [parts, rest] = partsOf(item.content);
  element.append(...parts.map(contentPart));
  if (rest !== "") element.append(h("div", "swst-line", rest));
  return still(element);
}

function contentPart(part: unknown): HTMLElement {
  const image = isObject(part) ? part.image : undefined;
  if (isObject(part) && typeof image === "string") {
    const alt = typeof part.alt === "string" ? shorten(part.alt, 200) : "";
    // Fetching a picture from elsewhere would tell its host that this was read.
    if (isSafeImage(image)) return attrs(h("img", "swst-image"), { src: image, alt });
    return h("div", "swst-line", "image that is not shown: ", name(alt || image, 200));
  }
  const text = isObject(part) && Object.keys(part).length === 1 ? part.text : part;
  if (typeof text !== "string") return pre("swst-data", pretty(part));
  const element = h("div", "swst-md");
  renderMarkdown(element, text);
  return element;
}

export function toolView(item: ToolItem, isOver: () => boolean): ItemView {
  const status = h("span", "swst-tool-status");
  const name = h("span", "swst-tool-name", shorten(item.name || "tool"));
  const args = h("span", "swst-tool-args", `(${shorten(item.arguments, ARGUMENT_CHARS)})`);
  const body = h("div", "swst-tool-body");
  const element = disclosure("swst-tool", [name, args, status], body);
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

export interface InputView extends ItemView {
  /** The answer was not taken; it may be changed and sent again. */
  refused(message: string): void;
}

export function inputView(
  item: InputItem,
  reply: ReplyTo | null,
  isOver: () => boolean,
): InputView {
  const prompt = h("div", "swst-md");
  const answer = h("div", "swst-answer");
  const element = attrs(h("div", "swst-input", prompt, answer), { "data-request": item.request });
  const form = new ReplyForm((text) => reply?.(item.request, text));
  let asked: string | null = null;
  const update = () => {
    if (asked !== item.prompt) {
      asked = item.prompt;
      prompt.replaceChildren();
      renderMarkdown(prompt, asked || "Your answer?");
    }
    const why = reply === null ? "not answered yet" : noAnswerTo(item, isOver());
    const asking = item.reply === null && why === "";
    element.classList.toggle("swst-asking", asking);
    if (asking) {
      // Putting it there again would take the focus away from whoever types.
      if (answer.firstChild !== form.element) answer.replaceChildren(form.element);
    } else if (item.reply === null) {
      answer.replaceChildren(h("span", "swst-line", why));
    } else {
      const text = h("div", "swst-md");
      renderMarkdown(text, item.reply);
      const by = item.by === "" ? [] : [name(item.by), " "];
      answer.replaceChildren(h("span", "swst-kind", ...by, "answered"), text);
    }
  };
  update();
  return { element, update, refused: (message) => form.refused(message) };
}

/** Why nobody can answer a question that has no answer; "" if somebody can. */
function noAnswerTo({ withdrawn, elsewhere }: InputItem, over: boolean): string {
  if (withdrawn) return "the question was taken back";
  if (over) return "nobody answered";
  return elsewhere ? "the program asks for the answer in its own way, not here" : "";
}

const REPLY_HINT = "Enter sends, Shift+Enter makes a new line";

class ReplyForm {
  readonly element: HTMLFormElement;
  private readonly box = attrs(h("textarea"), {
    rows: "2",
    "aria-label": "Your answer",
    required: "",
  });
  private readonly button = attrs(h("button", "swst-button swst-primary", "Send"), {
    type: "submit",
  });
  private readonly hint = h("span", "swst-hint", REPLY_HINT);

  constructor(private readonly send: (text: string) => void) {
    const foot = h("div", "swst-reply-foot", this.button, this.hint);
    this.element = h("form", "swst-reply", this.box, foot);
    // Jupyter's shortcuts would take keys away from the box.
    this.element.setAttribute("data-lm-suppress-shortcuts", "true");
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.box.addEventListener("invalid", () => this.allowEmpty(true));
    this.box.addEventListener("input", () => this.allowEmpty(false));
    // The second click of a double click is none of its own, nor is a key that is held.
    this.button.addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  refused(message: string): void {
    this.waiting(false, message);
    this.box.focus();
  }

  private pressed(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key !== "Enter" || event.shiftKey || event.target !== this.box) return;
    if (event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) this.element.requestSubmit();
  }

  /** An answer cannot be taken back. An empty one may be meant: then it is sent once more. */
  private allowEmpty(on: boolean): void {
    this.box.required = !on;
    setText(this.button, on ? "Send an empty answer" : "Send");
  }

  private submit(): void {
    if (this.box.readOnly) return; // it is on its way
    this.waiting(true, "on its way; it is sent again by itself if the connection breaks");
    this.send(this.box.value);
  }

  private waiting(on: boolean, hint: string): void {
    this.box.readOnly = on;
    setAttribute(this.button, "aria-disabled", String(on));
    setText(this.hint, hint);
  }
}

/** Says that an answer of the model is not whole. */
export function finishView(item: FinishItem): ItemView {
  return still(h("div", "swst-line swst-line-finish", CUT_WORDS[item.reason]));
}

/** A line about what happened, or null for what the reader sees anyway. */
export function lineOf(item: Item, lanes: Lanes): (Node | string)[] | null {
  const lane = (number: number | null) => name(laneName(lanes, number));
  switch (item.kind) {
    case "handoff":
      return [lane(item.lane), " → ", name(item.target)];
    case "select":
      // One lane that was chosen speaks next, and its head says so.
      return item.lanes.length > 1
        ? [
            "next: ",
            ...item.lanes.flatMap((next, at) => (at > 0 ? [", ", lane(next)] : [lane(next)])),
          ]
        : null;
    case "control":
      return [name(controlWords(item.action)), ...(item.by === "" ? [] : [" by ", name(item.by)])];
    case "unknown":
      return ['an event of type "', name(item.type, 60), '", which this version does not know'];
    case "message":
    case "tool":
    case "input":
    case "finish":
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
  element.addEventListener("toggle", () => element.append(pre("swst-data", pretty(item.native))), {
    once: true,
  });
  return still(element);
}

/** The last line of a run. */
export function endView(transcript: Transcript, summary: string): HTMLElement {
  const { outcome, error } = transcript;
  const reason = reasonOf(transcript);
  const head = h("div", "swst-end-line", h("strong", "", outcome ?? ""), ` ${summary}`);
  const element = h("div", `swst-end swst-is-${outcome}`, head);
  if (reason !== "") element.append(h("div", "swst-reason", reason));
  if (isUncounted(transcript)) element.append(h("div", "swst-line", UNCOUNTED_WORDS));
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
          pre("swst-data", error.traceback),
        ),
      );
    }
  }
  return element;
}

function block(label: string, text: string): HTMLElement {
  return h("div", "swst-block", h("div", "swst-block-label", label), pre("swst-data", text));
}

/** JSON is shown with indents, anything else as it is. */
function prettyText(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return pretty(JSON.parse(text), text);
  } catch {
    return text;
  }
}

/** What a stranger called something, in a line of ours, which it cannot reorder. */
function name(text: string, limit?: number): HTMLElement {
  return h("bdi", "", shorten(text, limit));
}

function still(element: HTMLElement): ItemView {
  return { element, update: () => {} };
}
