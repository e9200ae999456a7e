/**
 * The map of a run: a row for each lane, what it was at when, and who handed over to whom.
 *
 * A few SVG paths, however long the run is: what is nearer than a pixel is drawn as one.
 */

import { attrs, h, setAttribute, svg } from "./dom.ts";
import { type Lanes, laneAncestors, laneColour, laneLetter, laneName } from "./lanes.ts";
import type { Point, Span, Track } from "./track.ts";

/** Units from left to right; they are stretched to the width that there is. */
const WIDTH = 1000;
/** Height of a row in pixels, and where there are many. */
const ROW = 18;
const LOW_ROW = 12;
const MANY = 7;
/** Height of a bar, as a part of its row's. */
const BAR = { text: 0.56, reasoning: 0.22, tool: 0.34, input: 0.56 } as const;

/** Lanes that have done anything, each after the one that holds it. */
export function rowsOf(track: Track, lanes: Lanes): number[] {
  const seen = new Set(track.spans.map(({ lane }) => lane));
  return [...seen].sort((a, b) => {
    const [one, other] = [orderOf(lanes, a), orderOf(lanes, b)];
    return one < other ? -1 : 1;
  });
}

/** Sorts as the lanes were announced, those inside another after it. */
function orderOf(lanes: Lanes, lane: number): string {
  const path = [...laneAncestors(lanes, lane).map((outer) => outer.lane), lane];
  return path.map((one) => String(one).padStart(8, "0")).join("/");
}

/** Bars of one row as an SVG path; `spans` are in the order of their beginnings. */
export function barsPath(spans: readonly Span[], y: number, height: number, length: number) {
  const parts: string[] = [];
  const scale = WIDTH / Math.max(length, 1e-9);
  let [from, to] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const put = () => {
    if (to < from || from < 0) return;
    parts.push(`M${round(from)} ${y}h${round(Math.max(to - from, 2))}v${height}H${round(from)}z`);
  };
  for (const span of spans) {
    const [begin, end] = [span.from * scale, (span.to ?? length) * scale];
    if (begin > to + 1) {
      put();
      [from, to] = [begin, end];
    } else to = Math.max(to, end);
  }
  put();
  return parts.join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export class LaneMap {
  readonly element: HTMLElement;
  private readonly names = h("div", "swst-map-names");
  private readonly drawing = attrs(svg("svg"), { preserveAspectRatio: "none" });
  private readonly cursor = h("div", "swst-map-cursor");
  private rows = "";
  private row = ROW;
  private length = 0;

  /** `slider` is put below the drawing. `seek` is called where a reader points to a time, as a part of the whole (0 to 1). */
  constructor(slider: HTMLElement, seek: (part: number) => void) {
    this.cursor.hidden = true;
    const plot = attrs(h("div", "swst-map-plot", this.drawing, this.cursor), {
      "aria-hidden": "true",
    });
    plot.addEventListener("click", (event) => {
      const box = plot.getBoundingClientRect();
      seek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    });
    this.element = h("div", "swst-map", this.names, plot, slider);
  }

  /** `length` is where the drawing ends, and with it what is still open. */
  draw(track: Track, lanes: Lanes, length: number): void {
    this.length = length;
    const rows = rowsOf(track, lanes);
    this.row = rows.length > MANY ? LOW_ROW : ROW;
    this.element.style.setProperty("--swst-row", `${this.row}px`);
    this.drawNames(rows, lanes);
    const height = Math.max(1, rows.length) * this.row;
    setAttribute(this.drawing, "viewBox", `0 0 ${WIDTH} ${height}`);
    setAttribute(this.drawing, "height", String(height));
    const byLane = new Map<number, Span[]>(rows.map((lane) => [lane, []]));
    for (const span of track.spans) byLane.get(span.lane)?.push(span);
    const shapes: SVGElement[] = [];
    for (const [index, lane] of rows.entries()) {
      const spans = byLane.get(lane) ?? [];
      for (const kind of ["reasoning", "text", "tool", "input"] as const) {
        const path = (failed: boolean) =>
          barsPath(
            spans.filter((span) => span.kind === kind && span.failed === failed),
            round((index + (1 - BAR[kind]) / 2) * this.row),
            round(BAR[kind] * this.row),
            length,
          );
        const bars = { fill: laneColour(lane), class: `swst-bar swst-bar-${kind}` };
        shapes.push(shape({ ...bars, d: path(false) }));
        if (kind === "tool") shapes.push(shape({ class: "swst-bar-failed", d: path(true) }));
      }
    }
    shapes.push(shape({ class: "swst-map-arrow", d: this.arrows(track, rows, lanes) }));
    shapes.push(shape({ class: "swst-map-select", d: this.selections(track, rows) }));
    this.drawing.replaceChildren(...shapes.filter((one) => one.getAttribute("d") !== ""));
  }

  /** Mark a time, as a part of the whole; null takes the mark away. */
  mark(part: number | null): void {
    this.cursor.hidden = part === null;
    if (part !== null) this.cursor.style.left = `${100 * part}%`;
  }

  private drawNames(rows: readonly number[], lanes: Lanes): void {
    const told = rows.map((lane) => `${lane} ${laneName(lanes, lane)}`).join("\n");
    if (told === this.rows) return;
    this.rows = told;
    this.names.replaceChildren(
      ...rows.map((lane) => {
        const name = laneName(lanes, lane);
        const avatar = attrs(h("span", "swst-avatar", laneLetter(name)), { "aria-hidden": "true" });
        const row = attrs(h("div", "", avatar, h("bdi", "", name)), { title: name });
        row.style.setProperty("--swst-lane", laneColour(lane));
        row.style.setProperty("--swst-depth", String(laneAncestors(lanes, lane).length));
        return row;
      }),
    );
  }

  private arrows(track: Track, rows: readonly number[], lanes: Lanes): string {
    const row = (lane: number | null) => rows.indexOf(lane ?? -1);
    const named = (name: string) => rows.findIndex((lane) => laneName(lanes, lane) === name);
    return this.points(track, "handoff", ({ lane, target }, x) => {
      const [from, to] = [row(lane), named(target)];
      if (from < 0 || to < 0 || from === to) return "";
      const tip = to > from ? to * this.row + 3 : (to + 1) * this.row - 3;
      const wing = to > from ? -4 : 4;
      return `M${x} ${(from + 0.5) * this.row}V${tip}m-4 ${wing}L${x} ${tip}l4 ${wing}`;
    });
  }

  private selections(track: Track, rows: readonly number[]): string {
    return this.points(track, "select", ({ lane }, x) => {
      const row = rows.indexOf(lane ?? -1);
      return row < 0 ? "" : `M${x} ${row * this.row + 2}v${this.row - 4}`;
    });
  }

  private points(
    track: Track,
    kind: Point["kind"],
    drawn: (point: Point, x: number) => string,
  ): string {
    const paths = new Set<string>();
    for (const point of track.points) {
      if (point.kind !== kind) continue;
      paths.add(drawn(point, Math.round((point.time / Math.max(this.length, 1e-9)) * WIDTH)));
    }
    return [...paths].join("");
  }
}

function shape(attributes: Record<string, string>): SVGElement {
  return attrs(svg("path"), attributes);
}
