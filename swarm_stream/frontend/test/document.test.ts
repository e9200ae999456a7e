/** A saved page is what Python writes, too. */

import { expect, it } from "vitest";
import { toDocument } from "../src/document.ts";
import { decodeEvent } from "../src/events.ts";
import { Transcript } from "../src/fold.ts";
import { toHtml } from "../src/static.ts";
import { vectors } from "./vectors.ts";

interface Vector {
  readonly events: readonly unknown[];
  readonly stream: string;
  readonly title: string;
  readonly document: readonly string[];
}

it.each(vectors<Vector>("document"))("%s", (_name, { events, stream, title, document }) => {
  const transcript = new Transcript();
  transcript.extend(events.map(decodeEvent));
  const made = toDocument(transcript, stream, title);
  // What is in it is held by the vectors of `static.ts`.
  expect(made.replace(toHtml(transcript), "BODY\n")).toBe(`${document.join("\n")}\n`);
});
