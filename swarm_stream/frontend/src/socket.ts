/**
 * The page's one connection to its Jupyter server, shared by all views.
 *
 * It is found through a key on `globalThis`, so that the two bundles that a page may hold (the
 * front-end extension and the widget) share it too, if they are of one version. Obeys
 * `connection.ts`; opens when the first view follows a stream, closes when the last one leaves.
 */

import { Clock } from "./clock.ts";
import { type Connection, type Happening, nextTick, type Order, turn } from "./connection.ts";
import { isObject } from "./events.ts";
import { Followers } from "./followers.ts";
import { BadFrameError, type ClientFrame, CloseCode, decodeFrame, encodeFrame } from "./frames.ts";
import type { Following, Link, LinkStatus, Watcher } from "./link.ts";
import { VERSION } from "./version.ts";
import { openWire, type Wire } from "./wire.ts";

/** What `GET info` told. `status` is null without an answer; `server` is "" if not told. */
export interface ServerInfo {
  readonly status: number | null;
  readonly server: string;
}

const INFO_TIMEOUT_MS = 8000;
/** How long a page that was connected early may take to draw its first view. */
const WARM_MS = 20_000;

/** The base URL of the Jupyter server that this page came from, or null outside of one. */
export function pageBaseUrl(): string | null {
  const element = document.getElementById("jupyter-config-data");
  if (element === null) return null;
  try {
    const config: unknown = JSON.parse(element.textContent ?? "");
    const base = isObject(config) ? config.baseUrl : undefined;
    return typeof base === "string" ? base : "/";
  } catch {
    return null;
  }
}

/** The connection that all views of this page share. */
export function pageSocket(baseUrl: string): PageSocket {
  const key = Symbol.for(`swarm_stream.sockets@${VERSION}`);
  // A registry that other bundles made: same version, so the same class shape.
  const page = globalThis as { [key]?: Map<string, PageSocket> };
  page[key] ??= new Map();
  const sockets = page[key];
  const socket = sockets.get(baseUrl) ?? new PageSocket(baseUrl);
  sockets.set(baseUrl, socket);
  return socket;
}

export class PageSocket implements Link {
  readonly peer = "server";
  readonly note = "";
  private state: Connection = { is: "idle" };
  private wire: Wire | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked: Promise<ServerInfo> | undefined;
  /** The question whose answer the connection has not had yet. */
  private awaited: Promise<ServerInfo> | undefined;
  private readonly clock = new Clock();
  private readonly followers: Followers;

