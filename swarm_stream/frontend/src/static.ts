/**
 * What stays in the notebook file: a transcript as Markdown, as HTML and as plain text. Pure.
 *
 * All three are made from the same list of blocks. The HTML is read without scripts, brings
 * its own inline styles and nothing from elsewhere, and escapes every character that a model
 * or a person gave: what they wrote as Markdown is shown as they wrote it.
 *
 * Twin of `swarm_stream/views/static.py`; both are held to `tests/vectors/static`. Change them
 * together: a page may write these texts where the kernel could not.
 */

import { isObject } from "./events.ts";
import type { Transcript } from "./fold.ts";
import { laneAncestors, laneColour, laneName } from "./lanes.ts";
import { isSafeImage } from "./links.ts";
import { oneLine, pretty, printable, shorten } from "./plain.ts";
import {
  CUT_WORDS,
  chunkWords,
  controlText,
  gapText,
  type Item,
  isRepeated,
  type Segment,
  UNCOUNTED_WORDS,
} from "./transcript.ts";

/** Found in every HTML that was written here, and in nothing else. */
export const STATIC_MARK = "data-swarm-stream-static";

/**
 * `head`: a lane begins to speak. `text`: Markdown as it was said. `thought`, `note`: small.
 * `code`: preformatted, with a label. `image`: a data URL, with its description as label.
 */
export interface Block {
  readonly kind: "head" | "text" | "thought" | "note" | "code" | "image";
  readonly text: string;
  readonly label: string;
  /** For `head`: the lane's colour. */
  readonly colour: string;
}

export function toMarkdown(transcript: Transcript): string {
  return `${blocksOf(transcript).map(markdownOf).join("\n\n")}\n`;
}

export function toText(transcript: Transcript): string {
  return `${blocksOf(transcript).map(textOf).join("\n\n")}\n`;
}

/** `said` makes safe HTML of what was said as Markdown; without it, it is shown as written. */
export function toHtml(transcript: Transcript, said = asWritten): string {
  const blocks = blocksOf(transcript).map((one) => htmlOf(one, said));
  const style =
    "border:1px solid rgba(128,128,128,.4);border-radius:8px;padding:10px 12px;" +
    "font-family:system-ui,sans-serif;font-size:13px;line-height:1.5;overflow-wrap:anywhere";
  return `<div ${STATIC_MARK}="1" style="${style}">\n${blocks.join("\n")}\n</div>\n`;
}

/** The whole transcript as blocks, in order. */
export function blocksOf(transcript: Transcript): Block[] {
  const blocks: Block[] = [];
  let speaker: number | null | undefined;
  const speak = (lane: number | null) => {
    if (lane === speaker) return;
    speaker = lane;
    const { lanes } = transcript;
    const path = laneAncestors(lanes, lane).map(({ name }) => `${shorten(name)} / `);
    const name = `${path.join("")}${laneName(lanes, lane)}`;
    blocks.push(block("head", name, "", laneColour(lane)));
  };
  if (transcript.task !== "") {
    blocks.push(block("head", "task", "", laneColour(null)), block("text", transcript.task));
  }
  const answers = new Map<number | null, unknown>();
  for (const item of transcript.items) {
    // An answer comes twice: in its question, and as what the person says in the team.
    if (item.kind === "message" && isRepeated(answers, item)) continue;
    if (item.kind === "input" && item.reply !== null) answers.set(item.lane, item.reply);
    const parts = item.kind === "segment" ? segmentBlocks(item) : itemBlocks(item, transcript);
    if (parts.length === 0) continue;
    if (LINES.has(item.kind)) speaker = undefined;
    else speak(item.lane);
    blocks.push(...parts);
  }
  blocks.push(...endBlocks(transcript));
  return blocks;
}

/** Items that stand between the turns of lanes, not inside one. */
const LINES: ReadonlySet<string> = new Set(["handoff", "select", "control", "gap"]);

