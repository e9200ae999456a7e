/**
 * `window.__swarmStreams`: stream id → the `Transcript` that the newest view of it shows.
 *
 * For tests, and for anybody at the browser's console:
 * `__swarmStreams.get(id).textByLane()` is the text exactly as it was streamed.
 */

import type { Transcript } from "./fold.ts";

export function registry(): Map<string, Transcript> {
  // A global of our own, which no library declares.
  const page = globalThis as { __swarmStreams?: Map<string, Transcript> };
  page.__swarmStreams ??= new Map();
  return page.__swarmStreams;
}
