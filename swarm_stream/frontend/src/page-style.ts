/** The plain page's own styles. Colours are the system's, so light and dark follow it. */

export const PAGE_STYLE: string = `
:root { color-scheme: light dark; }
body {
  --fg: CanvasText; --bg: Canvas;
  --soft: color-mix(in srgb, var(--fg) 66%, var(--bg));
  --line: color-mix(in srgb, var(--fg) 16%, var(--bg));
  --tint: color-mix(in srgb, var(--fg) 5%, var(--bg));
  --accent: color-mix(in srgb, #1a73e8 72%, var(--fg));
  --good: color-mix(in srgb, #16803c 72%, var(--fg));
  --warn: color-mix(in srgb, #b35900 72%, var(--fg));
  --bad: color-mix(in srgb, #d02020 75%, var(--fg));
  margin: 0; background: var(--bg); color: var(--fg);
  font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; }
.swsp-page { max-width: 1100px; margin: 0 auto; padding: 20px 24px 40px; }
.swsp-head { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 24px; margin-bottom: 4px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0; }
.swsp-search { font: inherit; flex: 1 1 220px; max-width: 420px; margin-left: auto; padding: 6px 12px; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 8px; }
.swsp-search:hover { border-color: var(--soft); }
.swsp-summary { margin: 0 0 12px; color: var(--soft); font-size: 13px; }
.swsp-summary:empty, .swsp-trouble:empty, .swsp-nothing:empty, .swsp-problem:empty { display: none; }
.swsp-trouble { margin: 0 0 14px; padding: 8px 12px; border-radius: 6px; background: var(--tint); box-shadow: inset 3px 0 var(--warn); }
.swsp-list { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
.swsp-list:empty { display: none; }
.swsp-line { display: grid; grid-template-columns: 128px minmax(0, 1fr) 190px 76px; align-items: center; gap: 2px 14px; padding: 10px 4px; border-bottom: 1px solid var(--line); }
.swsp-state { justify-self: start; padding: 0 9px; border: 1px solid currentColor; border-radius: 10px; font-size: 12px; white-space: nowrap; color: var(--soft); }
[data-state="live"] > .swsp-state { color: var(--accent); }
[data-state="completed"] > .swsp-state { color: var(--good); }
[data-state="failed"] > .swsp-state, [data-state="interrupted"] > .swsp-state { color: var(--bad); }
[data-state="waiting"] > .swsp-state, [data-state="paused"] > .swsp-state, [data-state="stalled"] > .swsp-state, [data-state="cancelled"] > .swsp-state { color: var(--warn); }
[data-state="waiting"] > .swsp-state { font-weight: 600; }
.swsp-title, .swsp-who { unicode-bidi: isolate; }
.swsp-title { font-weight: 600; color: inherit; text-decoration: none; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.swsp-title:hover, .swsp-title:focus-visible { text-decoration: underline; }
.swsp-about { display: flex; flex-wrap: wrap; gap: 0 10px; font-size: 12px; color: var(--soft); }
.swsp-about > :empty { display: none; }
.swsp-facts { display: flex; flex-direction: column; font-size: 12px; color: var(--soft); font-variant-numeric: tabular-nums; }
.swsp-facts > :empty { display: none; }
.swsp-button { font: inherit; font-size: 13px; line-height: 22px; padding: 2px 12px; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; cursor: pointer; text-decoration: none; white-space: nowrap; }
.swsp-button:hover { border-color: var(--soft); }
.swsp-button:disabled { cursor: default; opacity: .6; }
.swsp-delete { justify-self: end; color: var(--bad); }
.swsp-more { display: block; margin: 16px auto 0; }
.swsp-nothing { margin-top: 24px; color: var(--soft); }
.swsp-nothing pre { margin: 0; padding: 12px 14px; color: var(--fg); background: var(--tint); border-radius: 8px; font-size: 13px; white-space: pre-wrap; }
.swsp-dialog { width: min(440px, calc(100vw - 32px)); padding: 18px 20px; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 10px; box-shadow: 0 8px 40px rgb(0 0 0 / 30%); }
.swsp-dialog::backdrop { background: rgb(0 0 0 / 45%); }
.swsp-question { margin: 0 0 6px; font-weight: 600; }
.swsp-hint { margin: 0 0 14px; font-size: 13px; color: var(--soft); }
.swsp-problem { margin: 0 0 14px; font-size: 13px; color: var(--bad); }
.swsp-buttons { display: flex; justify-content: flex-end; gap: 10px; }
.swsp-danger { color: #fff; background: #b3261e; border-color: #b3261e; }
.swsp-unseen { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.swsp-one { display: flex; flex-direction: column; height: 100dvh; min-height: 420px; padding-top: 10px; padding-bottom: 12px; }
.swsp-bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 6px 16px; margin-bottom: 8px; }
.swsp-saving { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; font-size: 13px; color: var(--soft); }
.swsp-saving .swsp-button { line-height: 18px; padding: 2px 10px; color: var(--fg); }
.swsp-view { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.swsp-view.swsp-nothing { display: block; }
.swsp-view .swst-root { flex: 1; min-height: 0; margin: 0; display: flex; flex-direction: column; }
.swsp-view .swst-frame { flex: 1; min-height: 0; }
.swsp-view .swst-scroll { height: 100%; max-height: none; resize: none; }
@media (max-width: 720px) {
  .swsp-page { padding: 14px 14px 32px; }
  .swsp-search { margin-left: 0; max-width: none; flex-basis: 100%; font-size: 16px; }
  .swsp-line { grid-template-columns: minmax(0, 1fr) auto; padding: 12px 0; }
  .swsp-what, .swsp-facts { grid-column: 1 / -1; }
  .swsp-facts { flex-direction: row; flex-wrap: wrap; gap: 0 12px; }
  .swsp-delete { grid-area: 1 / 2; }
  .swsp-one { padding: 8px; }
  .swsp-saving, .swsp-saving .swsp-button { font-size: 12px; }
  .swsp-saving .swsp-button { padding: 2px 8px; }
}
@media (forced-colors: active) { .swsp-danger { forced-color-adjust: none; } }
`;