function segmentBlocks(segment: Segment): Block[] {
  const { text, channel, partial, final } = segment;
  const blocks: Block[] = [];
  if (text !== "") blocks.push(block(channel === "text" ? "text" : "thought", text));
  if (partial) blocks.push(block("note", "cut off here"));
  if (final !== null) {
    blocks.push(block("note", "the agent's final text differs"), block("text", final));
  }
  return blocks;
}

function itemBlocks(item: Item, transcript: Transcript): Block[] {
  const name = (lane: number | null) => laneName(transcript.lanes, lane);
  switch (item.kind) {
    case "message": {
      if (transcript.task !== "" && item.content === transcript.task) return [];
      const [parts, rest] = partsOf(item.content);
      const label = item.message_kind === "text" ? [] : [block("note", item.message_kind)];
      const more = rest === "" ? [] : [block("note", rest)];
      return [...label, ...parts.map(contentBlock), ...more];
    }
    case "tool": {
      const blocks = [block("code", item.arguments, `${item.name || "tool"} was called`)];
      if (item.result !== null) {
        blocks.push(block("code", item.result, item.is_error ? "it failed" : "result"));
      }
      return blocks;
    }
    case "input": {
      const blocks = [block("text", item.prompt || "Your answer?")];
      if (item.withdrawn) return [...blocks, block("note", "the question was taken back")];
      if (item.reply === null) return [...blocks, block("note", "nobody answered")];
      const by = item.by === "" ? "answer" : `${shorten(item.by)} answered`;
      return [...blocks, block("note", by), block("text", item.reply)];
    }
    case "handoff":
      return [block("note", `${name(item.lane)} → ${item.target}`)];
    case "select":
      return item.lanes.length > 1
        ? [block("note", `next: ${item.lanes.map(name).join(", ")}`)]
        : [];
    case "control":
      return [block("note", controlText(item))];
    case "finish":
      return [block("note", CUT_WORDS[item.reason])];
    case "gap":
      return [block("note", gapText(item))];
    case "raw":
    case "unknown":
      // For whoever debugs; they are in the stream, not in what a reader keeps.
      return [];
    default:
      return item satisfies never;
  }
}

function contentBlock(part: unknown): Block {
  if (typeof part === "string") return block("text", part);
  if (isObject(part)) {
    const { text, image, alt } = part;
    if (typeof image === "string") {
      const label = typeof alt === "string" && alt !== "" ? oneLine(alt) : "image";
      return isSafeImage(image)
        ? block("image", image, label)
        : block("note", `image that is not kept: ${label}`);
    }
    if (typeof text === "string" && Object.keys(part).length === 1) return block("text", text);
  }
  return block("code", pretty(part), "data");
}

const MAX_PARTS = 100;

/** The parts of a message, and what to say of those that are too many. */
export function partsOf(content: unknown): [parts: unknown[], rest: string] {
  if (!Array.isArray(content)) return [[content], ""];
  const more = content.length - MAX_PARTS;
  return [content.slice(0, MAX_PARTS), more > 0 ? `and ${more} more parts` : ""];
}

function endBlocks(transcript: Transcript): Block[] {
  const { outcome, error, first_t, last_t, deltas } = transcript;
  if (outcome === null) return [block("note", "the run was not over when this was written")];
  const tenths = Math.max(0, Math.floor(((last_t ?? 0) - (first_t ?? 0)) / 100));
  const took = `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  const blocks = [block("note", `${outcome} after ${took}, ${chunkWords(deltas)}`)];
  const reason = reasonOf(transcript);
  if (reason !== "") blocks.push(block("note", reason));
  if (isUncounted(transcript)) blocks.push(block("note", UNCOUNTED_WORDS));
  if (error !== null) {
    const message = error.message === "" ? error.type : `${error.type}: ${error.message}`;
    blocks.push(block("code", error.traceback === "" ? message : error.traceback, message));
  }
  return blocks;
}

/** Why a run ended; "" where the line of a button has said that. */
export function reasonOf({ reason, items }: Transcript): string {
  return items.some((item) => item.kind === "control" && controlText(item) === reason)
    ? ""
    : reason;
}

/** Whether an AutoGen client did not count; others have ways of their own to be told. */
export function isUncounted({ source, lanes }: Transcript): boolean {
  return source === "autogen" && [...lanes.values()].some(({ uncounted }) => uncounted > 0);
}

function block(kind: Block["kind"], text: string, label = "", colour = ""): Block {
  // A lone return ends a line in Markdown, and would write over it in a terminal.
  const shown = printable(text.replace(/\r\n?/g, "\n"));
  return { kind, text: shown, label: oneLine(label), colour };
}

function markdownOf({ kind, text, label }: Block): string {
  switch (kind) {
    case "head":
      return `#### ${escapeMarkdown(text)}`;
    case "text":
      return closeFence(text);
    case "thought":
      return quote(`*thought:* ${text}`);
    case "note":
      return `*${escapeMarkdown(oneLine(text))}*`;
    case "code": {
      const head = `**${escapeMarkdown(label)}**`;
      const fence = fenceFor(text);
      return text === "" ? head : `${head}\n\n${fence}\n${text}\n${fence}`;
    }
    case "image":
      return `*image: ${escapeMarkdown(label)}*`;
    default:
      return kind satisfies never;
  }
}

