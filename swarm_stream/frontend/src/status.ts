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
  /**
   * How bad it is. `fine`: as it should be. `passing`: it may be over in a moment, and what
   * passes by itself need not be read. `away`: the reader sees less than there is. `lost`:
   * somebody must do something.
   */
  readonly how: "fine" | "passing" | "away" | "lost";
}

/** A viewer that is fewer events behind than this is called live. */
const LIVE_LAG = 50;

export interface Trouble {
  readonly code: string;
  readonly message: string;
}

const NO_ANSWER: { readonly [K in Peer]: string } = {
  server: "The Jupyter server does not answer.",
  kernel: "The kernel does not answer; it may be busy, asleep or gone.",
};

export function connectionWords(
  link: LinkStatus,
  state: State | null,
  trouble: Trouble | null,
  peer: Peer,
  now: number,
): ConnectionWords {
  if (state?.is === "closed") return fine("ended", "ended");
  switch (link.is) {
    case "login":
      return lost(
        "login",
        "log in again",
        "Jupyter does not accept this page's login any more. Log in again in another tab and " +
          "come back to this one: the view then goes on where it was.",
      );
    case "forbidden":
      return lost(
        "forbidden",
        "not allowed",
        "The server does not let you read runs. Ask whoever looks after it.",
      );
    case "absent":
      return lost(
        "absent",
        "no extension",
        "This Jupyter server has no swarm_stream extension. Install swarm_stream where the " +
          "server runs, start it again and reload the page.",
      );
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((link.until - now) / 1000));
      return noAnswer(state, peer, seconds > 1 ? ` in ${seconds} s` : "");
    }
    case "connecting":
      return noAnswer(state, peer, "");
    case "open":
      return subscriptionWords(state, trouble);
    default:
      return link satisfies never;
  }
}

function noAnswer(state: State | null, peer: Peer, when: string): ConnectionWords {
  const again = (state?.received ?? 0) > 0;
  const then = again ? "It is tried again by itself, and then the view goes on where it was." : "";
  return {
    is: again ? "reconnecting" : "connecting",
    words: `${again ? "reconnecting" : "connecting"}${when}`,
    note: `${NO_ANSWER[peer]} ${then || "It is tried again by itself."}`,
    how: "passing",
  };
}

function subscriptionWords(state: State | null, trouble: Trouble | null): ConnectionWords {
  if (trouble !== null) {
    const words = trouble.code === "no_such_stream" ? "no such stream" : "cannot resume";
    return lost("failed", words, troubleNote(trouble));
  }
  if (state === null || state.is !== "live") {
    return {
      is: "joining",
      words: "connecting",
      note: "The server has not told yet what it has of this run.",
      how: "passing",
    };
  }
  const behind = lag(state);
  if (behind > LIVE_LAG) return fine("catching-up", `catching up ${behind}`);
  if (state.notice !== "") {
    return {
      is: "held",
      words: "held up",
      note: `${sentence(state.notice)} The run is paused until that is mended, and then goes on by itself.`,
      how: "away",
    };
  }
  if (state.producer === "none") {
    return {
      is: "no-producer",
      words: "kernel not connected",
      note: "Nobody is at work on this run now. If its kernel comes back, it goes on here.",
      how: "passing",
    };
  }
  if (state.producer === "stalled") {
    return {
      is: "stalled",
      words: "kernel not heard",
      note:
        "Nothing is heard from the kernel; it may be asleep, cut off or restarting. What reached " +
        "the server is all here, and if the kernel comes back, the run goes on here.",
      how: "passing",
    };
  }
  return fine("live", "live");
}

function troubleNote({ code, message }: Trouble): string {
  const next = code === "log_lost" || code === "hole";
  return next
    ? `${sentence(message)} What is shown here stays until you reload the page, which shows what the server has now.`
    : sentence(message);
}

function fine(is: string, words: string): ConnectionWords {
  return { is, words, note: "", how: "fine" };
}

function lost(is: string, words: string, note: string): ConnectionWords {
  return { is, words, note, how: "lost" };
}

/** A message of a program, as a sentence for people. */
export function sentence(text: string): string {
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
