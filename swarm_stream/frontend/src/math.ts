/**
 * Formulas, drawn by the host's own typesetter where it has one; else their source stands.
 *
 * JupyterLab and Notebook bring MathJax, which is large and can do more than draw: it makes
 * links, and a macro that one formula defines changes every formula of the page. So formulas
 * that use such commands are not given to it, and what it made is looked at before it is shown.
 *
 * The source stays in the page: it is what a reader copies, and what is shown until the drawing
 * is there. Formulas are drawn when the browser has nothing else to do, one at a time.
 */

import { attrs, h } from "./dom.ts";

export interface Typesetter {
  /** Draw the formulas in an element; gives a promise where that takes longer. */
  typeset(element: HTMLElement): unknown;
}

/** Links, styles, pictures, hidden text, definitions, and what loads more commands. */
const REFUSED =
  /\\(?:href|url|class|style|cssId|data|html|bbox|mmlToken|unicode|include|input|require|toggle|texttip|mathtip|let|[a-z]*def|\w*new(?:command|env|tag)|Declare|csname|catcode|mathtoolsset)/;
/** What no formula needs, and what says that it could not be drawn. */
const UNWANTED =
  "a,img,image,script,style,link,iframe,object,embed,form,input,button,foreignObject,[src],merror,mjx-merror,[data-mjx-error],.katex-error";
/** Longer and deeper ones take the browser too long. */
const MAX_CHARS = 2000;
const MAX_DEPTH = 30;
/** What a common one takes. */
const ONE_MS = 5;

/** The widget's bundle has no way to the host's typesetter but through the other one. */
const KEY = Symbol.for("swarm_stream.typesetter");
const page = globalThis as { [KEY]?: Typesetter };

const waiting: Element[] = [];
let working = false;

/** The host tells how formulas are drawn. */
export function useTypesetter(typesetter: Typesetter | null | undefined): void {
  if (typesetter) page[KEY] = typesetter;
}

/** Have the formula drawn that is all of an element's text, with its delimiters. */
export function typeset(element: Element): void {
  if (page[KEY] === undefined || !mayBeDrawn(element.textContent ?? "")) return;
  waiting.push(element);
  if (!working) void work();
}

/** `$a$`, not "$5 and $"; nothing that can do more than draw. */
function mayBeDrawn(source: string): boolean {
  const isPrice = /^\$(?!\$)/.test(source) && !/^\$\S(?:[\s\S]*\S)?\$$/.test(source);
  if (isPrice || source.length > MAX_CHARS || REFUSED.test(source)) return false;
  let depth = 0;
  return ![...source].some((char) => {
    depth += char === "{" ? 1 : char === "}" ? -1 : 0;
    return depth > MAX_DEPTH;
  });
}

async function work(): Promise<void> {
  working = true;
  while (waiting.length > 0) {
    const left = await idle();
    do {
      const element = waiting.shift();
      // One that was taken away meanwhile need not be drawn.
      if (element?.isConnected) await draw(element);
    } while (waiting.length > 0 && left() > ONE_MS);
  }
  working = false;
}

async function draw(element: Element): Promise<void> {
  const source = element.textContent ?? "";
  const drawn = attrs(h("span", "swst-drawn", source), { "aria-hidden": "true" });
  element.append(drawn);
  try {
    await page[KEY]?.typeset(drawn);
  } catch (error) {
    console.warn("swarm_stream: a formula could not be drawn", error);
  }
  if (drawn.firstElementChild === null || drawn.querySelector(UNWANTED) !== null) {
    drawn.remove();
    return;
  }
  drawn.removeAttribute("aria-hidden");
  const kept = attrs(h("span", "swst-tex"), { "aria-hidden": "true" });
  drawn.before(kept);
  kept.append(...[...element.childNodes].filter((node) => node !== drawn && node !== kept));
  element.classList.add("swst-set");
}

/** Wait until the browser has nothing else to do; gives how much longer that lasts, in ms. */
function idle(): Promise<() => number> {
  return new Promise((resolve) => {
    // Safari has no idle callbacks.
    if ("requestIdleCallback" in globalThis) {
      requestIdleCallback((deadline) => resolve(() => deadline.timeRemaining()), { timeout: 1000 });
    } else setTimeout(resolve, 20, () => 0);
  });
}
