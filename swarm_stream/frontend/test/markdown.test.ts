// @vitest-environment jsdom
/** However a model cuts its text, the page is the same; nothing is lost, and nothing is let through. */

import { describe, expect, it } from "vitest";
import { MarkdownView, renderMarkdown } from "../src/markdown.ts";
import { markdownHtml } from "../src/static-markdown.ts";
import { FIXTURES } from "./markdown-fixtures.ts";

function draw(pieces: readonly string[]): HTMLElement {
  const root = document.createElement("div");
  const view = new MarkdownView(root);
  for (const piece of pieces) view.write(piece);
  view.end();
  return root;
}

function whole(text: string): HTMLElement {
  return draw([text]);
}

/** Cut a text at random places, never inside a code point: producers do not either. */
function cuts(text: string, seed: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let state = seed;
  for (const char of text) {
    piece += char;
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    if (state % 5 === 0) {
      pieces.push(piece);
      piece = "";
    }
  }
  return [...pieces, piece];
}

describe.each(Object.entries(FIXTURES))("%s", (_name, { source, html }) => {
  it("is drawn as expected", () => {
    expect(whole(source).innerHTML).toBe(html);
  });

  it("is the same one character at a time", () => {
    expect(draw([...source]).innerHTML).toBe(html);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("is the same in random cuts %i", (seed) => {
    expect(draw(cuts(source, seed)).innerHTML).toBe(html);
  });
});

it("is append-only: what was drawn stays the same nodes", () => {
  const root = document.createElement("div");
  const view = new MarkdownView(root);
  view.write("first\n\nsecond");
  const first = root.firstChild;
  view.write(" and more\n\n* a\n* b\n");
  view.end();
  expect(root.firstChild).toBe(first);
});

const LINE = "Some *words* of a line. ";
/** Long texts of one kind, the element that becomes parts, and what is in the parts. */
const LONG: Readonly<Record<string, readonly [source: string, parts: string, inside: string]>> = {
  paragraphs: [`${LINE}\n\n`.repeat(900), ":scope > div.swst-part", "p"],
  paragraph: [LINE.repeat(900), "p > span.swst-part", "em"],
  "bold paragraph": [`**${"bold words ".repeat(2000)}**`, "strong > span.swst-part", "span"],
  word: ["x".repeat(30_000), "p > span.swst-part", "span"],
  list: [`- ${LINE}\n`.repeat(900), ":scope > ul.swst-part", "li"],
  "inner list": [`- outer\n${`  - ${LINE}\n`.repeat(900)}`, "li > ul.swst-part", "li"],
  quotation: [`> ${LINE}\n>\n`.repeat(900), "blockquote > div.swst-part", "p"],
  code: [`\`\`\`js\n${"let x = 1;\n".repeat(2000)}\`\`\`\n`, "code > span.swst-part", "span"],
  table: [`| a | b |\n|---|---|\n${"| x | y |\n".repeat(900)}`, ".swst-table > .swst-part", "tr"],
};

describe.each(Object.entries(LONG))("long: %s", (_name, [source, parts, inside]) => {
  it("becomes parts that are bounded", () => {
    const found = [...whole(source).querySelectorAll(parts)];
    expect(found.length).toBeGreaterThan(2);
    for (const part of found) {
      expect(part.matches(inside) || part.querySelector(inside)).toBeTruthy();
      const others = part.querySelectorAll(".swst-part");
      expect(others).toHaveLength(0);
      expect(part.textContent?.length).toBeLessThan(12_000);
    }
  });

  it("says all of it, in order", () => {
    // Hosts, marks and white space aside.
    const plain = (text: string | null) => (text ?? "").replace(/[^a-wyz1]/g, "");
    expect(plain(whole(source).textContent)).toBe(plain(source.replace("```js", "js Copy")));
  });

  it("is the same however it is cut", () => {
    const { innerHTML } = whole(source);
    expect(draw([...source]).innerHTML).toBe(innerHTML);
    expect(draw(cuts(source, 7)).innerHTML).toBe(innerHTML);
  });
});

it("aligns columns in a file as on the screen", () => {
  const cells = markdownHtml("|a|b|\n|-|:-:|\n|1|2|\n").match(/<t[hd] style="[^"]*"/g);
  expect(cells?.map((cell) => /text-align:(\w+)"/.exec(cell)?.[1])).toEqual([
    "left",
    "center",
    "left",
    "center",
  ]);
});

it("numbers a long list on", () => {
  const root = whole(Array.from({ length: 900 }, (_, n) => `${n + 5}. ${LINE}`).join("\n"));
  const lists = [...root.querySelectorAll("ol")];
  expect(lists.length).toBeGreaterThan(2);
  let next = 5;
  for (const list of lists) {
    expect(list.start).toBe(next);
    next += list.childElementCount;
  }
  expect(next).toBe(905);
});

it("aligns the columns of a long table in all its parts", () => {
  const root = whole(`| a | b |\n|---|--:|\n${"| x | y |\n".repeat(900)}`);
  expect(root.querySelectorAll("table").length).toBeGreaterThan(2);
  expect(root.querySelectorAll("td").length).toBe(1800);
  expect(root.querySelectorAll("td:nth-child(2)[align=right]").length).toBe(900);
  expect(root.querySelectorAll("[align]").length).toBe(901);
});

it("breaks a paragraph after a sentence, and code after a line", () => {
  const tail = ({ previousSibling }: Element) => previousSibling?.textContent?.slice(-2);
  const text = Array.from({ length: 900 }, (_, n) => `Sentence number ${n} of it. `).join("");
  const sentences = whole(text).querySelectorAll("p > .swst-part");
  expect([...sentences].map(tail)).toEqual(Array.from(sentences, () => ". "));
  const code = `\`\`\`\n${"    let x = 1;\n".repeat(2000)}\`\`\`\n`;
  const lines = whole(code).querySelectorAll("code > .swst-part");
  expect([...lines].map(tail)).toEqual(Array.from(lines, () => ";\n"));
});

/** What the text says, without any mark: Greek letters stand for words here. */
function words(text: string): string {
  return text.replace(/[^α-ω]/g, "");
}

const MARKS = [
  " ",
  "\n",
  "\n\n",
  "*",
  "**",
  "***",
  "_",
  "__",
  "`",
  "``",
  "```",
  "~~",
  "[",
  "]",
  "(",
  ")",
  "!",
  "![",
  "# ",
  "> ",
  "- ",
  "+ ",
  "1. ",
  "12.",
  "|",
  "|-|",
  "$",
  "$$",
  "\\(",
  "\\)",
  "\\[",
  "\\]",
  "\\",
  "<",
  "<br>",
  "<br",
  "\t",
  "    ",
  "---",
  ":",
  "[ ] ",
  "\r\n",
];

describe.each([
  ["links", ["]("]],
  ["addresses", ["http://x", " https://x/"]],
])("with %s", (_name, more) => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed + 1))("no word is lost, seed %i", (seed) => {
    let state = seed * 7919;
    const pick = (list: readonly string[]) => {
      state = (state * 1103515245 + 12345) & 0x7fffffff;
      return list[(state >> 8) % list.length] ?? "";
    };
    for (let round = 0; round < 30; round += 1) {
      let source = "";
      for (let part = 0; part < 30; part += 1) {
        source += pick(["α", "β", "γδ", ...MARKS, ...MARKS, ...more]);
      }
      // A word after an address is part of it, and shown as the reader's browser would.
      const drawn = decodeURI(whole(source).textContent ?? "");
      expect({ source, words: words(drawn) }).toEqual({ source, words: words(source) });
    }
  });
});

