/** What a view needs of whatever carries its frames. `socket.ts` and `comm.ts` give it. */

import type { ControlAction } from "./frames.ts";
import type { State } from "./subscriber.ts";

/** Who is at the other end of a link. */
export type Peer = "server" | "kernel";

/** How the way to the server is. */
export type LinkStatus =
  | { readonly is: "connecting" }
  | { readonly is: "open" }
  /** `until` is in ms of `performance.now()`. */
  | { readonly is: "waiting"; readonly until: number }
  | { readonly is: "login" | "forbidden" | "absent" };

/** One view of one stream. Called in order; no call may wait or throw. */
export interface Watcher {
  /** Take consecutive events. A promise asks to be given no more until it resolves. */
  show(events: readonly unknown[]): Promise<void> | undefined;
  missing(from: number, to: number): void;
  described(meta: Record<string, unknown>): void;
  controlled(id: string, ok: boolean, message: string): void;
  ended(): void;
  failed(code: string, message: string): void;
  /** The subscription's state changed; called after everything else of a step. */
  moved(state: State): void;
  linked(status: LinkStatus): void;
}

export interface Following {
  /** Ask the run for something. Answered by `Watcher.controlled` with the same id. */
  control(id: string, action: ControlAction, data: unknown): void;
  /** Stop watching. The run does not notice. */
  stop(): void;
}

export interface Link {
  readonly peer: Peer;
  /** What the header says once about how the frames come; "" if nothing is unusual. */
  readonly note: string;
  follow(stream: string, options: { wait: boolean }, watcher: Watcher): Following;
}
