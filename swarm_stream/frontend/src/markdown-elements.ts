/** The elements that Markdown becomes, one for each token of the parser. No addresses here. */

import { Token as T } from "streaming-markdown";
import { attrs, copyButton, h, pre } from "./dom.ts";

/** Columns of a table: browsers take the square of their time. More go into the last one. */
const MAX_CELLS = 100;

const HEADINGS = new Map<number, number>([
  [T.Heading_1, 1],
  [T.Heading_2, 2],
  [T.Heading_3, 3],
  [T.Heading_4, 4],
  [T.Heading_5, 5],
  [T.Heading_6, 6],
]);

const TAGS = new Map<
  number,
  "p" | "blockquote" | "br" | "hr" | "em" | "strong" | "s" | "code" | "ul" | "ol" | "li"
>([
  [T.Paragraph, "p"],
  [T.Blockquote, "blockquote"],
  [T.Line_Break, "br"],
  [T.Rule, "hr"],
  [T.Italic_Ast, "em"],
  [T.Italic_Und, "em"],
  [T.Strong_Ast, "strong"],
  [T.Strong_Und, "strong"],
  [T.Strike, "s"],
  [T.Code_Inline, "code"],
  [T.List_Unordered, "ul"],
  [T.List_Ordered, "ol"],
  [T.List_Item, "li"],
]);

/** Make the element of a token inside `parent`; gives the one that its content goes into. */
export function makeElement(token: number, parent: Element): Element {
  const level = HEADINGS.get(token);
  if (level !== undefined) {
    const tag = (["h3", "h4", "h5"] as const)[level - 1] ?? "h6";
    return parent.appendChild(h(tag, `swst-h swst-h${level}`));
  }
  switch (token) {
    case T.Code_Fence:
    case T.Code_Block: {
      const code = h("code");
      const head = h(
        "div",
        "swst-code-head",
        h("span", "swst-lang"),
        copyButton("Copy this code", () => code.textContent ?? ""),
      );
      parent.append(h("div", "swst-code", head, pre("", code)));
      return code;
    }
    case T.Table: {
      const table = h("table");
      // Wide tables scroll, and a reader without a mouse must be able to.
      parent.append(attrs(h("div", "swst-table", table), { tabindex: "0" }));
      return table;
    }
    case T.Table_Row: {
      const last = parent.lastElementChild;
      const body = last?.tagName === "TBODY" ? last : h(last === null ? "thead" : "tbody");
      if (body !== last) parent.append(body);
      return body.appendChild(h("tr"));
    }
    case T.Table_Cell: {
      const last = parent.children[MAX_CELLS - 1];
      if (last !== undefined) return last;
      const cell = h(parent.parentElement?.tagName === "THEAD" ? "th" : "td");
      const head = parent.closest(".swst-table")?.querySelector("tr");
      const align = head?.children[parent.childElementCount]?.getAttribute("align");
      if (align) attrs(cell, { align });
      return parent.appendChild(cell);
    }
    case T.Checkbox:
      return parent.appendChild(attrs(h("input"), { type: "checkbox", disabled: "" }));
    case T.Equation_Block:
      return parent.appendChild(h("div", "swst-math"));
    case T.Equation_Inline:
      return parent.appendChild(h("span", "swst-math"));
    default:
      return parent.appendChild(h(TAGS.get(token) ?? "span"));
  }
}

/** Align a table's columns as its second line says: `-:` to the right, `:-:` in the middle. */
export function alignColumns(table: Element, line: string): void {
  const heads = table.querySelectorAll("th");
  for (const [index, column] of line.trim().replace(/^\|/, "").split("|").entries()) {
    const align = /^\s*:/.test(column) ? "center" : "right";
    if (/-:\s*$/.test(column)) heads[index]?.setAttribute("align", align);
  }
}

/** Make the next part of what has become too long, after its last one, `tip`. */
export function continued(token: number, node: Element, tip: Element): Element {
  switch (token) {
    case T.List_Unordered:
      return after(tip, h("ul", "swst-part"));
    case T.List_Ordered: {
      const start = Number(tip.getAttribute("start") ?? 1) + tip.childElementCount;
      return after(tip, attrs(h("ol", "swst-part"), { start: String(start) }));
    }
    case T.Table: {
      const table = h("table", "swst-like", columnsOf(tip), h("tbody"));
      node.parentElement?.append(h("div", "swst-part", table));
      return table;
    }
    case T.Document:
    case T.Blockquote:
    case T.List_Item:
      return node.appendChild(h("div", "swst-part"));
    default:
      return node.appendChild(h("span", "swst-part"));
  }
}

function after<E extends Element>(place: Element, element: E): E {
  place.after(element);
  return element;
}

/** Columns as wide as those of a table that has been laid out, or that has been given such. */
function columnsOf(table: Element): Element {
  const given = table.querySelector("colgroup");
  if (given !== null) return given.cloneNode(true) as Element; // a clone is of the same kind
  const cells = [...(table.querySelector("tr")?.children ?? [])];
  const widths = cells.map((cell) => cell.getBoundingClientRect().width);
  const columns = h("colgroup");
  for (const width of widths) {
    const column = h("col");
    if (width > 0) column.style.width = `${width}px`;
    columns.append(column);
  }
  return columns;
}
