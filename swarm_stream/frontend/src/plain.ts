/**
 * Text of strangers as a reader may see it. Pure.
 *
 * What no reader sees but what obeys it (controls), or what moves other letters about (the
 * controls of direction), is shown as U+FFFD, so that a text reads as what it is. Letters of
 * right-to-left scripts and their marks stay.
 *
 * Twin of `swarm_stream/events/plain.py`.
 */

const UNPRINTABLE = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu;
/** Of no width, and of no use in a name; those who join are, but not after a plain letter. */
const HIDDEN =
  /[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]|(?<=[!-~])[\u200c\u200d]/gu;
/** Marks on one letter, which cost a browser the square of their number; writing needs few. */
export const MAX_MARKS = 16;
const HEAP = new RegExp(`(\\p{M}{${MAX_MARKS}})\\p{M}+`, "gu");
/** A name, or whatever else stands in a line of ours, is cut here. */
const MAX_NAME = 120;
const MAX_LEVELS = 50;

/** Give text without what would be obeyed instead of shown, and without heaps of marks. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd").replace(HEAP, "$1");
}

/** In one line. ASCII white space only, so that both twins mean the same. */
export function oneLine(text: string): string {
  const line = text.replace(/[ \t\r\n\f\v]+/g, " ").replace(/^ | $/g, "");
  return printable(line).replace(HIDDEN, "\ufffd");
}

/** One line of at most `limit` characters. */
export function shorten(text: string, limit = MAX_NAME): string {
  // More than is needed, but not all of a text that may be large.
  const chars = [...oneLine(text).slice(0, 2 * limit + 2)];
  return chars.length > limit
    ? `${chars
        .slice(0, limit - 1)
        .join("")
        .trimEnd()}…`
    : chars.join("");
}

/** JSON with indents; `otherwise` for what is nested so deeply that indents would be most of it. */
export function pretty(value: unknown, otherwise = "nested too deeply to be shown"): string {
  return isDeep(value, MAX_LEVELS) ? otherwise : (JSON.stringify(value, null, 2) ?? "");
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1));
}
