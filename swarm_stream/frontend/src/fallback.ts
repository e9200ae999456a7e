/** What is shown where a stream cannot be had: the words that the notebook file keeps. */

import { attrs, h } from "./dom.ts";
import { isObject } from "./events.ts";
import { renderMarkdown } from "./markdown.ts";
import { printable } from "./plain.ts";
import { STATIC_MARK } from "./static.ts";
import { styles } from "./styles.ts";

export const MIME_TYPE = "application/vnd.swarm-stream.v1+json";
export const WIDGET_TYPE = "application/vnd.jupyter.widget-view+json";

/** An output's own data: which stream it shows. */
export interface OutputData {
  readonly stream: string;
  readonly server: string;
  readonly title: string;
}

export function outputData(value: unknown): OutputData | null {
  if (!isObject(value)) return null;
  const text = (field: unknown) => (typeof field === "string" ? field : "");
  const data = { stream: text(value.stream), server: text(value.server) };
  return data.stream === "" ? null : { ...data, title: text(value.title) };
}

export function textIn(bundle: Readonly<Record<string, unknown>>, mime: string): string {
  const value = bundle[mime];
  if (typeof value === "string") return value;
  // A notebook file may hold a text as a list of lines.
  return Array.isArray(value) ? value.join("") : "";
}

/** Whether a bundle holds the transcript of a run that is over. */
export function isFinal(bundle: Readonly<Record<string, unknown>>): boolean {
  return textIn(bundle, "text/html").includes(STATIC_MARK);
}

/**
 * Show what a bundle holds, and why it is not live. Its Markdown is drawn by our own renderer,
 * never its HTML: the notebook may be a stranger's.
 */
export function showStatic(
  host: HTMLElement,
  data: OutputData,
  bundle: Readonly<Record<string, unknown>>,
  why: string,
): { dispose(): void } {
  const text = h("div", "swst-md");
  const markdown = isFinal(bundle) ? textIn(bundle, "text/markdown") : "";
  if (markdown !== "") renderMarkdown(text, markdown);
  else text.append(printable(textIn(bundle, "text/plain")));
  const head = h("div", "swst-head", h("span", "swst-title", data.title || data.stream));
  if (why !== "") head.append(h("div", "swst-note", why));
  const scroll = attrs(h("div", "swst-scroll", text), { tabindex: "0", role: "region" });
  scroll.setAttribute("aria-label", "Transcript");
  const root = attrs(h("div", "swst-root", ...styles(), head, scroll), {
    "data-swarm-stream": data.stream,
    "data-state": "static",
    "data-connection": "static",
  });
  host.append(root);
  return { dispose: () => root.remove() };
}
