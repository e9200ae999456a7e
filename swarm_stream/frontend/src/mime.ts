/**
 * The JupyterLab and Notebook host: renders our own MIME type straight from the server.
 *
 * No kernel takes part, so a view comes back after a reload while the kernel is busy or dead.
 * `safe: true` also shows it in notebooks that nobody has trusted; nothing of the bundle is
 * executed, and its HTML is never used (see `fallback.ts`).
 */

import { pageAddress } from "./addresses.ts";
import { setText } from "./dom.ts";
import { isObject } from "./events.ts";
import {
  isFinal,
  MIME_TYPE,
  type OutputData,
  outputData,
  showStatic,
  textIn,
  WIDGET_TYPE,
} from "./fallback.ts";
import type {
  Lumino,
  LuminoWidget,
  MimeModel,
  NotebookPanel,
  Renderer,
  RendererOptions,
} from "./jupyter.ts";
import { useTypesetter } from "./math.ts";
import { keepOutput, keepTranscript, pageWidgets, panelOf } from "./notebook.ts";
import { pageBaseUrl, pageSocket } from "./socket.ts";
import { createView } from "./view.ts";
import { remember } from "./warm.ts";

/** Below the widget's rank of 0, so that we are preferred where both are in a bundle. */
export const RANK = -10;

const NO_EXTENSION = "not live: this server has no swarm_stream extension";
const NO_STREAM = "not live: this server does not have the stream (any more)";

/** Make the renderer; its base class comes from the host at run time. */
export function mimeExtension(lumino: Lumino) {
  class StreamRenderer extends lumino.Widget implements Renderer {
    private readonly output: Output;

    constructor() {
      super();
      this.addClass("swst-output");
      this.output = new Output(this.node, lumino);
    }

    async renderModel(model: MimeModel): Promise<void> {
      await this.output.render(model);
    }

    override dispose(): void {
      if (this.isDisposed) return;
      this.output.dispose();
      super.dispose();
    }
  }

  return {
    id: "swarm_stream:mime",
    rank: RANK,
    dataType: "json",
    rendererFactory: {
      safe: true,
      mimeTypes: [MIME_TYPE],
      defaultRank: RANK,
      createRenderer: (options: RendererOptions) => {
        useTypesetter(options.latexTypesetter);
        return new StreamRenderer();
      },
    },
  };
}

/** One output of one cell. */
class Output {
  private model: MimeModel | null = null;
  private data: OutputData | null = null;
  private shown: { dispose(): void } | null = null;
  /** Shown from the bundle, which a new bundle changes; a live view goes on. */
  private isStatic = false;
  private panel: NotebookPanel | null = null;
  private disposed = false;

  constructor(
    private readonly node: HTMLElement,
    private readonly lumino: Lumino,
  ) {}

  async render(model: MimeModel): Promise<void> {
    this.model = model;
    const data = outputData(model.data[MIME_TYPE]);
    if (data === null) {
      this.data = null;
      this.clear();
      setText(this.node, textIn(model.data, "text/plain"));
      return;
    }
    // A live view goes on, and one that still asks its server must not be taken for another.
    if (data.stream === this.data?.stream && !this.isStatic) return;
    this.data = data;
    this.clear();
    const base = pageBaseUrl();
    if (base === null) this.retreat(NO_EXTENSION);
    else await this.live(data, base);
  }

  dispose(): void {
    this.disposed = true;
    this.clear();
  }

  private async live(data: OutputData, base: string): Promise<void> {
    const socket = pageSocket(base);
    const { status, server } = await socket.info();
    if (this.disposed || this.data !== data) return;
    if (status === 404) {
      this.retreat(NO_EXTENSION);
      return;
    }
    // A run that has just been started may be shown before its producer reached the server.
    const expected = data.server !== "" && (status === null || server === data.server);
    this.shown = createView(this.node, socket, {
      stream: data.stream,
      title: data.title,
      page: pageAddress(base, data.stream),
      wait: expected && !isFinal(this.bundle),
      running: () => {
        remember();
        keepOutput(this.notebook(), data.stream, this.model);
      },
      ended: (transcript) =>
        keepTranscript(
          data.stream,
          () => this.notebook(),
          () => (this.disposed ? null : this.model),
          transcript,
        ),
      failed: (code) => code === "no_such_stream" && this.leave(NO_STREAM),
      stopped: (reason) => reason === "absent" && this.leave(NO_EXTENSION),
    });
  }

  /** Give up the live view; not from inside one of its own calls. */
  private leave(why: string): true {
    queueMicrotask(() => this.disposed || this.retreat(why));
    return true;
  }

  /** Without the server: what was kept of a run that is over, else the widget if that can be. */
  private retreat(why: string): void {
    this.clear();
    const { data } = this;
    if (data === null) return;
    this.shown = isFinal(this.bundle) ? null : this.widget(data.stream, why);
    if (this.shown === null) this.kept(data, why);
  }

  private kept(data: OutputData, why: string): void {
    this.clear();
    this.isStatic = true;
    this.shown = showStatic(this.node, data, this.bundle, why);
  }

  private widget(stream: string, why: string): { dispose(): void } | null {
    const { model } = this;
    const panel = this.notebook();
    const rendermime = panel?.content?.rendermime;
    const kernel = panel?.sessionContext?.session?.kernel;
    if (model === null || !(WIDGET_TYPE in model.data)) return null;
    if (panel === null) return this.pageWidget(model.data[WIDGET_TYPE], why);
    if (!rendermime || !kernel) return null;
    const renderer = rendermime.createRenderer(WIDGET_TYPE);
    this.lumino.Widget.attach(renderer, this.node);
    // It says so in a text where the kernel does not know the widget (any more).
    const failing = new MutationObserver(() => {
      const { data } = this;
      const { childElementCount, textContent } = renderer.node;
      if (data === null || childElementCount > 0 || !textContent?.startsWith("Error")) return;
      this.kept(data, why);
    });
    failing.observe(renderer.node, { childList: true });
    void renderer.renderModel(model);
    keepOutput(panel, stream, null);
    return {
      dispose: () => {
        failing.disconnect();
        renderer.dispose();
      },
    };
  }

  private pageWidget(view: unknown, why: string): { dispose(): void } | null {
    const manager = pageWidgets();
    const id = isObject(view) ? view.model_id : undefined;
    if (manager === null || typeof id !== "string") return null;
    let shown: LuminoWidget | null = null;
    let gone = false;
    manager
      .get_model(id)
      .then((model) => manager.create_view(model))
      .then(({ luminoWidget }) => {
        shown = luminoWidget;
        if (gone) shown.dispose();
        else this.lumino.Widget.attach(shown, this.node);
      })
      .catch(() => this.data !== null && !gone && this.kept(this.data, why));
    return {
      dispose: () => {
        gone = true;
        shown?.dispose();
      },
    };
  }

  /** Remembered, because cells that are scrolled out of sight are taken from the page. */
  private notebook(): NotebookPanel | null {
    this.panel ??= panelOf(this.node);
    return this.panel;
  }

  private get bundle(): Readonly<Record<string, unknown>> {
    return this.model?.data ?? {};
  }

  private clear(): void {
    this.shown?.dispose();
    this.shown = null;
    this.isStatic = false;
    this.node.replaceChildren();
  }
}
