/**
 * One view of one stream, whatever the host: puts the parts together and nothing else.
 *
 * Events come from a `Link`, go through the `Painter` into the `Transcript`, which tells the
 * `Body` what to draw. The root element carries what tests and styles hold on to:
 * `data-swarm-stream`, `data-state`, `data-connection`, `data-received`, `data-missing`,
 * `data-doubled`.
 */

import { Body } from "./body.ts";
import { Controls } from "./controls.ts";
import { Delivery } from "./delivery.ts";
import { attrs, h, setAttribute, setText } from "./dom.ts";
import { decodeEvent, type Outcome } from "./events.ts";
import { Transcript } from "./fold.ts";
import { Header } from "./header.ts";
import type { Following, Link, LinkStatus, Watcher } from "./link.ts";
import { Pace } from "./pace.ts";
import { Painter } from "./paint.ts";
import { registry } from "./registry.ts";
import { Scroller } from "./scroll.ts";
import {
  type ConnectionWords,
  connectionWords,
  duration,
  runState,
  type Trouble,
} from "./status.ts";
import { styles } from "./styles.ts";
import { lag, type State } from "./subscriber.ts";
import { Timeline } from "./timeline.ts";
import { both, Track } from "./track.ts";
import { chunkWords } from "./transcript.ts";

export interface ViewOptions {
  readonly stream: string;
  readonly title: string;
  /** Whether to wait for a stream that the server does not have yet. */
  readonly wait: boolean;
  /** Address of a page with this stream alone, to be opened in a tab; none if left out. */
  readonly page?: string;
  /** The run was seen going on; called once. */
  running?(): void;
  /** All of the run was shown; called once. */
  ended?(transcript: Transcript): void;
  /** The stream cannot be shown. Return true if the host shows something else instead. */
  failed?(code: string, message: string): boolean;
  /** The link will not come back by itself. Return true as above. */
  stopped?(reason: "login" | "forbidden" | "absent"): boolean;
}

export interface View {
  readonly transcript: Transcript;
  dispose(): void;
}

/** How long a stream that is waited for may be absent before the view says so. */
const PATIENCE_MS = 10_000;
/** The head is drawn no more often while the view catches up. */
const HEAD_MS = 100;
/** How long a state that passes by itself may last before the view explains it. */
const PASSING_MS = 2000;

export function createView(root: HTMLElement, link: Link, options: ViewOptions): View {
  return new StreamView(root, link, options);
}

class StreamView implements View, Watcher {
  readonly transcript: Transcript;
  private readonly root: HTMLElement;
  private readonly body: Body;
  private readonly controls: Controls;
  private readonly header: Header;
  private readonly scroller: Scroller;
  private readonly live = attrs(h("div", "swst-live"), { "aria-live": "polite" });
  private readonly frame = h("div", "swst-frame");
  private readonly painter = new Painter(
    (event) => this.take(event),
    (count) => this.drew(count),
  );
  private readonly following: Following;
  private readonly pace = new Pace();
  private readonly delivery = new Delivery(LOOPBACK.test(location.hostname));
  private readonly track: Track;
  private readonly timeline: Timeline;
  private readonly clock: ReturnType<typeof setInterval>;
  private readonly bornAt = performance.now();

  private title: string;
  private subscription: State | null = null;
  private status: LinkStatus = { is: "connecting" };
  private trouble: Trouble | null = null;
  /** When the last event was drawn, on this page's clock. */
  private drawnAt = 0;
  /** Whether more is there than was drawn. */
  private isBehind = false;
  private headAt = 0;
  private sawRunning = false;
  /** What was last said of the connection, and since when. */
  private shown = "";
  private shownAt = 0;
  private disposed = false;

