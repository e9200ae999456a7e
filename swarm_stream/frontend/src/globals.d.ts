/** What we put on the page (see `registry.ts`). */

import type { Transcript } from "./fold.ts";

declare global {
  interface Window {
    __swarmStreams?: Map<string, Transcript>;
  }
}
