/**
 * A page that is reloaded while it shows a live view connects before it has drawn its notebook.
 *
 * Jupyter takes a second or two to draw; the questions to the server fit into that time.
 */

import { pageBaseUrl, pageSocket } from "./socket.ts";

/** In the tab's own storage, which a reload keeps. */
const KEY = "swarm_stream.live";

/** This page shows a run that goes on. */
export function remember(): void {
  withStorage((storage) => storage.setItem(KEY, "1"));
}

/** Connect, if this page showed a run that went on when it was left. */
export function warmUp(): void {
  withStorage((storage) => {
    const base = pageBaseUrl();
    if (storage.getItem(KEY) === null || base === null) return;
    storage.removeItem(KEY);
    pageSocket(base).warm();
  });
}

function withStorage(use: (storage: Storage) => void): void {
  let storage: Storage;
  try {
    storage = globalThis.sessionStorage;
  } catch {
    // Some browsers are told to keep nothing; then a reload takes a few tenths of a second more.
    return;
  }
  use(storage);
}
