/** Streamed text as it grows: Markdown for what is said, folded plain text for thoughts. */

import { disclosure } from "./disclosure.ts";
import { attrs, h, setText } from "./dom.ts";
import { MarkdownView, renderMarkdown } from "./markdown.ts";
import { PlainParts } from "./parts.ts";
import { printable, shorten } from "./plain.ts";
import type { Segment } from "./transcript.ts";

/** One segment on the page. `element.swstSource()` gives the text exactly as it was streamed. */
export interface SegmentView {
  readonly element: HTMLElement & { swstSource?: () => string };
  append(text: string): void;
  close(): void;
}

const PREVIEW_CHARS = 90;

export function segmentView(segment: Segment, laneName: string): SegmentView {
  const view = segment.channel === "reasoning" ? reasoning(segment) : spoken(segment);
  attrs(view.element, {
    "data-seg": String(segment.seg),
    "data-lane": segment.lane === null ? "" : String(segment.lane),
    "data-lane-name": laneName,
    "data-channel": segment.channel,
  });
  Object.assign(view.element, { swstSource: () => segment.text });
  return view;
}

function spoken(segment: Segment): SegmentView {
  const text = h("div", "swst-md");
  const element = h("div", "swst-seg swst-open", text);
  const markdown = new MarkdownView(text);
  return {
    element,
    append: (chunk) => markdown.write(chunk),
    close: () => {
      markdown.end();
      finish(element, segment);
    },
  };
}

function reasoning(segment: Segment): SegmentView {
  const label = h("span", "swst-think-label", "Thinking");
  const preview = h("span", "swst-preview");
  const body = h("div", "swst-think-body");
  const parts = new PlainParts(body);
  const element = disclosure("swst-seg swst-think swst-open", [label, preview], body);
  let line = "";
  let full = false;
  return {
    element,
    append: (chunk) => {
      parts.append(printable(chunk));
      if (full) return;
      line = (line + chunk).trimStart();
      const end = line.indexOf("\n");
      full = end >= 0 || line.length > PREVIEW_CHARS;
      if (full) line = shorten(end >= 0 ? line.slice(0, end) : line, PREVIEW_CHARS);
      setText(preview, line);
    },
    close: () => {
      label.textContent = "Thought";
      finish(element, segment);
    },
  };
}

function finish(element: HTMLElement, segment: Segment): void {
  element.classList.remove("swst-open");
  if (segment.partial) element.append(h("div", "swst-cut", "cut off here"));
  if (segment.final !== null) {
    const final = h("div", "swst-md");
    renderMarkdown(final, segment.final);
    element.append(
      h("details", "swst-final", h("summary", "", "The agent's final text differs"), final),
    );
  }
}