  constructor(
    host: HTMLElement,
    private readonly link: Link,
    private readonly options: ViewOptions,
  ) {
    this.title = options.title;
    this.controls = new Controls(
      (id, action, data) => this.following.control(id, action, data),
      (request, message) => this.body.refused(request, message),
      (text) => this.announce(text),
    );
    this.header = new Header(this.controls.element, this.controls.notice, options.page ?? "");
    this.body = new Body({
      reply: (request, text) => this.controls.reply(request, text),
      announce: (text) => this.announce(text),
      summary: () => this.summary(),
    });
    this.track = new Track(() => BAD.has(this.transcript.outcome));
    this.transcript = new Transcript(both(this.body, this.track));
    this.body.attach(this.transcript);
    this.scroller = new Scroller(this.body.element);
    this.timeline = new Timeline({
      link,
      stream: options.stream,
      track: this.track,
      lanes: () => this.transcript.lanes,
      isOver: () => this.transcript.outcome !== null,
      waited: () => this.waitedMs(performance.now()),
      announce: (text) => this.announce(text),
      past: (scroller, count) => this.lookBack(scroller, count),
    });
    this.root = h(
      "div",
      "swst-root",
      ...styles(),
      this.header.element,
      this.timeline.element,
      this.frame,
      this.live,
    );
    this.lookBack(null, 0);
    attrs(this.root, { "data-swarm-stream": options.stream });
    host.append(this.root);
    registry().set(options.stream, this.transcript);
    // Elapsed time, the reconnect's countdown and the rate change without events.
    this.clock = setInterval(() => this.transcript.outcome === null && this.painter.touch(), 1000);
    this.following = link.follow(options.stream, { wait: options.wait }, this);
    this.drawHead();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    clearInterval(this.clock);
    this.following.stop();
    this.timeline.dispose();
    this.painter.dispose();
    if (registry().get(this.options.stream) === this.transcript) {
      registry().delete(this.options.stream);
    }
    this.root.remove();
  }

  show(events: readonly unknown[]): Promise<void> | undefined {
    const { subscription } = this;
    // What the server held before this view came is no older for having been waited for.
    const behind = subscription === null ? 0 : lag(subscription);
    const isNew = subscription?.is === "live" && behind === 0;
    this.delivery.received(events.length, isNew && !document.hidden ? Date.now() : null);
    return this.painter.push(events, behind > events.length);
  }

  missing(from: number, to: number): void {
    // What came before the hole is drawn before it.
    this.painter.after(() => this.transcript.missed(from, to));
  }

  described(meta: Record<string, unknown>): void {
    const title = meta.title;
    if (typeof title === "string" && title !== "") this.title = title;
    this.trouble = null;
  }

  controlled(id: string, ok: boolean, message: string): void {
    this.controls.answered(id, ok, message);
  }

  ended(): void {
    this.painter.after(() => this.options.ended?.(this.transcript));
  }

  failed(code: string, message: string): void {
    this.trouble = { code, message };
    if (this.options.failed?.(code, message) === true) return;
    this.announce(`This view cannot go on: ${message}`);
    this.painter.touch();
  }

  moved(state: State): void {
    this.subscription = state;
    if (state.is === "live" && state.producer === "live" && !this.sawRunning) {
      this.sawRunning = true;
      this.options.running?.();
    }
    this.painter.touch();
  }

  linked(status: LinkStatus): void {
    this.status = status;
    if (status.is === "login" || status.is === "forbidden" || status.is === "absent") {
      if (this.options.stopped?.(status.is) === true) return;
    }
    this.painter.touch();
  }

  /** Tell those who do not look; the only region that does. */
  private announce(text: string): void {
    setText(this.live, text);
  }

  private take(body: unknown): void {
    const event = decodeEvent(body);
    this.track.next(event.t);
    this.delivery.drew(event.t);
    this.transcript.apply(event);
    if (event.type === "delta") this.pace.add(event.t || Date.now());
  }

  private drew(count: number): void {
    this.body.flush();
    const now = performance.now();
    const { subscription } = this;
    const isBehind =
      this.painter.isBehind || (subscription?.is === "live" && lag(subscription) > 0);
    this.body.hold(isBehind);
    if (count > 0 || isBehind !== this.isBehind) this.scroller.grew(isBehind);
    this.isBehind = isBehind;
    if (count > 0) this.drawnAt = now;
    // This is before the frame is painted; what is put off comes after.
    if (this.delivery.isWaiting) setTimeout(() => this.delivery.painted(Date.now()));
    // Nobody can read numbers that pass by, and each has the browser paint.
    if (isBehind && now - this.headAt < HEAD_MS) return;
    this.headAt = now;
    this.drawHead();
    this.timeline.update(now);
  }

