/** The list of streams as a person reads it: states, order, search, words. Pure. */

import { isObject } from "./events.ts";
import { shorten } from "./plain.ts";

export type ListState =
  | "live"
  | "waiting"
  | "paused"
  | "stalled"
  | "completed"
  | "cancelled"
  | "failed"
  | "interrupted"
  | "ended";

export const STATE_WORDS: { readonly [S in ListState]: string } = {
  live: "live",
  waiting: "waiting for you",
  paused: "paused",
  stalled: "stalled",
  completed: "completed",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted",
  ended: "ended",
};

export const STATE_NOTES: { readonly [S in ListState]: string } = {
  live: "The run goes on",
  waiting: "The run goes on when somebody answers its question",
  paused: "The run goes on when somebody presses Resume",
  stalled: "Nothing is heard from the run's kernel; if it comes back, the run goes on",
  completed: "The run is over",
  cancelled: "The run was cancelled",
  failed: "The run ended with an error",
  interrupted: "The run's kernel was shut down or died",
  ended: "The run is over",
};

/** One line of the list. Times are in ms since the epoch, on the server's clock. */
export interface Row {
  readonly stream: string;
  readonly title: string;
  /** What was run, who takes part, and in which notebook. */
  readonly about: string;
  readonly state: ListState;
  readonly over: boolean;
  readonly created: number;
  readonly events: number;
  readonly bytes: number;
  readonly viewers: number;
}

/** The lines of a list that the server gave; what is no stream is passed over. */
export function rowsOf(body: unknown): Row[] {
  const listed = isObject(body) && Array.isArray(body.streams) ? body.streams : [];
  return listed.flatMap((entry) => {
    const row = isObject(entry) ? rowOf(entry) : null;
    return row === null ? [] : [row];
  });
}

function rowOf(entry: Record<string, unknown>): Row | null {
  const { stream, closed } = entry;
  if (typeof stream !== "string" || stream === "") return null;
  const meta = isObject(entry.meta) ? entry.meta : {};
  const agents = Array.isArray(meta.agents) ? meta.agents.filter(isText) : [];
  const title = headline(meta.task, meta.title, stream);
  const source = title === meta.title ? "" : meta.title;
  return {
    stream,
    title,
    about: shorten([source, agents.join(", "), meta.notebook].filter(isText).join(" · "), 200),
    state: stateOf(closed === true, entry.producer, entry.run),
    over: closed === true,
    created: numberOf(entry.created),
    events: numberOf(entry.tail) - numberOf(entry.head),
    bytes: numberOf(entry.bytes),
    viewers: numberOf(entry.viewers),
  };
}

/** What a person knows a run by: its task's first line; else what was run; else its id. */
export function headline(task: unknown, title: unknown, stream: string): string {
  const line = isText(task) ? (/\S.*/.exec(task)?.[0] ?? "") : "";
  return [line, title].map((text) => (isText(text) ? shorten(text) : "")).find(isText) ?? stream;
}

const OUTCOMES: readonly unknown[] = ["completed", "cancelled", "failed", "interrupted"];

function stateOf(closed: boolean, producer: unknown, run: unknown): ListState {
  if (closed) return OUTCOMES.includes(run) ? (run as ListState) : "ended";
  // Nobody is there to take an answer; that is what the reader must know first.
  if (producer !== "live") return "stalled";
  return run === "waiting" || run === "paused" ? run : "live";
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** What goes on first, then what is stalled, then what is over; the newest first in each. */
export function inOrder(rows: readonly Row[]): Row[] {
  const rank = ({ over, state }: Row) => (over ? 2 : state === "stalled" ? 1 : 0);
  return [...rows].sort(
    (a, b) => rank(a) - rank(b) || b.created - a.created || (a.stream < b.stream ? -1 : 1),
  );
}

/** The lines that have every word of a query, in their title, id, state, agents or notebook. */
export function matching(rows: readonly Row[], query: string): Row[] {
  const words = plain(query).split(/\s+/).filter(isText);
  return rows.filter((row) => {
    const text = plain(`${row.title} ${row.stream} ${row.about} ${STATE_WORDS[row.state]}`);
    return words.every((word) => text.includes(word));
  });
}

/** Without case and accents, so that "cafe" finds "Café". */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** How many there are, of what kinds: "2 live, 1 stalled, 14 ended". */
export function summary(rows: readonly Row[]): string {
  const over = rows.filter((row) => row.over).length;
  const stalled = rows.filter((row) => row.state === "stalled").length;
  const waiting = rows.filter((row) => row.state === "waiting").length;
  const live = rows.length - over - stalled;
  const asks = waiting === 0 ? "" : ` (${waiting} waiting for you)`;
  const parts = [
    live === 0 ? "" : `${live} live${asks}`,
    stalled === 0 ? "" : `${stalled} stalled`,
    over === 0 ? "" : `${over} ended`,
  ];
  return parts.filter(isText).join(", ");
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in words. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms < MINUTE) return "just now";
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  const days = Math.floor(ms / DAY);
  return days === 1 ? "1 day ago" : `${days} days ago`;
}

/** "1 event", "1,234 events". */
export function count(number: number, what: string): string {
  const digits = String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${digits} ${what}${number === 1 ? "" : "s"}`;
}

/** Bytes as a reader likes them: "812 B", "3.4 kB", "120 MB". */
export function size(bytes: number): string {
  let [value, unit] = [bytes, "B"];
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (value < 999.5) break;
    [value, unit] = [value / 1000, next];
  }
  return `${unit === "B" || value >= 9.95 ? Math.round(value) : value.toFixed(1)}\u00a0${unit}`;
}
