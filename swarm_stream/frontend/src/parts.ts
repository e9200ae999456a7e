/**
 * Long things in parts, so that the cost of one more word does not grow with what stands there.
 *
 * A browser lays out a paragraph, a list or a table as a whole whenever something is added to
 * it, and walks over all that stands beside it. A part is bounded, and one that is followed by
 * another is skipped while it is out of sight (`content-visibility` in the stylesheet), though
 * the browser's own search finds what is in it. Where a part ends depends on the text alone,
 * never on how it came.
 */

import { h } from "./dom.ts";

/** Characters of a part, more or less: some thirty lines. */
export const PART_CHARS = 4000;
/** Children of a page, whatever their text. */
const PAGE_CHILDREN = 64;

/**
 * Where a text that has grown to `size` may be broken in its last piece, which came after
 * `before`: so many characters of the piece belong to what ends. -1 if nowhere.
 */
export function seamIn(piece: string, size: number, before: string, isCode: boolean): number {
  if (size < PART_CHARS) return -1;
  const line = piece.lastIndexOf("\n");
  if (line >= 0) return line + 1;
  if (size >= 2 * PART_CHARS) return piece.length;
  if (isCode || !/\s$/.test(piece)) return -1;
  // The line that ends here is seen to be short, so best where a sentence ends.
  return size >= 1.5 * PART_CHARS || /[.!?:]$/.test(before) ? piece.length : -1;
}

/**
 * Have the browser forget the layout of parts below `root` that have gone out of sight: it is
 * several times as large as the text. It is made again when they come back into sight.
 */
export function forgetUnseen(root: HTMLElement): void {
  let leaving: Node[] = [];
  const forget = () => {
    // Taking it out of the page is what makes the browser forget. What has the focus or is
    // selected is never skipped, so neither is lost, and its height is remembered.
    for (const part of leaving) part.parentNode?.insertBefore(part, part.nextSibling);
    leaving = [];
  };
  const listener = ({ target, skipped }: Event & { readonly skipped?: boolean }) => {
    if (skipped && target instanceof Node && leaving.push(target) === 1) setTimeout(forget);
  };
  root.addEventListener("contentvisibilityautostatechange", listener, true);
}

/** An element whose children are put into pages: the first few into `page`, or itself. */
export class Pages {
  private size = 0;
  private held: HTMLElement[] | null = null;

  constructor(
    private readonly root: HTMLElement,
    private page = root,
  ) {
    if (page !== root) root.append(page);
  }

  /** Have the browser not look at new pages until this is taken back. */
  hold(on: boolean): void {
    if (on) {
      this.held ??= [];
      return;
    }
    for (const page of this.held ?? []) page.classList.remove("swst-held");
    this.held = null;
  }

  append(element: HTMLElement): void {
    const { childElementCount, lastElementChild } = this.page;
    // What is followed by something else has grown most of what it will.
    this.size += lastElementChild?.textContent?.length ?? 0;
    if (childElementCount >= PAGE_CHILDREN || this.size >= 4 * PART_CHARS) {
      this.page = h("div", "swst-part");
      if (this.held !== null) {
        this.page.classList.add("swst-held");
        this.held.push(this.page);
      }
      this.root.append(this.page);
      this.size = 0;
    }
    this.page.append(element);
  }
}

/** Plain text that grows. */
export class PlainParts {
  private tip = document.createTextNode("");
  private size = 0;
  private last = "";

  constructor(private readonly root: HTMLElement) {
    root.append(this.tip);
  }

  append(text: string): void {
    let from = 0;
    let at = 0;
    for (const char of text) {
      at += char.length;
      this.size += char.length;
      if (seamIn(char, this.size, this.last, false) >= 0) {
        this.tip.appendData(text.slice(from, at));
        from = at;
        this.tip = document.createTextNode("");
        this.root.append(h("div", "swst-part", this.tip));
        this.size = 0;
      }
      this.last = char;
    }
    this.tip.appendData(text.slice(from));
  }
}
