/**
 * The view's styles (`styles.ts` puts them into each root).
 *
 * Colours are the host's (JupyterLab, else VS Code, else the system's), so light and dark
 * follow it. A lane's colour is mixed with the text's, which keeps it readable in both.
 */

export const STYLE: string = `
.swst-root {
  --swst-bg: var(--jp-layout-color1, var(--vscode-editor-background, Canvas));
  --swst-fg: var(--jp-content-font-color1, var(--vscode-editor-foreground, CanvasText));
  --swst-soft: color-mix(in srgb, var(--swst-fg) 68%, var(--swst-bg));
  --swst-line: color-mix(in srgb, var(--swst-fg) 18%, var(--swst-bg));
  --swst-tint: color-mix(in srgb, var(--swst-fg) 5%, var(--swst-bg));
  --swst-accent: color-mix(in srgb, #1a73e8 72%, var(--swst-fg));
  --swst-good: color-mix(in srgb, #16803c 72%, var(--swst-fg));
  --swst-warn: color-mix(in srgb, #b35900 72%, var(--swst-fg));
  --swst-bad: color-mix(in srgb, #d02020 66%, var(--swst-fg));
  --swst-mono: var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace);
  box-sizing: border-box; position: relative; container-type: inline-size; max-width: 100%;
  margin: 2px 0; border: 1px solid var(--swst-line); border-radius: 8px; overflow: hidden;
  background: var(--swst-bg); color: var(--swst-fg);
  font: 13px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); overflow-wrap: anywhere;
}
.widget-box:not(.widget-vbox) > :has(> .swst-root) { width: 100%; min-width: 0; flex-shrink: 9999; }
.swst-root *, .swst-root *::before { box-sizing: border-box; }
.swst-root [hidden]:not([hidden="until-found"]) { display: none !important; }
.swst-head { padding: 8px 12px 7px; border-bottom: 1px solid var(--swst-line); background: var(--swst-tint); }
.swst-head-row { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; }
.swst-head-row:first-child { min-height: 26px; }
.swst-title { font-weight: 600; font-size: 14px; min-width: 0; }
.swst-badge { font-size: 12px; white-space: nowrap; }
.swst-run { padding: 0 8px; border-radius: 10px; border: 1px solid currentColor; color: var(--swst-accent); }
[data-state="completed"] .swst-run { color: var(--swst-good); }
[data-state="failed"] .swst-run, [data-state="interrupted"] .swst-run { color: var(--swst-bad); }
[data-state="paused"] .swst-run, [data-state="waiting"] .swst-run, [data-state="cancelled"] .swst-run { color: var(--swst-warn); }
[data-state="starting"] .swst-run { color: var(--swst-soft); }
.swst-link { display: inline-flex; align-items: center; gap: 5px; color: var(--swst-soft); }
.swst-dot { width: 8px; height: 8px; border-radius: 50%; background: var(--swst-warn); flex: none; }
[data-connection="live"] .swst-dot { background: var(--swst-good); }
[data-connection="ended"] .swst-dot { background: var(--swst-soft); }
.swst-away:not([data-state="paused"]) .swst-run { color: var(--swst-soft); }
.swst-away .swst-connection { color: var(--swst-warn); font-weight: 600; }
.swst-lost[data-state="starting"] .swst-run, .swst-lost .swst-list:empty { display: none; }
.swst-lost .swst-dot { background: var(--swst-bad); }
.swst-lost .swst-connection { color: var(--swst-bad); }
.swst-facts { margin-top: 2px; font-size: 12px; color: var(--swst-soft); font-variant-numeric: tabular-nums; gap: 0 14px; }
.swst-facts span:empty, .swst-curve:has([d=""]) { display: none; }
.swst-pace { display: inline-flex; align-items: center; gap: 6px; }
.swst-curve { width: 60px; height: 14px; fill: color-mix(in srgb, var(--swst-accent) 55%, var(--swst-bg)); }
.swst-open { margin-left: auto; color: inherit; }
.swst-bad { color: var(--swst-bad); font-weight: 600; }
.swst-note, .swst-notice, .swst-timeline-note { font-size: 12px; color: var(--swst-soft); }
.swst-away .swst-note { margin-top: 5px; padding: 3px 8px; border-radius: 4px; color: var(--swst-fg); background: var(--swst-bg); box-shadow: inset 3px 0 var(--swst-warn); }
.swst-lost .swst-note { box-shadow: inset 3px 0 var(--swst-bad); }
.swst-notice { color: var(--swst-bad); }
.swst-note:empty, .swst-notice:empty, .swst-timeline-note:empty { display: none; }
.swst-controls { display: flex; gap: 6px; margin-left: auto; }
.swst-button, .swst-latest, .swst-copy {
  font: inherit; font-size: 12px; line-height: 20px; padding: 1px 10px; cursor: pointer;
  color: var(--swst-fg); background: var(--swst-bg); border: 1px solid var(--swst-line); border-radius: 5px;
}
.swst-button:hover, .swst-latest:hover, .swst-copy:hover { border-color: var(--swst-soft); }
.swst-button[aria-disabled="true"] { cursor: not-allowed; color: var(--swst-soft); background: transparent; }
.swst-cancel:not([aria-disabled="true"]) { color: var(--swst-bad); }
.swst-primary { color: #fff; background: #1763c6; border-color: #1763c6; }
.swst-root :focus-visible { outline: 2px solid var(--swst-accent); outline-offset: 1px; }
.swst-timeline { padding: 4px 12px 6px; border-bottom: 1px solid var(--swst-line); }
.swst-timeline[open] > summary { margin-bottom: 4px; }
.swst-map { display: grid; grid-template-columns: fit-content(30%) minmax(0, 1fr); max-height: 172px; overflow-y: auto; }
.swst-map-names { min-width: 26px; }
.swst-map-names > div { display: flex; align-items: center; height: var(--swst-row); padding: 0 8px 0 calc(8px * var(--swst-depth, 0)); font-size: min(11px, var(--swst-row) - 1px); line-height: 1; color: var(--swst-soft); }
.swst-map-names bdi { min-width: 0; overflow-x: clip; text-overflow: ellipsis; white-space: nowrap; }
.swst-map .swst-avatar { width: calc(var(--swst-row) - 3px); height: calc(var(--swst-row) - 3px); margin-right: 5px; font-size: min(9px, var(--swst-row) - 5px); }
.swst-map-plot { position: relative; cursor: pointer; }
.swst-map svg { display: block; width: 100%; background: repeating-linear-gradient(var(--swst-tint) 0 calc(var(--swst-row) - 1px), var(--swst-bg) 0 var(--swst-row)); }
.swst-bar { opacity: .85; } .swst-bar-reasoning { opacity: .5; }
.swst-bar-tool { fill-opacity: .25; stroke: var(--swst-fg); vector-effect: non-scaling-stroke; opacity: .6; }
.swst-bar-input { fill: var(--swst-warn); }
.swst-bar-failed { fill: var(--swst-bad); }
.swst-map-arrow, .swst-map-select { fill: none; stroke: var(--swst-soft); vector-effect: non-scaling-stroke; }
.swst-map-arrow { stroke: var(--swst-fg); stroke-width: 1.5; }
.swst-map-cursor { position: absolute; top: 0; bottom: 0; width: 0; border-left: 2px solid var(--swst-accent); pointer-events: none; }
.swst-slider { grid-column: 2; position: sticky; bottom: 0; width: 100%; margin: 3px 0; accent-color: var(--swst-accent); }
.swst-scrub { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; }
.swst-speed { font: inherit; font-size: 12px; color: inherit; background: var(--swst-bg); border: 1px solid var(--swst-line); border-radius: 5px; height: 24px; }
.swst-clock { margin-left: auto; font-size: 12px; color: var(--swst-soft); font-variant-numeric: tabular-nums; }
.swst-past .swst-frame { box-shadow: inset 0 3px var(--swst-accent); }
.swst-frame { position: relative; }
.swst-scroll { max-height: 480px; min-height: 24px; overflow: auto; resize: vertical; overflow-anchor: none; overscroll-behavior: auto; padding: 10px 12px; }
.swst-list { display: flow-root; }
.swst-list:empty::before { content: "Nothing yet."; color: var(--swst-soft); }
.swst-reading { overflow-anchor: auto; }
.swst-part { display: flow-root; contain-intrinsic-size: auto 800px; overflow-clip-margin: 8px; }
.swst-part:not(:last-child) { content-visibility: auto; }
.swst-part.swst-held { content-visibility: hidden; }
.swst-code .swst-part, .swst-table .swst-part { width: max-content; min-width: 100%; }
.swst-code .swst-part { contain-intrinsic-size: auto 1800px; }
.swst-table .swst-part { contain-intrinsic-size: auto 5000px; }
.swst-latest { position: absolute; right: 22px; bottom: 10px; border-radius: 12px; box-shadow: 0 1px 5px rgb(0 0 0 / 25%); }
.swst-live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.swst-turn { margin: 0 0 12px calc(14px * var(--swst-depth, 0)); }
.swst-turn-head { display: flex; align-items: center; flex-wrap: wrap; margin-bottom: 3px; }
.swst-abreast { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(250px, 100%), 1fr)); gap: 0 16px; align-items: start; }
.swst-turn { min-width: 0; }
.swst-avatar { display: inline-grid; place-items: center; width: 20px; height: 20px; margin-right: 8px; border-radius: 50%; background: var(--swst-lane); color: #fff; font-size: 11px; font-weight: 700; line-height: 1; flex: none; }
.swst-name { font-weight: 600; color: color-mix(in srgb, var(--swst-lane) 62%, var(--swst-fg)); }
.swst-path { color: var(--swst-soft); white-space: pre; }
.swst-turn-body { margin-left: 9px; padding-left: 18px; border-left: 2px solid color-mix(in srgb, var(--swst-lane) 45%, var(--swst-bg)); }
.swst-turn-body > .swst-part + .swst-part, .swst-turn-body > .swst-part > * + * { margin-top: 6px; }
.swst-task { margin: 0 0 12px; padding: 6px 10px; border-radius: 6px; background: var(--swst-tint); }
.swst-kind { display: inline-block; margin-right: 8px; font-size: 11px; color: var(--swst-soft); text-transform: uppercase; letter-spacing: .04em; }
.swst-line { margin: 0 0 10px; font-size: 12px; color: var(--swst-soft); }
.swst-line-handoff { font-weight: 600; }
.swst-line-handoff::before { content: "handed over: "; font-weight: 400; }
.swst-line-gap { padding: 5px 10px; border-radius: 5px; color: var(--swst-bad); border: 1px dashed currentColor; }
.swst-md > :first-child { margin-top: 0; }
.swst-md > :last-child { margin-bottom: 0; }
.swst-md p, .swst-md ul, .swst-md ol, .swst-md blockquote, .swst-code, .swst-table, .swst-md hr { margin: 0 0 8px; }
.swst-md ul, .swst-md ol { padding-left: 22px; }
.swst-md li > ul, .swst-md li > ol { margin-bottom: 0; }
.swst-md .swst-h { margin: 12px 0 6px; line-height: 1.3; font-weight: 600; font-size: 13px; color: inherit; }
.swst-md .swst-h1 { font-size: 17px; } .swst-md .swst-h2 { font-size: 15px; } .swst-md .swst-h3 { font-size: 14px; }
.swst-md blockquote { padding-left: 10px; border-left: 3px solid var(--swst-line); color: var(--swst-soft); }
.swst-md hr { border: 0; border-top: 1px solid var(--swst-line); }
.swst-md a { color: var(--swst-accent); text-decoration: underline; unicode-bidi: isolate; }
.swst-host { color: var(--swst-soft); font-size: .9em; direction: ltr; unicode-bidi: isolate; }
.swst-md img, .swst-image { max-width: 100%; max-height: 360px; }
.swst-md code, .swst-data, .swst-math { font-family: var(--swst-mono); font-size: 12px; }
.swst-set { font: inherit; }
.swst-tex { font-size: 0; }
.swst-math:not(.swst-set) .swst-drawn { position: absolute; visibility: hidden; }
.swst-drawn { display: inline-block; overflow: clip; overflow-clip-margin: 4px; user-select: none; -webkit-user-select: none; }
.swst-drawn:has(> [display="true"]) { display: block; overflow: auto hidden; }
.swst-drawn > [display="true"] { margin: 4px 0 !important; }
.swst-md :not(pre) > code { padding: 1px 4px; border-radius: 3px; background: var(--swst-tint); }
.swst-code { border: 1px solid var(--swst-line); border-radius: 6px; overflow: hidden; }
.swst-code-head { display: flex; justify-content: space-between; align-items: center; padding: 1px 4px 1px 10px; font-size: 11px; color: var(--swst-soft); background: var(--swst-tint); }
.swst-copy { border-color: transparent; background: transparent; font-size: 11px; color: var(--swst-soft); padding: 0 6px; }
.swst-code pre, .swst-data { margin: 0; padding: 8px 10px; overflow: auto; white-space: pre; color: inherit; background: transparent; border: 0; line-height: 1.45; }
.swst-data { max-height: 280px; white-space: pre-wrap; border-radius: 5px; background: var(--swst-tint); }
.swst-code pre { font: 12px/1.57 var(--swst-mono); }
.swst-code pre code { padding: 0; background: none; color: inherit; }
.swst-table { overflow-x: auto; }
.swst-md .swst-like { border-top-style: hidden; }
.swst-md > .swst-part:last-child > :last-child { margin-bottom: 0; }
.swst-md .swst-part > .swst-h:first-child { margin-top: 4px; }
.swst-md ul:has(+ ul.swst-part), .swst-md ol:has(+ ol.swst-part) { margin-bottom: 0; }
.swst-md table { border-collapse: collapse; font-size: 12px; margin: 0; }
.swst-md th, .swst-md td { overflow-wrap: break-word; padding: 3px 9px; border: 1px solid var(--swst-line); text-align: left; background: none; }
.swst-md [align=right] { text-align: right; }
.swst-md [align=center] { text-align: center; }
.swst-md th { background: var(--swst-tint); }
.swst-root details > summary, .swst-fold { cursor: pointer; font-size: 12px; color: var(--swst-soft); list-style: none; display: flex; gap: 6px; min-width: 0; align-items: baseline; }
.swst-root details > summary::-webkit-details-marker { display: none; }
.swst-root details > summary::before, .swst-fold::before { content: "▸"; flex: none; font-size: 10px; }
.swst-root details[open] > summary::before, .swst-fold[aria-expanded="true"]::before { content: "▾"; }
.swst-fold { width: 100%; padding: 0; border: 0; background: none; font-family: inherit; line-height: inherit; text-align: left; }
.swst-root [hidden="until-found"] { padding: 0; }
.swst-root .swst-think-label { flex: none; }
.swst-preview, .swst-tool-args, .swst-tool-status { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.swst-preview { font-style: italic; }
.swst-think-body { padding: 4px 0 4px 16px; white-space: pre-wrap; color: var(--swst-soft); }
.swst-tool-name { font-family: var(--swst-mono); font-weight: 600; color: var(--swst-fg); flex: none; }
.swst-tool-args { font-family: var(--swst-mono); flex: 0 1 auto; }
.swst-tool-status { flex: 0 1 auto; max-width: 60%; }
.swst-tool-body { padding: 4px 0 4px 16px; }
.swst-block + .swst-block { margin-top: 6px; }
.swst-block-label { font-size: 11px; color: var(--swst-soft); }
.swst-tool.swst-error .swst-tool-status, .swst-tool.swst-error .swst-tool-name, .swst-tool.swst-error .swst-result .swst-data { color: var(--swst-bad); }
.swst-cut { font-size: 12px; color: var(--swst-warn); }
.swst-cut::before { content: "✂ "; }
.swst-input { padding: 8px 10px; border-radius: 6px; border: 1px solid var(--swst-line); }
.swst-line-finish { color: var(--swst-warn); }
.swst-asking { border-color: var(--swst-warn); box-shadow: inset 3px 0 var(--swst-warn); }
.swst-answer { margin-top: 6px; }
.swst-reply textarea { display: block; width: 100%; resize: vertical; padding: 5px 8px; font: inherit; color: inherit; background: var(--swst-bg); border: 1px solid var(--swst-soft); border-radius: 5px; }
.swst-reply-foot { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: 6px; }
.swst-hint { font-size: 11px; color: var(--swst-soft); }
.swst-end { padding: 6px 10px; border-radius: 6px; font-size: 12px; color: var(--swst-soft); background: var(--swst-tint); box-shadow: inset 3px 0 var(--swst-soft); }
.swst-end strong { text-transform: capitalize; }
.swst-is-completed { box-shadow: inset 3px 0 var(--swst-good); } .swst-is-completed strong { color: var(--swst-good); }
.swst-is-failed, .swst-is-interrupted { box-shadow: inset 3px 0 var(--swst-bad); }
.swst-is-failed strong, .swst-is-interrupted strong, .swst-error-text { color: var(--swst-bad); }
.swst-is-cancelled { box-shadow: inset 3px 0 var(--swst-warn); } .swst-is-cancelled strong { color: var(--swst-warn); }
.swst-error-text { font-family: var(--swst-mono); white-space: pre-wrap; }
.swst-traceback { margin-top: 4px; }
.swst-static { padding: 10px 12px; }
@media (prefers-reduced-motion: no-preference) {
  [data-state="running"][data-connection="live"] .swst-dot { animation: swst-pulse 2s ease-in-out infinite; }
}
@keyframes swst-pulse { 50% { opacity: .35; } }
@media (forced-colors: active) { .swst-avatar, .swst-dot { forced-color-adjust: none; } }
@container (max-width: 560px) {
  .swst-controls { margin-left: 0; width: 100%; }
  .swst-turn-body { margin-left: 4px; padding-left: 10px; }
  .swst-scroll { padding: 8px; }
  .swst-hint { display: none; }
}
`;