  private drawHead(): void {
    const { transcript, subscription, root } = this;
    const now = performance.now();
    const connection = connectionWords(
      this.status,
      subscription,
      this.trouble,
      this.link.peer,
      now,
    );
    if (connection.is !== this.shown) this.shownAt = now;
    this.shown = connection.is;
    const explained = this.isExplained(connection, now);
    if (explained && !root.classList.contains("swst-away")) this.announce(connection.note);
    const isLive = connection.is === "live";
    // The log takes nothing, so the run waits, though no event can say so.
    const said = runState(transcript);
    const run = said === "running" && connection.is === "held" ? "paused" : said;
    const over = transcript.outcome !== null;
    const { received = 0, missing = 0, doubled = 0 } = subscription ?? {};
    this.header.draw({
      title: this.title || this.options.stream,
      run,
      connection,
      elapsed: transcript.count === 0 ? "" : duration(this.elapsedMs(now)),
      first: this.firstWords(),
      delivery: this.delivery.words(),
      tokens: tokenWords(transcript),
      chunks: transcript.deltas,
      rate: over || isLive ? this.chunkRate(now) : null,
      shape: this.pace.shape(),
      received,
      missing,
      doubled,
      note: explained ? connection.note : this.note(now),
    });
    this.controls.update({
      caps: transcript.caps,
      started: transcript.count > 0,
      over,
      paused: transcript.paused,
      stopping: transcript.stopping,
      connected: this.status.is === "open" && subscription?.is === "live",
      heard: subscription?.producer === "live",
    });
    root.classList.toggle("swst-away", explained);
    root.classList.toggle("swst-lost", explained && connection.how === "lost");
    setAttribute(root, "data-state", run);
    setAttribute(root, "data-connection", connection.is);
    // The DOM holds what was drawn, which may be a frame behind what was received.
    setAttribute(root, "data-received", String(transcript.count));
    setAttribute(root, "data-missing", String(missing));
    setAttribute(root, "data-doubled", String(doubled));
    setAttribute(this.scroller.element, "aria-busy", String(run === "running"));
  }

  /** By the producer's clock, and by ours since its last event. */
  private elapsedMs(now: number): number {
    const { first_t, last_t } = this.transcript;
    return (last_t ?? 0) - (first_t ?? 0) + this.waitedMs(now);
  }

  private waitedMs(now: number): number {
    return this.transcript.outcome === null ? now - this.drawnAt : 0;
  }

  private chunkRate(now: number): number | null {
    const { deltas, first_t, last_t, outcome } = this.transcript;
    if (deltas === 0 || first_t === null || last_t === null) return null;
    if (outcome === null) return this.pace.rate(last_t + this.waitedMs(now));
    return last_t - first_t < 1000 ? null : (1000 * deltas) / (last_t - first_t);
  }

  private isExplained({ note, how }: ConnectionWords, now: number): boolean {
    return note !== "" && (how !== "passing" || now - this.shownAt > PASSING_MS);
  }

  private note(now: number): string {
    // By which way it comes is known when it does.
    if (this.transcript.count > 0) return this.link.note;
    return now - this.bornAt > PATIENCE_MS && this.status.is === "open"
      ? "The server has nothing of this stream yet; it is shown here as soon as it begins."
      : "";
  }

  /** How long the reader of the run waited for its first text. */
  private firstWords(): string {
    const { first_t } = this.transcript;
    const { first } = this.pace;
    return first_t === null || first === null
      ? ""
      : `first text after ${duration(first - first_t)}`;
  }

  /** Show a transcript as it was after `count` events, or the live one again (null). */
  private lookBack(past: Scroller | null, count: number): void {
    const { element, latest } = past ?? this.scroller;
    if (element.parentNode !== this.frame) {
      // The page below must not move, however much or little there was then.
      if (past !== null) element.style.height = `${this.scroller.element.offsetHeight}px`;
      this.frame.replaceChildren(element, latest);
    }
    this.root.classList.toggle("swst-past", past !== null);
    if (past === null) this.root.removeAttribute("data-past");
    else setAttribute(this.root, "data-past", String(count));
  }

  private summary(): string {
    const { transcript } = this;
    const parts = [
      `after ${duration(this.elapsedMs(performance.now()))}`,
      chunkWords(transcript.deltas),
    ];
    const tokens = tokenWords(transcript);
    if (tokens !== "") parts.push(tokens);
    return parts.join(" · ");
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const BAD: ReadonlySet<Outcome | null> = new Set(["failed", "interrupted"] as const);

/** What the model's server counted, where it did. */
function tokenWords(transcript: Transcript): string {
  const lanes = [...transcript.lanes.values()];
  const prompt = lanes.reduce((sum, lane) => sum + (lane.prompt_tokens ?? 0), 0);
  const completion = lanes.reduce((sum, lane) => sum + (lane.completion_tokens ?? 0), 0);
  return prompt + completion === 0
    ? ""
    : `${prompt.toLocaleString("en")} prompt and ${completion.toLocaleString("en")} completion tokens`;
}
