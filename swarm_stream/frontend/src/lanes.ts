/** How lanes look and what they are called: colour, letter, path. */

import { attrs, h } from "./dom.ts";
import { shorten } from "./plain.ts";
import type { LaneState } from "./transcript.ts";

/** More of what holds a lane is not told: it would only be in the way. */
const MAX_PATH = 8;

/** Told apart in light and dark, also by most colour-blind readers (after Okabe and Ito). */
const COLOURS = [
  "#0072b2",
  "#c2570c",
  "#007f5f",
  "#a3478f",
  "#8a6d00",
  "#008293",
  "#b3392f",
  "#5b5fc7",
  "#4a8410",
  "#7a5230",
  "#dc1c84",
  "#a32fe0",
] as const;

export type Lanes = ReadonlyMap<number, LaneState>;

export function laneColour(lane: number | null): string {
  return lane === null ? "#767676" : (COLOURS.at(lane % COLOURS.length) ?? COLOURS[0]);
}

export function laneName(lanes: Lanes, lane: number | null): string {
  if (lane === null) return "earlier";
  return shorten(lanes.get(lane)?.name ?? `lane ${lane}`);
}

/**
 * The lanes that hold this one, outermost first, without it. A team that holds everything says
 * nothing about a lane, so an outermost team is left out.
 */
export function laneAncestors(lanes: Lanes, lane: number | null): LaneState[] {
  const path: LaneState[] = [];
  let parent = lane === null ? null : (lanes.get(lane)?.parent ?? null);
  while (parent !== null && path.length < MAX_PATH) {
    const state = lanes.get(parent);
    // A lane that would hold itself ends the path.
    if (state === undefined || path.includes(state)) break;
    path.unshift(state);
    parent = state.parent;
  }
  const outermost = path[0];
  return outermost?.parent === null && outermost.kind === "team" ? path.slice(1) : path;
}

/** First letter of a name, as a reader sees it. */
export function laneLetter(name: string): string {
  return ([...name.trim()][0] ?? "?").toUpperCase();
}

/** Head of a turn: avatar, path and name. */
export function laneHead(lanes: Lanes, lane: number | null): HTMLElement {
  const name = laneName(lanes, lane);
  const avatar = attrs(h("span", "swst-avatar", laneLetter(name)), { "aria-hidden": "true" });
  const path = laneAncestors(lanes, lane).map((outer) =>
    h("span", "swst-path", `${shorten(outer.name)} / `),
  );
  return h("div", "swst-turn-head", avatar, ...path, h("span", "swst-name", name));
}
