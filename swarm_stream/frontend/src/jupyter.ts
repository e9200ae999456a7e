/** The parts of JupyterLab that we touch, as far as we touch them. Types only. */

import type { Typesetter } from "./math.ts";

export interface MimeModel {
  readonly data: Readonly<Record<string, unknown>>;
  setData(options: { data?: Record<string, unknown> }): void;
}

export interface LuminoWidget {
  readonly node: HTMLElement;
  readonly isDisposed: boolean;
  addClass(name: string): void;
  dispose(): void;
}

export interface RendererOptions {
  readonly latexTypesetter?: Typesetter | null;
}

export interface Renderer extends LuminoWidget {
  renderModel(model: MimeModel): Promise<void>;
}

/** `@lumino/widgets`, from the host. */
export interface Lumino {
  readonly Widget: {
    new (): LuminoWidget;
    attach(widget: LuminoWidget, host: HTMLElement): void;
  };
}

export interface NotebookPanel {
  readonly node: HTMLElement;
  readonly context?: {
    save(): Promise<void>;
    readonly model?: { readonly readOnly?: boolean; readonly dirty?: boolean };
  };
  readonly content?: {
    readonly rendermime?: { createRenderer(mime: string): Renderer };
  };
  readonly sessionContext?: { readonly session?: { readonly kernel?: unknown } | null };
}

/** An application; Voilà's has the widgets of its one kernel. */
export interface App {
  readonly widgetManager?: WidgetManager | null;
  readonly shell: { widgets(area: string): Iterable<NotebookPanel> };
}

export interface WidgetManager {
  get_model(id: string): Promise<unknown>;
  create_view(model: unknown): Promise<{ readonly luminoWidget: LuminoWidget }>;
}