function textOf({ kind, text, label }: Block): string {
  switch (kind) {
    case "head":
      return `[${text}]`;
    case "text":
      return text;
    case "thought":
      return `(thought) ${text}`;
    case "note":
      return `-- ${oneLine(text)}`;
    case "code":
      return text === "" ? `-- ${label}` : `-- ${label}\n${text}`;
    case "image":
      return `-- image: ${label}`;
    default:
      return kind satisfies never;
  }
}

/** GitHub drops styles, and only a `pre` keeps its line breaks without them. */
const PRE = "white-space:pre-wrap;word-break:normal;font-family:inherit;margin:4px 0 4px 12px";

function asWritten(text: string): string {
  return `<pre style="${PRE}">\n${escapeHtml(text)}</pre>`;
}

function htmlOf({ kind, text, label, colour }: Block, said: typeof asWritten): string {
  const escaped = escapeHtml(text);
  switch (kind) {
    case "head":
      return `<div style="margin-top:10px;font-weight:600;border-left:4px solid ${colour};padding-left:8px">${escaped}</div>`;
    case "text":
      return said(text);
    case "thought":
      return `<details style="margin:4px 0 4px 12px;opacity:.75"><summary>thought</summary>${asWritten(text)}</details>`;
    case "note":
      return `<div style="margin:4px 0 4px 12px;font-size:12px;opacity:.75"><em>${escapeHtml(oneLine(text))}</em></div>`;
    case "code": {
      const head = escapeHtml(label);
      const style = "margin:4px 0 4px 12px;font-size:12px";
      if (text === "") return `<div style="${style}"><b>${head}</b></div>`;
      return `<details style="${style}"><summary><b>${head}</b></summary><pre style="white-space:pre-wrap;word-break:normal;margin:4px 0">\n${escaped}</pre></details>`;
    }
    case "image":
      return `<img style="max-width:100%;max-height:360px;margin:4px 0 4px 12px" alt="${escapeHtml(label)}" src="${escaped}">`;
    default:
      return kind satisfies never;
  }
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|~$&!]/g, "\\$&");
}

function quote(text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");
}

/** A fence longer than any in the text. */
function fenceFor(text: string): string {
  const runs = text.match(/`+/g) ?? [];
  return "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
}

/** Close a code block that the text leaves open, so that it does not eat what follows. */
function closeFence(text: string): string {
  let open = "";
  let indent = "";
  for (const line of text.split("\n")) {
    const fence = /^( {0,3})(`{3,}|~{3,})([^\n]*)$/.exec(line);
    const [, before = "", mark = "", rest = ""] = fence ?? [];
    if (mark === "") continue;
    if (open === "") {
      // What has another backtick in its line is code inside a line.
      open = mark[0] === "`" && rest.includes("`") ? "" : mark;
      indent = before;
    } else if (mark[0] === open[0] && mark.length >= open.length && /^[ \t\r]*$/.test(rest))
      open = "";
  }
  // In a list a mark ends its block only where it stands as deep as the first.
  return open === "" ? text : `${text}\n${indent}${open}`;
}
