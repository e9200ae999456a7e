/** The package's version; the build puts it in (see `build.mjs`). */

declare const __SWARM_STREAM_VERSION__: string | undefined;

export const VERSION =
  typeof __SWARM_STREAM_VERSION__ === "string" ? __SWARM_STREAM_VERSION__ : "dev";
