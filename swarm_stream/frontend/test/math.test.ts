// @vitest-environment jsdom
/** A formula is drawn by the host when it is closed; whatever the host does, no source is lost. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MarkdownView } from "../src/markdown.ts";
import { useTypesetter } from "../src/math.ts";

let root: HTMLElement;
let view: MarkdownView;
/** What the host was asked to draw. */
let asked: string[];
/** What it makes of a formula. */
let make: (element: HTMLElement) => unknown;

beforeEach(() => {
  vi.useFakeTimers();
  root = document.createElement("div");
  document.body.replaceChildren(root);
  view = new MarkdownView(root);
  asked = [];
  make = (element) => element.replaceChildren(document.createElement("mjx-container"));
  useTypesetter({
    typeset: (element) => {
      asked.push(element.textContent ?? "");
      return make(element);
    },
  });
});
afterEach(() => vi.useRealTimers());

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(1000);
}

async function write(text: string): Promise<void> {
  view.write(text);
  view.end();
  await settle();
}

it("draws a formula when it is closed, and keeps its source", async () => {
  view.write("If $a");
  await settle();
  expect(asked).toEqual([]);
  view.write("+b$ and");
  const source = root.querySelector(".swst-math")?.firstChild;
  await settle();
  expect(asked).toEqual(["$a+b$"]);
  expect(root.querySelector(".swst-set > .swst-drawn > mjx-container")).not.toBeNull();
  expect(root.querySelector(".swst-set > .swst-tex")?.firstChild).toBe(source);
  expect(root.textContent).toBe("If $a+b$ an");
});

it.each([
  ["$$x$$ on a line", ["$$x$$"]],
  ["$$\nx\n$$\nin lines", ["$$\nx\n$$"]],
  ["\\(x\\) and \\[y\\] and\n\\[\nz\n\\]\n", ["\\(x\\)", "\\[y\\]", "\\[\nz\n\\]"]],
  ["It is US$a$5, or $b and $ more, $HOME, `$c$`", []],
  ["[$x$](https://example.org) and $$ not closed\n\n$$\nneither", []],
  ["$\\frac{1}{2}$ and $\\leftarrow\\text{def}$", ["$\\frac{1}{2}$", "$\\leftarrow\\text{def}$"]],
])("takes for a formula what is one: %j", async (text, formulas) => {
  await write(text);
  expect(asked).toEqual(formulas);
});

it.each([
  "\\href{https://evil.test}{x}",
  "\\url{x}",
  "\\style{position:fixed}{x}",
  "\\class{jp-Button}{x}",
  "\\htmlClass{a}{x}",
  "\\def\\frac{x}",
  "\\gdef\\a{x}",
  "\\renewcommand{\\frac}{x}",
  "\\newcommand\\a{x}",
  "\\DeclareMathOperator\\a{x}",
  "\\let\\a=b",
  "\\require{html}",
  "\\unicode{x41}",
  "\\includegraphics{x}",
  "\\toggle{a}{b}\\endtoggle",
  "\\bbox[yellow]{x}",
  "x".repeat(2000),
  `${"x^{".repeat(31)}${"}".repeat(31)}`,
])("does not give the host what is more than a formula: %j", async (formula) => {
  await write(`$${formula}$`);
  expect(asked).toEqual([]);
  expect(root.textContent).toBe(`$${formula}$`);
});

it.each([
  ["a link", "<a href='https://evil.test'>x</a>"],
  ["a picture", "<img>"],
  ["an error", "<mjx-merror>x</mjx-merror>"],
  ["nothing", "$x$"],
])("shows the source where the host makes %s", async (_name, html) => {
  make = (element) => {
    element.innerHTML = html;
  };
  await write("$x$");
  expect(asked).toEqual(["$x$"]);
  expect(root.innerHTML).toBe('<p><span class="swst-math">$x$</span></p>');
});

it("shows the source where the host fails, and draws the next", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  make = () => {
    make = async (element) => element.replaceChildren(document.createElement("mjx-container"));
    return Promise.reject(new Error("no network"));
  };
  await write("$x$ $y$");
  expect(warn).toHaveBeenCalledTimes(1);
  expect([...root.querySelectorAll(".swst-math")].map(({ className }) => className)).toEqual([
    "swst-math",
    "swst-math swst-set",
  ]);
});

it("draws one at a time, and none that was taken away", async () => {
  view.write("$a$ $b$ $c$ ");
  root.querySelectorAll(".swst-math")[1]?.remove();
  await vi.advanceTimersByTimeAsync(21);
  expect(asked).toEqual(["$a$"]);
  await settle();
  expect(asked).toEqual(["$a$", "$c$"]);
});