describe("hostile text", () => {
  it.each([
    ["quotations", "> ".repeat(200)],
    ["lists", Array.from({ length: 60 }, (_, depth) => `${"  ".repeat(depth)}- x`).join("\n")],
    ["emphasis", "*a _b ".repeat(300)],
    ["strong in lists", `${"- ".repeat(80)}**deep**`],
  ])("keeps its text below any depth of %s", (_name, opening) => {
    // After an inline token the parser looks up where it is, and finds nothing beyond its limit.
    const root = whole(`${opening} the *very* \`last\` words`);
    expect(root.textContent).toContain("the very last words");
    let depth = 0;
    for (const element of root.querySelectorAll("*")) {
      let level = 0;
      for (let node = element.parentElement; node !== null; node = node.parentElement) level += 1;
      depth = Math.max(depth, level);
    }
    expect(depth).toBeLessThan(60);
  });

  it("still knows what is code below any depth", () => {
    // After a line's end the parser looks up where it was.
    const root = whole(`${"*a _b ".repeat(100)} \`x\ny *z* w\``);
    expect(root.textContent).toContain("y *z* w");
  });

  it.each([
    ["a fence's line", `\`\`\`${"x".repeat(200_000)}`],
    ["a rule", "-".repeat(200_000)],
    ["an address", `[a](${"x".repeat(200_000)}`],
    ["a table's line", `|a|\n|${"-".repeat(200_000)}`],
    ["brackets", "[".repeat(200_000)],
    ["emphasis", "*_".repeat(20_000)],
    ["a bare address", `http://${"x".repeat(200_000)}`],
  ])("does not take longer than its length for %s", (_name, source) => {
    const begun = performance.now();
    whole(source);
    expect(performance.now() - begun).toBeLessThan(4000);
  });

  it("draws tables of a hundred columns, and puts what is more into the last", () => {
    const wide = `|${"α|".repeat(300)}`;
    const root = whole(`${wide}\n|${"-|".repeat(300)}\n${wide}\n`);
    expect(root.querySelectorAll("th").length).toBe(100);
    expect(root.querySelectorAll("td").length).toBe(100);
    expect(words(root.textContent ?? "")).toBe("α".repeat(600));
  });

  it("draws few marks on one letter, however they come", () => {
    const heap = `a${"\u0301".repeat(40)}b${"\u0301".repeat(3)}`;
    const html = `<p>a${"\u0301".repeat(16)}b${"\u0301".repeat(3)}</p>`;
    expect(whole(heap).innerHTML).toBe(html);
    expect(draw([...heap]).innerHTML).toBe(html);
    for (let cut = 1; cut < heap.length; cut += 1) {
      expect(draw([heap.slice(0, cut), heap.slice(cut)]).innerHTML).toBe(html);
    }
  });

  it("makes no element but those of Markdown, and no address but those allowed", () => {
    const root = document.createElement("div");
    for (const { source } of Object.values(FIXTURES)) renderMarkdown(root, `${source}\n\n`);
    const bad = root.querySelectorAll("script,iframe,object,embed,svg,style,link,meta,form");
    expect(bad.length).toBe(0);
    for (const element of root.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on/);
        if (name === "href") expect(value).toMatch(/^(?:https?:\/\/|mailto:)/);
        if (name === "src") expect(value).toMatch(/^data:image\/(?:png|jpeg|gif|webp);base64,/);
      }
    }
  });
});
