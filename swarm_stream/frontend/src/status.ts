/** What the header says of a run and of the connection, as words and as attributes. Pure. */

import type { Transcript } from "./fold.ts";
import type { LinkStatus, Peer } from "./link.ts";
import { lag, type State } from "./subscriber.ts";

export type RunState =
  | "starting"
  | "running"
  | "paused"
  | "waiting"
  | "completed"
  | "cancelled"
  | "failed"
  | "interrupted";

export const RUN_WORDS: { readonly [K in RunState]: string } = {
  starting: "starting",
  running: "running",
  paused: "paused",
  waiting: "waiting for you",
  completed: "completed",
  cancelled: "cancelled",
  failed: "failed",
  interrupted: "interrupted",
};

export function runState(transcript: Transcript): RunState {
  if (transcript.outcome !== null) return transcript.outcome;
  if (transcript.count === 0) return "starting";
  if (transcript.waiting.length > 0) return "waiting";
  return transcript.paused ? "paused" : "running";
}

export interface ConnectionWords {
  /** `data-connection` of the view. */
  readonly is: string;
  readonly words: string;
  /** What is going on and what to do, in full; "" where the words are enough. */
  readonly note: string;
  /** Whether the note waits for a moment: what passes by itself need not be read. */
  readonly passing: boolean;
}

/** A viewer that is fewer events behind than this is called live. */
const LIVE_LAG = 50;

export interface Trouble {
  readonly code: string;
  readonly message: string;
}

const AGAIN = "It is tried again by itself, and then the view goes on where it was.";
const NO_ANSWER: { readonly [K in Peer]: string } = {
  server: `The Jupyter server does not answer. ${AGAIN}`,
  kernel: `The kernel does not answer; it may be busy, asleep or gone. ${AGAIN}`,
};

export function connectionWords(
  link: LinkStatus,
  state: State | null,
  trouble: Trouble | null,
  peer: Peer,
  now: number,
): ConnectionWords {
  if (state?.is === "closed") return say("ended", "ended");
  const again = (state?.received ?? 0) > 0;
  switch (link.is) {
    case "login":
      return say(
        "login",
        "log in again",
        "Jupyter does not accept this page's login any more. Log in again in another tab and " +
          "come back to this one: the view then goes on where it was.",
      );
    case "forbidden":
      return say(
        "forbidden",
        "not allowed",
        "The server does not let you read runs. Ask whoever looks after it.",
      );
    case "absent":
      return say(
        "absent",
        "no extension",
        "This Jupyter server has no swarm_stream extension. Install swarm_stream where the " +
          "server runs, start it again and reload the page.",
      );
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((link.until - now) / 1000));
      const words = again ? "reconnecting" : "connecting";
      const shown = seconds > 1 ? `${words} in ${seconds} s` : words;
      return passing(words, shown, NO_ANSWER[peer]);
    }
    case "connecting": {
      const words = again ? "reconnecting" : "connecting";
      return passing(words, words, NO_ANSWER[peer]);
    }
    case "open":
      return subscriptionWords(state, trouble);
    default:
      return link satisfies never;
  }
}

function subscriptionWords(state: State | null, trouble: Trouble | null): ConnectionWords {
  if (trouble !== null) return say("failed", "cannot resume", troubleNote(trouble));
  if (state === null || state.is !== "live") {
    return passing("joining", "connecting", "The server has not told yet what it has of this run.");
  }
  const behind = lag(state);
  if (behind > LIVE_LAG) return say("catching-up", `catching up ${behind}`);
  if (state.notice !== "") {
    return say(
      "held",
      "held up",
      `${sentence(state.notice)} The run waits for that, and then goes on by itself.`,
    );
  }
  if (state.producer === "none") {
    return say(
      "no-producer",
      "kernel not connected",
      "Nobody is at work on this run now. If its kernel comes back, it goes on here.",
    );
  }
  if (state.producer === "stalled") {
    return passing(
      "stalled",
      "kernel not heard",
      "Nothing is heard from the kernel; it may be asleep, cut off or restarting. Everything it " +
        "said until then is here. If it comes back, the run goes on here.",
    );
  }
  return say("live", "live");
}

function troubleNote({ code, message }: Trouble): string {
  const next = code === "log_lost" || code === "hole";
  return next
    ? `${sentence(message)} What is shown here stays until you reload the page, which shows what the server has now.`
    : sentence(message);
}

function say(is: string, words: string, note = ""): ConnectionWords {
  return { is, words, note, passing: false };
}

function passing(is: string, words: string, note: string): ConnectionWords {
  return { is, words, note, passing: true };
}

/** A message of a program, as a sentence for people. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Seconds, as a reader likes them: 12.3 s, 4 min 5 s. */
export function duration(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  if (tenths < 600) return `${Math.floor(tenths / 10)}.${tenths % 10} s`;
  const seconds = Math.floor(tenths / 10);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Chunks in the last few seconds of the producer's clock. */
export class Rate {
  private readonly seconds: { at: number; count: number }[] = [];

  add(t: number, count: number): void {
    const at = Math.floor(t / 1000);
    const last = this.seconds.at(-1);
    if (last !== undefined && last.at === at) last.count += count;
    else this.seconds.push({ at, count });
    while (this.seconds.length > 5) this.seconds.shift();
  }

  /** Chunks a second, as of `t`. */
  at(t: number): number {
    const first = this.seconds[0];
    if (first === undefined) return 0;
    const now = Math.floor(t / 1000);
    const counted = this.seconds.filter(({ at }) => at > now - 5);
    const total = counted.reduce((sum, { count }) => sum + count, 0);
    return total / Math.min(5, Math.max(1, now - first.at + 1));
  }
}
