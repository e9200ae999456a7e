// @vitest-environment jsdom
/** An output in a notebook: live where it can be, and never blank. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MIME_TYPE, WIDGET_TYPE } from "../src/fallback.ts";
import type { App, Lumino, MimeModel, NotebookPanel, Renderer } from "../src/jupyter.ts";
import { mimeExtension } from "../src/mime.ts";
import { keepOutput, useApp } from "../src/notebook.ts";

class FakeWidget {
  readonly node = document.createElement("div");
  isDisposed = false;
  addClass(name: string): void {
    this.node.classList.add(name);
  }
  dispose(): void {
    this.isDisposed = true;
    this.node.remove();
  }
  static attach(widget: FakeWidget, host: HTMLElement): void {
    host.append(widget.node);
  }
}

class FakeModel implements MimeModel {
  constructor(public data: Record<string, unknown>) {}
  setData({ data }: { data?: Record<string, unknown> }): void {
    if (data !== undefined) this.data = data;
  }
}

/** The server's end of the page's socket. */
class FakeSocket {
  static last: FakeSocket | undefined;
  static readonly OPEN = 1;
  readonly readyState = 1;
  readonly sent: { op: string; wait?: boolean }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  constructor() {
    FakeSocket.last = this;
    setTimeout(() => this.onopen?.(), 1);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  give(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const FINAL = {
  "text/html": '<div data-swarm-stream-static="1"><script>alert(1)</script></div>',
  "text/markdown": "it said **this**",
  "text/plain": "plain",
};
let stream = "";
let serial = 0;
let renderer: Renderer;
let panel: NotebookPanel;
let dirty: boolean;
let saves: number;
let status: number;

function own(server = "S1"): Record<string, unknown> {
  return { [MIME_TYPE]: { stream, server, title: "Demo", version: 1 } };
}

function root(): HTMLElement | null {
  return renderer.node.querySelector(".swst-root");
}

async function settle(ms = 5): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  vi.useFakeTimers();
  serial += 1;
  stream = `run-${serial}`;
  status = 200;
  saves = 0;
  const config = document.createElement("script");
  config.id = "jupyter-config-data";
  config.type = "application/json";
  // Another server for each test: its socket is shared by all views of the page.
  config.textContent = JSON.stringify({ baseUrl: `/${stream}/` });
  document.body.replaceChildren(config);
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.last = undefined;
  vi.stubGlobal("fetch", () => {
    const body = JSON.stringify({ server: "S1" });
    return new Promise((resolve) => {
      setTimeout(() => resolve(new Response(body, { status })), 1);
    });
  });
  // The stand-in has what `Lumino` asks for, but for a class type that jsdom cannot give.
  const lumino = { Widget: FakeWidget } as unknown as Lumino;
  renderer = mimeExtension(lumino).rendererFactory.createRenderer({});
  dirty = true;
  panel = {
    node: document.body,
    context: {
      save: async () => {
        saves += 1;
      },
      model: {
        get dirty() {
          return dirty;
        },
      },
    },
  };
  useApp({ shell: { widgets: () => [panel] } } satisfies App);
  document.body.append(renderer.node);
});
afterEach(() => {
  renderer.dispose();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function live(model: FakeModel): Promise<FakeSocket> {
  void renderer.renderModel(model);
  await settle(50);
  const socket = FakeSocket.last;
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
}

function subscribed(producer = "live"): object {
  return { op: "subscribed", stream, from: 0, head: 0, tail: 0, closed: false, meta: {}, producer };
}

const END = { type: "end", t: 1, outcome: "completed" };

it("follows the stream, and saves the notebook once", async () => {
  const socket = await live(new FakeModel(own()));
  expect(socket.sent[0]).toEqual({ op: "subscribe", stream, from: 0, wait: true });
  socket.give(subscribed());
  socket.give(subscribed());
  await settle(300);
  expect(root()?.dataset.connection).toBe("live");
  expect(saves).toBe(1);
  const link = root()?.querySelector(".swst-open");
  expect(link?.getAttribute("href")).toBe(`/${stream}/swarm-stream/s/${stream}`);
});

it("keeps the output without its widget, and saves no notebook that the file has already", async () => {
  dirty = false;
  const model = new FakeModel({ ...own(), [WIDGET_TYPE]: {}, "text/plain": "placeholder" });
  const socket = await live(model);
  expect(WIDGET_TYPE in model.data).toBe(true);
  socket.give(subscribed());
  await settle(300);
  expect(model.data).toEqual({ ...own(), "text/plain": "placeholder" });
  expect(saves).toBe(0);
});

it("keeps its view when the output is given its final forms while it still asks", async () => {
  void renderer.renderModel(new FakeModel(own()));
  void renderer.renderModel(new FakeModel({ ...own(), ...FINAL }));
  await settle(300);
  expect(root()?.dataset.state).toBe("starting");
});

it("keeps its view when the output is given its final forms later", async () => {
  const model = new FakeModel(own());
  await live(model);
  const before = root();
  void renderer.renderModel(new FakeModel({ ...own(), ...FINAL }));
  await settle(300);
  expect(root()).toBe(before);
});

it("does not wait for a run that is over", async () => {
  const socket = await live(new FakeModel({ ...own(), ...FINAL }));
  expect(socket.sent[0]).toEqual({ op: "subscribe", stream, from: 0 });
});

it("does not wait for a stream of another server", async () => {
  const socket = await live(new FakeModel(own("S2")));
  expect(socket.sent[0]?.wait).toBeUndefined();
});

it.each([
  ["the server has no extension", 404],
  ["the server has no such stream", 200],
])("shows what was kept where %s, and never its HTML", async (_name, code) => {
  status = code;
  void renderer.renderModel(new FakeModel({ ...own(), ...FINAL }));
  await settle(50);
  const error = { op: "error", code: "no_such_stream", message: "", stream, cause: "subscribe" };
  FakeSocket.last?.give(error);
  await settle(50);
  expect(root()?.dataset.state).toBe("static");
  expect(root()?.querySelector(".swst-note")?.textContent).toContain("not live: this server");
  expect(root()?.querySelector("strong")?.textContent).toBe("this");
  expect(renderer.node.innerHTML).not.toContain("<script");
});

describe("where the server has no extension", () => {
  /** What Jupyter makes of a widget; a test says what it shows. */
  let widget: FakeWidget;

  beforeEach(async () => {
    status = 404;
    widget = new FakeWidget();
    const shown = Object.assign(widget, { renderModel: async () => {} });
    const rendermime = { createRenderer: () => shown };
    Object.assign(panel, {
      content: { rendermime },
      sessionContext: { session: { kernel: {} } },
    });
    const bundle = { ...own(), [WIDGET_TYPE]: {}, "text/plain": "placeholder" };
    void renderer.renderModel(new FakeModel(bundle));
    await settle(50);
  });

  it("shows the widget", async () => {
    widget.node.textContent = "Loading widget...";
    await settle();
    widget.node.replaceChildren(document.createElement("p"));
    widget.node.append("Error analysis");
    await settle();
    expect(renderer.node.contains(widget.node)).toBe(true);
    expect(root()).toBeNull();
  });

  it("shows the text where the kernel does not know the widget", async () => {
    widget.node.textContent = "Loading widget...";
    await settle();
    widget.node.textContent = "Error displaying widget: model not found";
    await settle();
    expect(renderer.node.textContent).toContain("placeholder");
    expect(renderer.node.textContent).not.toContain("Error");
    expect(widget.isDisposed).toBe(true);
  });
});

describe("where there are no notebooks, and the page has the widgets of one kernel", () => {
  const bundle = () => ({
    ...own(),
    [WIDGET_TYPE]: { model_id: "m1" },
    "text/plain": "placeholder",
  });

  function voila(get_model: (id: string) => Promise<unknown>): void {
    status = 404;
    const luminoWidget = new FakeWidget();
    luminoWidget.node.textContent = "the widget";
    useApp({
      shell: { widgets: () => [] },
      widgetManager: { get_model, create_view: async () => ({ luminoWidget }) },
    } satisfies App);
  }

  it("shows the widget", async () => {
    const asked: string[] = [];
    voila(async (id) => asked.push(id));
    // Its outputs are plain data: they cannot be changed.
    void renderer.renderModel({ data: bundle() } as unknown as MimeModel);
    await settle(50);
    expect(asked).toEqual(["m1"]);
    expect(renderer.node.textContent).toBe("the widget");
  });

  it("shows the text where it is not known", async () => {
    voila(() => Promise.reject(new Error("model not found")));
    void renderer.renderModel(new FakeModel(bundle()));
    await settle(50);
    expect(root()?.dataset.state).toBe("static");
    expect(renderer.node.textContent).toContain("placeholder");
  });
});

it("shows the plain text where nothing was kept", async () => {
  status = 404;
  void renderer.renderModel(new FakeModel({ ...own(), "text/plain": "run <b>x</b>" }));
  await settle(50);
  expect(root()?.querySelector(".swst-md")?.textContent).toBe("run <b>x</b>");
});

it("leaves the transcript in the output where the kernel did not", async () => {
  const model = new FakeModel({ ...own(), [WIDGET_TYPE]: {}, "text/plain": "placeholder" });
  const socket = await live(model);
  socket.give(subscribed());
  const said = { type: "message", lane: 0, content: "hello" };
  socket.give({ op: "events", stream, offset: 0, events: [said, END] });
  socket.give({ op: "closed", stream, tail: 2 });
  await settle(3100);
  expect(Object.keys(model.data)).toEqual([MIME_TYPE, "text/html", "text/markdown", "text/plain"]);
  expect(model.data["text/markdown"]).toContain("hello");
  expect(saves).toBe(2);
});

it("leaves the output alone where the kernel was first", async () => {
  const model = new FakeModel({ ...own(), ...FINAL });
  const socket = await live(model);
  socket.give(subscribed("none"));
  socket.give({ op: "events", stream, offset: 0, events: [END] });
  socket.give({ op: "closed", stream, tail: 1 });
  await settle(3100);
  expect(model.data).toEqual({ ...own(), ...FINAL });
  expect(saves).toBe(0);
});

it("saves a notebook of several runs by one save at a time", async () => {
  let most = 0;
  let going = 0;
  const slow = async () => {
    going += 1;
    saves += 1;
    most = Math.max(most, going);
    await new Promise((resolve) => setTimeout(resolve, 100));
    going -= 1;
  };
  Object.assign(panel, { context: { save: slow } });
  for (const name of ["x", "y", "z"]) keepOutput(panel, `${stream}-${name}`, null);
  await settle(350);
  expect({ most, saves }).toEqual({ most: 1, saves: 2 });
  keepOutput(panel, stream, null);
  await settle(150);
  expect(saves).toBe(3);
});

it("saves what the kernel left of a run that was seen here", async () => {
  const model = new FakeModel({ ...own(), "text/plain": "placeholder" });
  const socket = await live(model);
  socket.give(subscribed());
  socket.give({ op: "events", stream, offset: 0, events: [END] });
  socket.give({ op: "closed", stream, tail: 1 });
  model.data = { ...own(), ...FINAL };
  await settle(3100);
  expect(model.data["text/markdown"]).toBe(FINAL["text/markdown"]);
  expect(saves).toBe(2);
});

it("shows something for data that it cannot read", async () => {
  void renderer.renderModel(new FakeModel({ [MIME_TYPE]: 3, "text/plain": "plain" }));
  await settle();
  expect(renderer.node.textContent).toBe("plain");
});
