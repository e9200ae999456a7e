/**
 * The notebook around a view: finding it, saving it, and leaving the transcript in it.
 *
 * An output that was never saved is lost when the page is reloaded, and what the kernel sends
 * while no page is there never reaches the file. So the notebook is saved when a view first
 * shows for a run that goes on, and when the run has ended a page writes the transcript into
 * the output, where the kernel could not.
 */

import { isFinal, MIME_TYPE, textIn, WIDGET_TYPE } from "./fallback.ts";
import type { Transcript } from "./fold.ts";
import type { App, MimeModel, NotebookPanel, WidgetManager } from "./jupyter.ts";
import { toHtml, toMarkdown, toText } from "./static.ts";
import { markdownHtml } from "./static-markdown.ts";

/** To become a setting. */
const SAVES = true;
/** How long the kernel's own final output is waited for. */
const KERNEL_FIRST_MS = 3000;

let app: App | null = null;
/** Streams for which this page has saved a notebook already. */
const saved = new Set<string>();
/**
 * Notebooks that are being saved, and whether they are to be saved once more after that. Jupyter
 * writes a file in place, so two saves at once, of two runs that end together, would mix in it.
 */
const saving = new Map<object, boolean>();

/** The plugin tells which application this is. */
export function useApp(running: App): void {
  app = running;
}

/** The widgets of Voilà's page, which has no notebooks. */
export function pageWidgets(): WidgetManager | null {
  return app?.widgetManager ?? null;
}

/** The notebook that holds a node, if it is one and attached. */
export function panelOf(node: HTMLElement): NotebookPanel | null {
  if (app === null) return null;
  for (const panel of app.shell.widgets("main")) {
    if (panel.node.contains(node) && panel.context !== undefined) return panel;
  }
  return null;
}

/**
 * A run was seen going on: keep the output that shows it.
 *
 * Given the output, it is kept without its widget: a later kernel does not know that, and where
 * this extension is not installed the file would show an error in place of the run.
 */
export function keepOutput(
  panel: NotebookPanel | null,
  stream: string,
  output: MimeModel | null,
): void {
  if (!SAVES || panel === null) return;
  if (output !== null && WIDGET_TYPE in output.data) {
    const { [WIDGET_TYPE]: _, ...data } = output.data;
    output.setData({ data });
  }
  if (saved.has(stream)) return;
  saved.add(stream);
  // After a reload the file has it.
  if (panel.context?.model?.dirty !== false) void save(panel);
}

/** The run is over: leave its transcript in the output, unless the kernel does, and save it. */
export function keepTranscript(
  stream: string,
  panel: () => NotebookPanel | null,
  model: () => MimeModel | null,
  transcript: Transcript,
): void {
  setTimeout(() => {
    const output = model();
    const notebook = panel();
    if (output === null || notebook === null || notebook.context?.model?.readOnly) return;
    const isKept = isFinal(output.data) && !(WIDGET_TYPE in output.data);
    if (isKept && !saved.has(stream)) return;
    if (!isKept) output.setData({ data: finalBundle(output, transcript) });
    // Two pages that both save would make one of them ask what to do with the other's file.
    if (SAVES && !document.hidden) void save(notebook);
  }, KERNEL_FIRST_MS);
}

function finalBundle(output: MimeModel, transcript: Transcript): Record<string, unknown> {
  return {
    [MIME_TYPE]: output.data[MIME_TYPE],
    // What the kernel wrote stands, where it only left the widget beside it.
    "text/html": keep(output, "text/html") ?? toHtml(transcript, markdownHtml),
    "text/markdown": keep(output, "text/markdown") ?? toMarkdown(transcript),
    "text/plain": keep(output, "text/plain") ?? toText(transcript),
  };
}

function keep(output: MimeModel, mime: string): string | undefined {
  return isFinal(output.data) ? textIn(output.data, mime) || undefined : undefined;
}

async function save({ context }: NotebookPanel): Promise<void> {
  if (context === undefined || context.model?.readOnly) return;
  if (saving.has(context)) {
    saving.set(context, true);
    return;
  }
  do {
    saving.set(context, false);
    try {
      await context.save();
    } catch (error) {
      // Jupyter has told the user; the view does not depend on it.
      console.warn("swarm_stream: the notebook could not be saved", error);
    }
  } while (saving.get(context));
  saving.delete(context);
}
