/**
 * The same frames through a widget's comm, where there is no extension in the server.
 *
 * Page to kernel: `{kind: "open" | "close", socket}`, `{kind: "frame", socket, text}` and, after
 * each frame was taken, `{kind: "ack", socket, n}`. Kernel to page: `{kind: "frame", socket, n,
 * text}` with n = 1, 2, 3 ... for each socket; the next one goes only after the ack of the one
 * before. So at most one frame is ever on its way, and neither Jupyter's output limits nor
 * ZeroMQ's high-water mark can drop any. If one is lost all the same (a gap in `n`, or silence),
 * the view opens a new socket and asks for what follows its cursor.
 *
 * Twin of `swarm_stream/views/widget.py`.
 */

import { isObject } from "./events.ts";
import { Followers } from "./followers.ts";
import { BadFrameError, type ClientFrame, decodeFrame, encodeFrame } from "./frames.ts";
import { deadline, isDue, isGone, type Pulse, pulseAt } from "./heartbeat.ts";
import { randomId } from "./ids.ts";
import type { Following, Link, Watcher } from "./link.ts";

/** The part of an anywidget model that this needs. */
export interface CommModel {
  send(content: unknown): void;
  on(event: "msg:custom", callback: (content: unknown) => void): void;
  off(event: "msg:custom", callback: (content: unknown) => void): void;
}

export class CommLink implements Link {
  readonly peer = "kernel";
  private socket = "";
  private expected = 1;
  private pulse: Pulse = pulseAt(0);
  private heard = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly followers: Followers;

  /** `answered` is called once, when the kernel's first frame comes. */
  constructor(
    private readonly model: CommModel,
    readonly note: string,
    private readonly answered: () => void = () => {},
  ) {
    this.followers = new Followers(
      (frame) => this.send(frame),
      () => {},
    );
    model.on("msg:custom", this.receive);
  }

  follow(stream: string, options: { wait: boolean }, watcher: Watcher): Following {
    const following = this.followers.follow(stream, options, watcher);
    if (this.socket === "") this.open();
    return following;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.receive);
    if (this.socket !== "") this.model.send({ kind: "close", socket: this.socket });
    this.socket = "";
  }

  private open(): void {
    if (this.socket !== "") this.model.send({ kind: "close", socket: this.socket });
    this.followers.lost();
    this.socket = randomId();
    this.expected = 1;
    this.pulse = pulseAt(performance.now());
    this.model.send({ kind: "open", socket: this.socket });
    this.followers.linked({ is: this.heard ? "open" : "connecting" });
    this.followers.opened();
    this.schedule();
  }

  private readonly receive = (content: unknown): void => {
    if (!isObject(content) || content.kind !== "frame") return;
    // Several views of one model share its comm.
    if (content.socket !== this.socket || this.socket === "") return;
    const { n, text } = content;
    if (typeof n !== "number" || typeof text !== "string" || n < this.expected) return;
    if (n > this.expected) {
      this.open();
      return;
    }
    this.expected = n + 1;
    this.pulse = { ...this.pulse, heardAt: performance.now() };
    if (!this.heard) {
      this.heard = true;
      this.answered();
    }
    this.followers.linked({ is: "open" });
    const socket = this.socket;
    void Promise.resolve(this.take(text)).then(() => {
      if (socket === this.socket) this.model.send({ kind: "ack", socket, n });
    });
    this.schedule();
  };

  private take(text: string): Promise<unknown> | undefined {
    try {
      const frame = decodeFrame(text);
      return frame === null ? undefined : this.followers.receive(frame);
    } catch (error) {
      if (!(error instanceof BadFrameError)) throw error;
      this.open();
      return undefined;
    }
  }

  private send(frame: ClientFrame): void {
    this.pulse = { ...this.pulse, sentAt: performance.now() };
    this.model.send({ kind: "frame", socket: this.socket, text: encodeFrame(frame) });
  }

  private schedule(): void {
    clearTimeout(this.timer);
    if (this.socket === "") return;
    this.timer = setTimeout(
      () => {
        const now = performance.now();
        if (isGone(this.pulse, now)) {
          // The kernel is busy, dead, or has lost the comm. Another socket costs it nothing.
          this.heard = false;
          this.open();
          return;
        }
        if (isDue(this.pulse, now)) this.send({ op: "heartbeat", t: Date.now() });
        this.schedule();
      },
      Math.max(0, deadline(this.pulse) - performance.now()),
    );
  }
}