  constructor(private readonly baseUrl: string) {
    this.followers = new Followers(
      (frame) => this.send(frame),
      // A cell that is drawn again leaves and comes back at once: do not hang up for that.
      () => this.leaveIn(1000),
    );
    globalThis.addEventListener?.("online", () => this.happen({ type: "online" }));
    globalThis.document?.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.happen({ type: "seen" });
    });
  }

  /**
   * Ask the server who it is. A good answer is shared by all who ask until a socket closes,
   * which is when a server may be another one, or may let nobody in.
   */
  info(): Promise<ServerInfo> {
    if (this.asked !== undefined) return this.asked;
    const asked = fetchInfo(new URL(`${this.baseUrl}swarm-stream/info`, location.href)).then(
      (info) => {
        if (this.asked === asked && info.status !== 200) this.asked = undefined;
        return info;
      },
    );
    this.asked = asked;
    return asked;
  }

  /** Connect before there is a view: there will be one, once Jupyter has drawn its cell. */
  warm(): void {
    this.happen({ type: "wanted" });
    this.leaveIn(WARM_MS);
  }

  follow(stream: string, options: { wait: boolean }, watcher: Watcher): Following {
    // First, so that a new view is not told how an earlier attempt ended.
    this.happen({ type: "wanted" });
    return this.followers.follow(stream, options, watcher);
  }

  private leaveIn(ms: number): void {
    setTimeout(() => this.followers.size === 0 && this.happen({ type: "unwanted" }), ms);
  }

  private happen(happening: Happening): void {
    const before = this.state;
    const { state, orders } = turn(before, happening, {
      now: this.clock.now(),
      draw: Math.random(),
    });
    this.state = state;
    if (before.is === "open" && state.is !== "open") this.followers.lost();
    for (const order of orders) this.obey(order);
    if (state.is !== before.is) this.followers.linked(this.statusOf(state));
    if (before.is !== "open" && state.is === "open") this.followers.opened();
    clearTimeout(this.timer);
    const at = nextTick(this.state);
    if (at !== null) {
      this.timer = setTimeout(
        () => this.happen({ type: "tick" }),
        Math.max(0, at - this.clock.now()),
      );
    }
  }

  private obey(order: Order): void {
    switch (order) {
      case "ask":
        this.ask();
        return;
      case "open":
        this.open();
        return;
      case "close":
        this.wire?.close();
        this.wire = undefined;
        // A question that hangs must not be shared by whoever asks next.
        this.asked = this.awaited = undefined;
        return;
      case "heartbeat":
        this.wire?.send(encodeFrame({ op: "heartbeat", t: Date.now() }));
        return;
      default:
        order satisfies never;
    }
  }

  private ask(): void {
    // One that hangs has one of the browser's few connections to the server: it does for two.
    if (this.awaited !== undefined) return;
    const asked = this.info();
    this.awaited = asked;
    void asked.then(({ status }) => {
      // The answer to a question that was given up says nothing about the one after it.
      if (this.awaited !== asked) return;
      this.awaited = undefined;
      this.happen({ type: "info", status });
    });
  }

  private open(): void {
    const url = new URL(`${this.baseUrl}swarm-stream/ws`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    this.wire?.close();
    const wire = openWire(url.href, {
      opened: () => {
        // Why an earlier one did not open is of no use any more, and no reason to stop later.
        this.awaited = undefined;
        this.happen({ type: "opened" });
      },
      text: (data) => this.receive(data),
      closed: (code) => {
        if (this.wire === wire) this.wire = undefined;
        this.asked = undefined;
        this.happen({ type: "closed", code });
      },
    });
    this.wire = wire;
  }

  private receive(data: string): Promise<unknown> | undefined {
    this.happen({ type: "heard" });
    try {
      const frame = decodeFrame(data);
      return frame === null ? undefined : this.followers.receive(frame);
    } catch (error) {
      if (!(error instanceof BadFrameError)) throw error;
      this.wire?.close(CloseCode.notJson);
      this.wire = undefined;
      this.happen({ type: "closed", code: CloseCode.notJson });
      return undefined;
    }
  }

  private send(frame: ClientFrame): void {
    this.wire?.send(encodeFrame(frame));
    this.happen({ type: "sent" });
  }

  private statusOf(state: Connection): LinkStatus {
    switch (state.is) {
      case "open":
        return { is: "open" };
      case "waiting":
        return { is: "waiting", until: performance.now() + state.until - this.clock.now() };
      case "stopped":
        return { is: state.reason };
      case "idle":
      case "asking":
      case "opening":
        return { is: "connecting" };
      default:
        return state satisfies never;
    }
  }
}

async function fetchInfo(url: URL): Promise<ServerInfo> {
  try {
    const answer = await fetch(url, {
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(INFO_TIMEOUT_MS),
    });
    // A server that sends anonymous visitors to its login page answers 200 from there; Voilà
    // sends whoever asks for what it does not have to a list of files that may be read.
    if (answer.redirected) return { status: answer.url.includes("login") ? 403 : 404, server: "" };
    if (!answer.ok) return { status: answer.status, server: "" };
    const body: unknown = await answer.json().catch(() => null);
    // Some static hosts answer any address with a page.
    if (!isObject(body)) return { status: 404, server: "" };
    const server = body.server;
    return { status: answer.status, server: typeof server === "string" ? server : "" };
  } catch {
    return { status: null, server: "" };
  }
}
