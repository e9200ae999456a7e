/**
 * What a model wrote as Markdown, as HTML for a file: what our own renderer makes, with styles of
 * its own and nothing that acts.
 *
 * Python's `views/markdown.py` writes the same words with another parser; the two are no twins.
 */

import { h } from "./dom.ts";
import { renderMarkdown } from "./markdown.ts";

const LINE = "1px solid rgba(128,128,128,.4)";
const STYLES: Readonly<Record<string, string>> = {
  p: "margin:0 0 8px",
  pre: `white-space:pre-wrap;word-break:normal;border:${LINE};border-radius:6px;padding:8px 10px;margin:0 0 8px`,
  blockquote: "border-left:3px solid rgba(128,128,128,.4);margin:0 0 8px;padding-left:10px",
  table: "border-collapse:collapse;margin:0 0 8px",
  th: `border:${LINE};padding:3px 9px;text-align:`,
  td: `border:${LINE};padding:3px 9px;text-align:`,
  img: "max-width:100%;max-height:360px",
};
const KEPT = /^(?:href|target|rel|src|alt|start|type|checked|disabled)$/;

export function markdownHtml(text: string): string {
  const root = h("div");
  renderMarkdown(root, text);
  for (const element of root.querySelectorAll("*")) {
    if (element.localName === "button") {
      element.remove();
      continue;
    }
    const align = /^t[hd]$/.test(element.localName)
      ? (element.getAttribute("align") ?? "left")
      : "";
    for (const { name } of [...element.attributes]) {
      if (!KEPT.test(name)) element.removeAttribute(name);
    }
    const style = STYLES[element.localName];
    if (style !== undefined) element.setAttribute("style", style + align);
  }
  return `<div style="margin:4px 0 4px 12px">${root.innerHTML}</div>`;
}
