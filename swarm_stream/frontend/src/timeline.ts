/**
 * The timeline below a view's head: the map of lanes, and a slider that takes the reader back.
 *
 * While nobody goes back it costs a few SVG paths twice a second, and nothing where it is folded.
 * Its right end is now, so that what is waited for is seen to last.
 */

import { attrs, h, setAttribute, setText } from "./dom.ts";
import { History } from "./history.ts";
import { type Lanes, laneName } from "./lanes.ts";
import type { Link } from "./link.ts";
import { LaneMap } from "./map.ts";
import { Past } from "./past.ts";
import { Scroller } from "./scroll.ts";
import { duration } from "./status.ts";
import type { Point, Track } from "./track.ts";

/** Between two drawings of the map. */
const REDRAW_MS = 500;
/** A player does not sit out longer waits than this. */
const PATIENCE_MS = 1500;
/** Events of one step where it plays as fast as it can. */
const MAX_EVENTS = 400;
const STEPS = 400;

export interface TimelineOptions {
  readonly link: Link;
  readonly stream: string;
  readonly track: Track;
  lanes(): Lanes;
  isOver(): boolean;
  /** Milliseconds since the last event, while the run goes on. */
  waited(): number;
  /** Something that a reader who does not look should hear. */
  announce(text: string): void;
  /** The transcript as it was is shown in place of the live one, or no more (null). */
  past(scroller: Scroller | null, count: number): void;
}

export class Timeline {
  readonly element: HTMLDetailsElement;
  private readonly slider = attrs(h("input", "swst-slider"), {
    type: "range",
    min: "0",
    "aria-label": "Time in the run",
  });
  private readonly map = new LaneMap(this.slider, (part) => this.seek(part * this.end));
  private readonly clock = h("span", "swst-clock");
  private readonly note = h("div", "swst-timeline-note");
  private readonly speed = attrs(h("select", "swst-speed"), { "aria-label": "Speed" });
  private readonly play = button("Play", "Play the run from here", () => this.toggle());
  private readonly error = button("Next error", "Go to the next error", () =>
    this.jump("error", 1),
  );
  private readonly back = button("Back to now", "Show the run as it is", () => this.leave());
  private history: History | null = null;
  private past: Past | null = null;
  private scroller: Scroller | null = null;
  /** Where the reader is, in ms of the story; null for now. */
  private at: number | null = null;
  /** The right end of what is drawn. */
  private end = 0;
  private frame = 0;
  private playing = 0;
  private playedAt = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  private wasOver = false;
  private touched = false;

  constructor(private readonly options: TimelineOptions) {
    for (const [value, words] of [
      ["1", "1×"],
      ["4", "4×"],
      ["max", "max"],
    ] as const) {
      this.speed.append(attrs(h("option", "", words), { value }));
    }
    const row = h(
      "div",
      "swst-scrub",
      this.play,
      this.speed,
      button("Previous turn", "Go back to where a turn began", () => this.jump("turn", -1)),
      button("Next turn", "Go to where the next turn began", () => this.jump("turn", 1)),
      this.error,
      this.clock,
      this.back,
    );
    const summary = h("summary", "", "Timeline");
    this.element = h("details", "swst-timeline", summary, this.map.element, row, this.note);
    summary.addEventListener("click", () => {
      this.touched = true;
    });
    this.element.addEventListener("toggle", () => this.draw(true));
    this.slider.addEventListener("input", () => {
      const { value, max } = this.slider;
      if (Number(value) < Number(max)) this.seek(Number(value));
      else this.leave();
    });
    this.element.hidden = true;
  }

