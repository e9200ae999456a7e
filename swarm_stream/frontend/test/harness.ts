/**
 * Views in a bare page, fed frame by frame: for tests in a real browser that need no server.
 *
 * `tests/browser/bare.py` bundles this and puts it into a page, where it is `window.swst`.
 */

import { showStatic } from "../src/fallback.ts";
import { Followers } from "../src/followers.ts";
import type { ClientFrame, ServerFrame } from "../src/frames.ts";
import type { Link, LinkStatus } from "../src/link.ts";
import { MarkdownView } from "../src/markdown.ts";
import { toHtml, toMarkdown, toText } from "../src/static.ts";
import { markdownHtml } from "../src/static-markdown.ts";
import { createView, type View, type ViewOptions } from "../src/view.ts";
import { faults } from "./inspect.ts";

class BareView {
  /** What the view has sent. */
  readonly sent: ClientFrame[] = [];
  readonly view: View;
  private readonly followers = new Followers(
    (frame) => this.sent.push(frame),
    () => {},
  );
  private offset = 0;

  constructor(
    host: HTMLElement,
    private readonly stream: string,
    options: Partial<ViewOptions> = {},
  ) {
    const link: Link = {
      peer: "server",
      note: "",
      follow: (...args) => this.followers.follow(...args),
    };
    this.view = createView(host, link, { stream, title: stream, wait: true, ...options });
  }

  /** The connection opens, and the server says what it has. */
  connect(tail = 0, head = 0, meta: Record<string, unknown> = {}): void {
    this.linked({ is: "open" });
    this.followers.opened();
    this.frame({
      op: "subscribed",
      stream: this.stream,
      from: this.offset,
      head,
      tail,
      closed: false,
      meta,
      producer: "live",
    });
  }

  /** The next events come, in one frame. */
  events(events: readonly unknown[]): Promise<unknown> | undefined {
    const { stream, offset } = this;
    this.offset += events.length;
    return this.frame({ op: "events", stream, offset, events });
  }

  /** All has come. */
  closed(): void {
    this.frame({ op: "closed", stream: this.stream, tail: this.offset });
  }

  frame(frame: ServerFrame): Promise<unknown> | undefined {
    return this.followers.receive(frame);
  }

  linked(status: LinkStatus): void {
    this.followers.linked(status);
  }

  lost(): void {
    this.followers.lost();
  }

  /** What would stay in the notebook file. */
  kept(): { html: string; drawn: string; markdown: string; text: string } {
    const { transcript } = this.view;
    const drawn = toHtml(transcript, markdownHtml);
    const [markdown, text] = [toMarkdown(transcript), toText(transcript)];
    return { html: toHtml(transcript), drawn, markdown, text };
  }
}

Object.assign(globalThis, {
  swst: {
    open: (stream: string, host: HTMLElement = document.body, options?: Partial<ViewOptions>) =>
      new BareView(host, stream, options),
    /** Draw a text that comes in these pieces; `drawn` is called after each. */
    markdown(host: Element, pieces: readonly string[], drawn = () => {}): void {
      const view = new MarkdownView(host);
      for (const piece of pieces) {
        view.write(piece);
        drawn();
      }
      view.end();
      drawn();
    },
    showStatic,
    faults,
  },
});
