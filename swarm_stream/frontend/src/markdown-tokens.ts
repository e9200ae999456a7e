/** What the tokens of streaming-markdown are to us. */

import * as smd from "streaming-markdown";
import { IMAGE_OPENING, LINK_OPENING } from "./markdown-links.ts";

const T = smd.Token;

/** Where an underscore is text anyway, or may be the end of an emphasis. */
export const VERBATIM: ReadonlySet<number> = new Set([
  T.Code_Block,
  T.Code_Fence,
  T.Code_Inline,
  T.Equation_Block,
  T.Equation_Inline,
  T.Image,
  T.Italic_Und,
  T.Raw_URL,
  T.Strong_Und,
]);
/** The parser's own states after "http" and after `$$` or `\[`, which it does not export. */
export const MAYBE_URL = 102;
export const MAYBE_EQUATION = 105;

/** What stands in a line, or in a row. Anything else begins a new one. */
export const INLINE: ReadonlySet<number> = new Set([
  T.Checkbox,
  T.Code_Inline,
  T.Equation_Inline,
  T.Image,
  T.Italic_Ast,
  T.Italic_Und,
  T.Line_Break,
  T.Link,
  T.Raw_URL,
  T.Strike,
  T.Strong_Ast,
  T.Strong_Und,
  T.Table_Cell,
]);
/** What holds no text of its own, or is made into something else as a whole. */
export const WHOLE: ReadonlySet<number> = new Set([
  T.Equation_Block,
  T.Equation_Inline,
  T.List_Ordered,
  T.List_Unordered,
  T.Table,
  T.Table_Row,
]);

/** What of the source is shown for tokens that may turn out to be plain text. */
export function delimiters(token: number, pending: string): [opening: string, closing: string] {
  const dollar = pending[0] === "$";
  switch (token) {
    case T.Link:
      return [LINK_OPENING, ""];
    case T.Image:
      return [IMAGE_OPENING, ""];
    case T.Equation_Inline:
      return dollar ? ["$", "$"] : ["\\(", "\\)"];
    case T.Equation_Block:
      return dollar ? ["$$\n", "$$"] : ["\\[\n", "\\]"];
    case T.List_Item:
      // "1.2. text" is an item to the parser, which has no number for it.
      return /^\d+\.\d/.test(pending) ? [`${pending} `, ""] : ["", ""];
    default:
      return ["", ""];
  }
}