  /** The run has gone on. */
  update(now: number): void {
    const { track } = this.options;
    if (track.spans.length === 0) return;
    this.element.hidden = false;
    if (!this.touched && new Set(track.spans.slice(0, 50).map(({ lane }) => lane)).size > 1) {
      this.touched = true;
      this.element.open = true;
    }
    const over = this.options.isOver();
    if (now - this.drawnAt >= REDRAW_MS || over !== this.wasOver) {
      this.drawnAt = now;
      this.wasOver = over;
      this.draw(false);
    }
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.playing);
    this.history?.stop();
  }

  private get length(): number {
    return this.options.track.length;
  }

  private draw(opened: boolean): void {
    if (!this.element.open) return;
    const { track, lanes } = this.options;
    // What a reader points at must not move away below the pointer.
    if (opened || (this.at ?? Number.POSITIVE_INFINITY) > this.end) {
      this.end = track.lengthAfter(this.options.waited());
      this.map.draw(track, lanes(), this.end);
    }
    const { end } = this;
    setAttribute(this.slider, "max", String(end));
    setAttribute(this.slider, "step", String(end / STEPS));
    this.slider.value = String(this.at ?? end);
    this.map.mark(this.at === null ? null : this.at / end);
    const [here, whole] = [duration(this.at ?? end), duration(end)];
    setText(this.clock, this.at === null ? whole : `${here} of ${whole}`);
    const speaker = this.at === null ? null : this.speakerAt(this.at);
    const who = speaker === null ? "" : `, ${laneName(lanes(), speaker)}`;
    setAttribute(this.slider, "aria-valuetext", this.at === null ? "now" : `${here}${who}`);
    this.error.hidden = !track.points.some(({ kind }) => kind === "error");
    this.back.hidden = this.at === null;
    setText(this.play, this.playing === 0 ? "Play" : "Halt");
    const { history } = this;
    const waiting = history !== null && history.count < this.wanted(history);
    const problem = history?.problem ? `The past cannot be shown: ${history.problem}` : "";
    if (problem !== "" && this.note.textContent !== problem) this.options.announce(problem);
    setText(this.note, problem || (waiting ? "Fetching the run's past…" : ""));
  }

  private speakerAt(time: number): number | null {
    const turns = this.options.track.points.filter(({ kind }) => kind === "turn");
    return turns.findLast((turn) => turn.time <= time)?.lane ?? null;
  }

  /** Show the run as it was at `time` ms of its story. */
  private seek(time: number): void {
    if (this.at === null) this.enter();
    this.at = time;
    this.later();
  }

  private enter(): void {
    const { link, stream } = this.options;
    this.history ??= new History(link, stream, () => this.later());
    this.past ??= new Past(this.history);
    this.scroller ??= new Scroller(this.past.element, "Transcript as it was");
  }

  /** Back to the live transcript. */
  private leave(): void {
    this.halt();
    this.at = null;
    this.history?.stop();
    this.history = null;
    this.past = null;
    this.scroller = null;
    this.options.past(null, 0);
    this.draw(true);
  }

  /** Draw with the next frame: a slider tells of more places than there are frames. */
  private later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.show();
    });
  }

  private show(): void {
    const { history, past, scroller, at } = this;
    if (history === null || past === null || scroller === null || at === null) return;
    const count = Math.min(this.wanted(history), history.count);
    past.show(count);
    this.options.past(scroller, count);
    scroller.follow();
    this.draw(false);
  }

  /** How many events there had been where the reader is. */
  private wanted(history: History): number {
    const { at } = this;
    if (at === null) return 0;
    const last = history.timeOf(history.count - 1);
    // Beyond what has come nobody knows the number, only that it is more.
    return at > last && at < this.length ? history.count + 1 : history.countAt(at);
  }

  private jump(kind: Point["kind"], direction: 1 | -1): void {
    const points = this.options.track.points.filter((point) => point.kind === kind);
    const here = this.at ?? Number.POSITIVE_INFINITY;
    const found =
      direction > 0
        ? (points.find(({ time }) => time > here) ?? (kind === "error" ? points[0] : undefined))
        : points.findLast(({ time }) => time < here);
    if (found !== undefined) this.seek(found.time);
  }

  private toggle(): void {
    if (this.playing !== 0) {
      this.halt();
      this.draw(false);
      return;
    }
    // From now there is nothing to play, so it begins at the beginning.
    this.seek(this.at === null || this.at >= this.length ? 0 : this.at);
    this.playedAt = performance.now();
    this.playing = requestAnimationFrame((now) => this.step(now));
  }

  private halt(): void {
    cancelAnimationFrame(this.playing);
    this.playing = 0;
  }

  private step(now: number): void {
    const { history, at } = this;
    if (history === null || at === null) return;
    this.playing = requestAnimationFrame((later) => this.step(later));
    const count = history.countAt(at);
    if (count >= history.count) {
      if (at < this.length && history.problem === "") return; // more is on its way
      if (this.options.isOver()) this.halt();
      else this.leave();
      this.draw(false);
      return;
    }
    const next = history.timeOf(count);
    const speed = this.speed.value;
    if (speed === "max") {
      this.at = history.timeOf(Math.min(history.count, count + MAX_EVENTS) - 1);
    } else {
      const forward = at + (now - this.playedAt) * Number(speed);
      this.at = Math.max(forward, next - PATIENCE_MS);
    }
    this.playedAt = now;
    this.show();
  }
}

function button(label: string, title: string, press: () => void): HTMLButtonElement {
  const element = attrs(h("button", "swst-button", label), { type: "button", title });
  element.addEventListener("click", press);
  return element;
}
