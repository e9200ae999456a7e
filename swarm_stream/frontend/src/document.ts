/**
 * A transcript as a whole HTML document, to be saved as a file. Pure.
 *
 * Twin of `to_document` in `swarm_stream/views/document.py`; both are held to
 * `tests/vectors/document`. Change them together.
 */

import type { Transcript } from "./fold.ts";
import { oneLine } from "./plain.ts";
import { escapeHtml, toHtml } from "./static.ts";

/** The end of the year 9999: later times are no dates to both twins. */
const LAST_MS = 253_402_300_800_000;

/** `said` as in `toHtml`. */
export function toDocument(
  transcript: Transcript,
  stream: string,
  title: string,
  said?: (text: string) => string,
): string {
  const named = escapeHtml(oneLine(title || stream));
  const begun = dateOf(transcript.first_t ?? 0);
  const facts = escapeHtml([`stream ${stream}`, begun].filter((fact) => fact !== "").join(" · "));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta http-equiv="x-dns-prefetch-control" content="off">
<title>${named}</title>
</head>
<body style="max-width:880px;margin:24px auto;padding:0 16px;font-family:system-ui,sans-serif">
<h1 style="font-size:22px;margin:0 0 4px;overflow-wrap:anywhere">${named}</h1>
<p style="font-size:13px;margin:0 0 16px;opacity:.75;overflow-wrap:anywhere">${facts}</p>
${toHtml(transcript, said)}</body>
</html>
`;
}

/** In UTC, so that a file says the same wherever it was made. */
function dateOf(ms: number): string {
  if (!(ms > 0 && ms < LAST_MS)) return "";
  return `begun ${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
