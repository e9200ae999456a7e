/** What the header says of a run and of the connection, as words and as attributes. Pure. */

import type { Transcript } from "./fold.ts";
import type { LinkStatus } from "./link.ts";
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
  /** More, on hovering. */
  readonly title: string;
}

/** A viewer that is fewer events behind than this is called live. */
const LIVE_LAG = 50;

export interface Trouble {
  readonly code: string;
  readonly message: string;
}

export function connectionWords(
  link: LinkStatus,
  state: State | null,
  trouble: Trouble | null,
  now: number,
): ConnectionWords {
  if (state?.is === "closed") return { is: "ended", words: "ended", title: "Everything was shown" };
  switch (link.is) {
    case "login":
      return {
        is: "login",
        words: "log in again",
        title: "The server no longer accepts this page's login. Log in, then reload the page.",
      };
    case "forbidden":
      return { is: "forbidden", words: "not allowed", title: "The server refuses this page." };
    case "absent":
      return {
        is: "absent",
        words: "no extension",
        title: "This Jupyter server has no swarm_stream extension.",
      };
    case "waiting": {
      const seconds = Math.max(0, Math.ceil((link.until - now) / 1000));
      return {
        is: "reconnecting",
        words: seconds > 0 ? `reconnecting in ${seconds} s` : "reconnecting",
        title: "The connection broke. The run does not notice, and nothing will be missing.",
      };
    }
    case "connecting":
      return {
        is: (state?.received ?? 0) > 0 ? "reconnecting" : "connecting",
        words: (state?.received ?? 0) > 0 ? "reconnecting" : "connecting",
        title: "",
      };
    case "open":
      return subscriptionWords(state, trouble);
    default:
      return link satisfies never;
  }
}

function subscriptionWords(state: State | null, trouble: Trouble | null): ConnectionWords {
  if (trouble !== null) return { is: "failed", words: "cannot resume", title: trouble.message };
  if (state === null || state.is !== "live") {
    return { is: "joining", words: "connecting", title: "Asked for the stream" };
  }
  const behind = lag(state);
  if (behind > LIVE_LAG) {
    return { is: "catching-up", words: `catching up ${behind}`, title: `${behind} events behind` };
  }
  if (state.producer === "none") {
    return {
      is: "no-producer",
      words: "kernel not connected",
      title: "Nobody produces this stream now. If its kernel comes back, it goes on here.",
    };
  }
  if (state.producer === "stalled") {
    return {
      is: "stalled",
      words: "kernel not heard",
      title: "The kernel has not been heard for a while. It may be asleep or cut off.",
    };
  }
  return { is: "live", words: "live", title: "Events are shown as they come" };
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
