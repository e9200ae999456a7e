/** Where things are on a Jupyter server. */

/** The plain page (`page.ts`), or a stream there. */
export function pageAddress(baseUrl: string, stream = ""): string {
  return `${baseUrl}swarm-stream/${stream === "" ? "" : `s/${encodeURIComponent(stream)}`}`;
}
