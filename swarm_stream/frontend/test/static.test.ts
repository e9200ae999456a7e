/** What stays in the notebook file is what Python writes, and cannot run anything. */

import { describe, expect, it } from "vitest";
import { decodeEvent } from "../src/events.ts";
import { Transcript } from "../src/fold.ts";
import { toHtml, toMarkdown, toText } from "../src/static.ts";
import { vectors } from "./vectors.ts";

interface Vector {
  readonly events: readonly unknown[];
  readonly markdown: string;
  readonly html: string;
  readonly text: string;
}

it("says where events are missing", () => {
  const transcript = new Transcript();
  transcript.missed(0, 2);
  const said = "2 events are missing here: the server no longer keeps numbers 0 to 1";
  expect(toText(transcript)).toContain(said);
  expect(toMarkdown(transcript)).toContain(said);
  expect(toHtml(transcript)).toContain(said);
});

describe("vectors", () => {
  it.each(vectors<Vector>("static"))("%s", (_name, { events, markdown, html, text }) => {
    const transcript = new Transcript();
    transcript.extend(events.map(decodeEvent));
    expect(toMarkdown(transcript)).toBe(markdown);
    expect(toHtml(transcript)).toBe(html);
    expect(toText(transcript)).toBe(text);
  });

  it.each(vectors<Vector>("static"))("%s has no tag but ours", (_name, { html }) => {
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map((match) => match[1]));
    const ours = ["div", "pre", "details", "summary", "b", "em", "img"];
    expect([...tags].filter((tag) => !ours.includes(tag ?? ""))).toEqual([]);
    expect(html).not.toMatch(/src="(?!data:image\/(?:png|jpeg|gif|webp);base64,)/);
  });
});
