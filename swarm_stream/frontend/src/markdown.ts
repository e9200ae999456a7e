/**
 * Streamed Markdown to DOM, append-only: the cost of a chunk does not grow with the text.
 *
 * The parser is streaming-markdown's; the renderer is ours, because the library's own lets
 * `javascript:` addresses and remote images through. No raw HTML exists here: `<b>` is text.
 *
 * The parser is fed one character at a time, so how a model cut its text can make no
 * difference to the result. That also lets us step in where the parser would lose text: it
 * drops what it holds of an unfinished link, drops brackets that are no link, takes the `_` of
 * snake_case for emphasis, lets a `$` or `$$` eat everything after it, and writes past its own
 * nesting limit.
 */

import * as smd from "streaming-markdown";
import { alignColumns, continued, makeElement } from "./markdown-elements.ts";
import { drawLink, drawRawAddress } from "./markdown-links.ts";
import {
  delimiters,
  INLINE,
  MAYBE_EQUATION,
  MAYBE_URL,
  VERBATIM,
  WHOLE,
} from "./markdown-tokens.ts";
import { typeset } from "./math.ts";
import { PART_CHARS, seamIn } from "./parts.ts";
import { MAX_MARKS, printable } from "./plain.ts";

/** Deeper elements are not made; their text goes into the deepest one. */
const MAX_DEPTH = 24;
/** An address longer than this is none; pictures inside the text may be larger. */
const MAX_ADDRESS = 4096;
const MAX_IMAGE = 4 * 1024 * 1024;
/** The parser re-reads what it holds back; more than this without a line's end is cut. */
const MAX_PENDING = 1000;

const T = smd.Token;

const MARK = /\p{M}/u;
const WORD_CHAR = /[\p{L}\p{N}]/u;
/** What an element weighs beside its text, in characters. */
const ELEMENT_CHARS = 16;

interface Frame {
  readonly token: number;
  /** Its own element, or that of the frame below where it has none. */
  readonly node: Element;
  readonly own: boolean;
  /** What closes it in the source (`$`, `\)`), where it shows its source. */
  readonly closing: string;
  /** Where its text goes: `node`, or the last of the parts that it has become. */
  tip: Element;
  /** Characters in the tip, and in the parts before. */
  size: number;
  before: number;
}

function frame(token: number, node: Element, own = true, closing = ""): Frame {
  return { token, node, own, closing, tip: node, size: 0, before: 0 };
}

/** Grows the DOM below `root` as text is written. */
export class MarkdownView {
  private readonly parser: smd.Parser;
  private readonly stack: Frame[];
  private buffer = "";
  /** The parts of an address that is being read, and its open parentheses. */
  private address: string[] | null = null;
  private addressLength = 0;
  private parentheses = 0;
  private bracketClosed = false;
  /** What closes the formula that is being read past the parser, and how long it is. */
  private display: { readonly closing: string; length: number } | null = null;
  private forced = false;
  /** The character that is being taken, and the one before it. */
  private char = "";
  private lastChar = "";
  private marks = 0;
  /** The last character of the text that was given out. */
  private tail = "";

  constructor(root: Element) {
    this.stack = [frame(T.Document, root)];
    this.parser = smd.parser({
      data: undefined,
      add_token: (_data: unknown, token: number) => this.begin(token),
      end_token: () => this.finish(null),
      add_text: (_data: unknown, text: string) => this.text(text),
      set_attr: (_data: unknown, attr: number, value: string) => this.set(attr, value),
    });
    this.grow(128);
  }

  /** Add text, cut anywhere. */
  write(text: string): void {
    for (const char of printable(text)) this.feed(char);
    this.flush();
  }

  /** No more will come: show what was held back. */
  end(): void {
    if (this.address !== null) this.giveUpAddress();
    if (this.display !== null) this.endDisplay(true);
    if (this.parser.pending !== "") this.feed("\n");
    const rest = this.parser.pending.trim();
    if (rest !== "") this.text(rest);
    this.parser.pending = "";
    this.flush();
  }

  private feed(char: string): void {
    if (char === "\r") return;
    this.marks = MARK.test(char) ? this.marks + 1 : 0;
    if (this.marks > MAX_MARKS) return;
    if (char === "_" && this.isInsideWord()) this.take("\\");
    this.take(char);
    this.lastChar = char;
  }

  /** Whether an underscore here belongs to a name, as in snake_case. */
  private isInsideWord(): boolean {
    const { parser } = this;
    if (!WORD_CHAR.test(this.lastChar) || this.address !== null || this.display !== null) {
      return false;
    }
    for (let level = 0; level <= parser.len; level += 1) {
      if (VERBATIM.has(parser.tokens[level] ?? 0)) return false;
    }
    return parser.token !== MAYBE_URL;
  }

