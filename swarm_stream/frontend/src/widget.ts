/**
 * The anywidget host: where there is no front-end extension, and for composing.
 *
 * Tries the page's server first; where that has no extension, is another than the kernel's, or
 * there is none, the frames come through the widget's comm.
 */

import { pageAddress } from "./addresses.ts";
import { CommLink, type CommModel } from "./comm.ts";
import { isObject } from "./events.ts";
import { showStatic, textIn } from "./fallback.ts";
import type { Link } from "./link.ts";
import { type PageSocket, pageBaseUrl, pageSocket } from "./socket.ts";
import { STATIC_MARK } from "./static.ts";
import { createView } from "./view.ts";

interface Model extends CommModel {
  get(name: string): unknown;
}

interface RenderProps {
  readonly model: Model;
  readonly el: HTMLElement;
  readonly signal?: AbortSignal;
}

const NO_EXTENSION = "no swarm_stream extension in this server: streaming through the kernel";
const OTHER_SERVER = "the kernel belongs to another server: streaming through the kernel";
const NOT_THERE = "the server does not have this stream: streaming through the kernel";
/** How long the kernel may be silent before a finished run is shown from the widget's state. */
const STATIC_AFTER_MS = 3000;

function render({ model, el, signal }: RenderProps): () => void {
  const host = new WidgetHost(model, el);
  signal?.addEventListener("abort", () => host.dispose(), { once: true });
  void host.start();
  return () => host.dispose();
}

class WidgetHost {
  private shown: { dispose(): void } | undefined;
  private comm: CommLink | undefined;
  private disposed = false;

  constructor(
    private readonly model: Model,
    private readonly el: HTMLElement,
  ) {}

  async start(): Promise<void> {
    const base = pageBaseUrl() ?? (this.text("base_url_hint") || null);
    if (base === null) {
      this.throughKernel("");
      return;
    }
    const socket = pageSocket(base);
    const { status, server } = await socket.info();
    if (this.disposed) return;
    const ours = this.text("server");
    if (status === 404) this.throughKernel(NO_EXTENSION);
    else if (status === 200 && ours !== "" && server !== ours) this.throughKernel(OTHER_SERVER);
    else this.throughServer(base, socket, ours !== "");
  }

  dispose(): void {
    this.disposed = true;
    this.clear();
  }

  private throughServer(base: string, socket: PageSocket, wait: boolean): void {
    this.show(socket, {
      wait,
      page: pageAddress(base, this.text("stream")),
      failed: (code) => code === "no_such_stream" && this.retreat(NOT_THERE),
      stopped: (reason) => reason === "absent" && this.retreat(NO_EXTENSION),
    });
  }

  /** Change over to the kernel; not from inside a call of the view that goes. */
  private retreat(note: string): true {
    queueMicrotask(() => this.throughKernel(note));
    return true;
  }

  private throughKernel(note: string): void {
    if (this.disposed) return;
    this.clear();
    let answered = false;
    this.comm = new CommLink(this.model, note, () => {
      answered = true;
    });
    this.show(this.comm, {
      // It has the streams of its runs before there is a view of them.
      wait: false,
      failed: (code, message) => code === "no_such_stream" && this.fall(message),
    });
    if (this.kept !== "") {
      setTimeout(() => answered || this.fall("the kernel does not answer"), STATIC_AFTER_MS);
    }
  }

  private fall(why: string): boolean {
    const { kept } = this;
    if (this.disposed || kept === "") return false;
    queueMicrotask(() => {
      this.clear();
      const data = { stream: this.text("stream"), server: "", title: this.text("title") };
      const bundle = { "text/html": STATIC_MARK, "text/markdown": kept };
      this.shown = showStatic(this.el, data, bundle, `not live: ${why}`);
    });
    return true;
  }

  private show(link: Link, rest: Omit<Parameters<typeof createView>[2], "stream" | "title">): void {
    this.shown = createView(this.el, link, {
      stream: this.text("stream"),
      title: this.text("title"),
      ...rest,
    });
  }

  private clear(): void {
    this.shown?.dispose();
    this.comm?.dispose();
    this.shown = undefined;
    this.comm = undefined;
  }

  /** What was said in a run that is over, as Markdown; "" before. */
  private get kept(): string {
    const value = this.model.get("static");
    return isObject(value) ? textIn(value, "text/markdown") : "";
  }

  private text(trait: string): string {
    return textIn({ [trait]: this.model.get(trait) }, trait);
  }
}

export default { render };