  private take(char: string): void {
    const { parser } = this;
    this.char = char;
    if (this.address !== null) {
      this.readAddress(char, this.address);
      return;
    }
    if (this.display !== null) {
      this.readDisplay(char, this.display);
      return;
    }
    if (parser.token === MAYBE_EQUATION && char !== "\n") {
      this.beginDisplay(parser.pending);
      this.take(char);
      return;
    }
    const inLink = parser.token === T.Link || parser.token === T.Image;
    if (inLink && parser.pending === "]" && char !== "(") this.bracketClosed = true;
    // A `$` or `\(` that is not closed on its line was none.
    if (parser.token === T.Equation_Inline && char === "\n" && parser.pending[0] !== "$") {
      this.text(parser.pending);
      this.leave(null);
    }
    // Nor was a block of them that an empty line comes into.
    if (parser.token === T.Equation_Block && char === "\n" && this.lastChar === "\n") {
      this.text(parser.pending);
      this.leave(null);
    }
    if (parser.pending.length > MAX_PENDING && parser.token !== T.Raw_URL) {
      smd.parser_write(parser, "\n");
    }
    if (char === "\n" && parser.token === T.Table && parser.table_state === 1) {
      alignColumns(this.top.node, parser.pending);
    }
    const room = parser.len + 64 + 2 * parser.pending.length;
    if (room >= parser.tokens.length) this.grow(2 * room);
    smd.parser_write(parser, char);
    this.bracketClosed = false;
    if (parser.pending === "](" && (parser.token === T.Link || parser.token === T.Image)) {
      this.address = [];
      this.addressLength = 0;
      this.parentheses = 0;
      parser.pending = "";
    }
  }

  private readAddress(char: string, parts: string[]): void {
    if (char === ")" && this.parentheses === 0) {
      this.address = null;
      this.leave(parts.join(""));
      return;
    }
    const limit =
      parts.length > 10 && this.parser.token === T.Image && parts.slice(0, 5).join("") === "data:"
        ? MAX_IMAGE
        : MAX_ADDRESS;
    if (char === "\n" || this.addressLength >= limit) {
      this.giveUpAddress();
      this.take(char);
      return;
    }
    if (char === "(") this.parentheses += 1;
    if (char === ")") this.parentheses -= 1;
    parts.push(char);
    this.addressLength += char.length;
  }

  /** `$$x$$` or `\[x\]` on one line: to the parser that is text, and the beginning of a block. */
  private beginDisplay(opening: string): void {
    const { parser } = this;
    parser.token = parser.tokens[parser.len] ?? T.Document;
    parser.pending = "";
    this.text(parser.text);
    parser.text = "";
    this.begin(T.Equation_Inline, [opening, ""]);
    this.display = { closing: opening === "$$" ? "$$" : "\\]", length: 0 };
  }

  private readDisplay(char: string, display: { readonly closing: string; length: number }): void {
    if (char === "\n") {
      this.endDisplay(true);
      this.take(char);
      return;
    }
    this.text(char);
    display.length += 1;
    if (display.length > 2 && this.lastChar + char === display.closing) this.endDisplay(false);
  }

  private endDisplay(forced: boolean): void {
    this.display = null;
    this.forced = forced;
    this.finish(null);
    this.forced = false;
  }

  private giveUpAddress(): void {
    const parts = this.address ?? [];
    this.address = null;
    this.text(`](${parts.join("")}`);
    this.leave(null);
  }

  /** End the innermost token in the parser too, as its own `end_token` would. */
  private leave(address: string | null): void {
    const { parser } = this;
    parser.pending = "";
    parser.len -= 1;
    parser.token = parser.tokens[parser.len] ?? T.Document;
    this.forced = address === null;
    this.finish(address);
    this.forced = false;
  }

  /** The parser's arrays hold 24 levels, and it writes past their end. */
  private grow(size: number): void {
    const { parser } = this;
    const tokens = new Uint32Array(size);
    const spaces = new Uint8Array(size);
    tokens.set(parser.tokens);
    spaces.set(parser.spaces);
    parser.tokens = tokens;
    parser.spaces = spaces;
  }

  private get top(): Frame {
    const frame = this.stack.at(-1);
    if (frame === undefined) throw new Error("the parser ended more tokens than it began");
    return frame;
  }

  private begin(token: number, opened = delimiters(token, this.parser.pending)): void {
    this.flush();
    const { parser } = this;
    if (token === T.Paragraph) this.endUnreached();
    // The parser keeps the indent of an earlier list at this depth, and would end a code
    // block inside a quotation at its first line.
    if (token !== T.List_Item && parser.tokens[parser.len] === token) {
      parser.spaces[parser.len] = 0;
    }
    const { top } = this;
    const limit = top.token === T.Table ? 4 * PART_CHARS : 2 * PART_CHARS;
    if (top.size >= limit && top.own && !INLINE.has(token)) this.turnOver(top);
    const parent = top.tip;
    const own = this.stack.length <= MAX_DEPTH || token === T.Line_Break || token === T.Rule;
    const node = own ? makeElement(token, parent) : parent;
    const [opening, closing] = opened;
    this.stack.push(frame(token, node, own, closing));
    if (opening !== "") this.text(opening);
  }

  /**
   * A paragraph begins after an empty line: end the items that it is not indented for, and the
   * quotations that its line is not marked for. The parser ends the innermost list only.
   */
  private endUnreached(): void {
    const { parser } = this;
    const { tokens, spaces } = parser;
    for (let level = parser.blockquote_idx + 1; level < parser.len; level += 1) {
      const isItem = tokens[level + 1] === T.List_Item && level + 1 < parser.len;
      if (isItem ? (spaces[level + 1] ?? 0) <= parser.indent_len : tokens[level] !== T.Blockquote) {
        continue;
      }
      while (parser.len > level) {
        parser.len -= 1;
        this.finish(null);
      }
      tokens[level] = T.Paragraph;
    }
  }

  private set(attr: number, value: string): void {
    const { node, own, token } = this.top;
    if (!own) return;
    if (attr === smd.Attr.Start && /^\d{1,9}$/.test(value)) node.setAttribute("start", value);
    if (attr === smd.Attr.Checked) node.setAttribute("checked", "");
    if (attr === smd.Attr.Lang && token === T.Code_Fence) {
      const label = node.closest(".swst-code")?.querySelector(".swst-lang");
      if (label) label.textContent = value.trim();
    }
    // Addresses are read by `readAddress` and drawn by `finish`.
  }

  private text(text: string): void {
    this.buffer += text;
    const { top, tail } = this;
    this.tail = text.slice(-1);
    top.size += text.length;
    if (top.size < PART_CHARS || !top.own || WHOLE.has(top.token)) return;
    const isCode = top.token === T.Code_Fence || top.token === T.Code_Block;
    const seam = seamIn(text, top.size, tail, isCode);
    if (seam < 0) return;
    const rest = text.slice(seam);
    this.buffer = this.buffer.slice(0, this.buffer.length - rest.length);
    this.flush();
    this.turnOver(top);
    this.buffer = rest;
    top.size = rest.length;
  }

  /** Go on in another part. */
  private turnOver(frame: Frame): void {
    frame.tip = continued(frame.token, frame.node, frame.tip);
    frame.before += frame.size;
    frame.size = 0;
  }

  private flush(): void {
    if (this.buffer === "") return;
    const text = this.buffer;
    this.buffer = "";
    const { tip } = this.top;
    const last = tip.lastChild;
    if (last instanceof Text) last.appendData(text);
    else tip.append(text);
  }

  /** A token ends; `address` is that of a link or an image, where it has one. */
  private finish(address: string | null): void {
    const { token, closing } = this.top;
    if (!this.forced && closing !== "") this.text(closing);
    if (this.bracketClosed && (token === T.Link || token === T.Image)) this.text("]");
    this.bracketClosed = false;
    this.flush();
    const frame = this.stack.pop();
    if (frame === undefined) return;
    this.top.size += ELEMENT_CHARS + frame.before + frame.size;
    if (token === T.Equation_Inline || token === T.Equation_Block) this.finishFormula(frame);
    if (token === T.Raw_URL) {
      if (frame.own) drawRawAddress(frame.node);
    } else if (address !== null) this.finishLink(frame, address);
  }

  private finishFormula({ own, node }: Frame): void {
    if (!own) return;
    // What was not closed is text. So is "$5 to US$10", where a digit follows.
    if (this.forced) node.className = "";
    // In a link it could be drawn as the address of another place.
    else if (!/\d/.test(this.char) && !this.stack.some(({ token }) => token === T.Link))
      typeset(node);
  }

  private finishLink(frame: Frame, source: string): void {
    const isNested = this.stack.some(({ token }) => token === T.Link);
    if (frame.own && drawLink(frame.node, source, frame.token === T.Image, isNested)) return;
    const literal = `](${source})`;
    if (frame.own) frame.node.append(literal);
    else this.text(literal);
  }
}

/** Draw a whole text at once. */
export function renderMarkdown(root: Element, text: string): void {
  const view = new MarkdownView(root);
  view.write(text);
  view.end();
}
