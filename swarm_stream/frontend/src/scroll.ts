/**
 * The scrolled part of a view: follows its end unless the reader has scrolled up.
 *
 * It never scrolls the page, only itself, and without animation: a smooth scroll would run
 * behind text that grows.
 */

import { attrs, h } from "./dom.ts";

/** So near to the end a reader is taken to be at it. */
const NEAR_PX = 64;
/** Something inside became another height without an event of the run. */
export const GREW = "swst-grew";
/** The part of the corner that browsers make a handle for resizing. */
const HANDLE_PX = 18;

export class Scroller {
  readonly element = attrs(h("div", "swst-scroll"), {
    tabindex: "0",
    role: "region",
  });
  readonly latest = attrs(h("button", "swst-latest", "↓ Latest"), { type: "button" });
  private following = true;
  /** Where we scrolled to ourselves; a scroll event from there is not the reader's. */
  private lastTop = 0;

  constructor(content: HTMLElement, label = "Transcript") {
    this.element.setAttribute("aria-label", label);
    this.element.append(content);
    this.latest.hidden = true;
    this.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.element.addEventListener(GREW, () => this.following && this.afterPaint());
    this.latest.addEventListener("click", () => this.follow());
    // In a page of its own the view is as high as the window, and its head grows.
    const resized = globalThis.ResizeObserver;
    if (resized) new resized(() => this.following && this.afterPaint()).observe(this.element);
    // The height is capped until the reader drags the handle; then it is theirs.
    this.element.addEventListener("pointerdown", (event) => {
      const box = this.element.getBoundingClientRect();
      if (event.clientX < box.right - HANDLE_PX || event.clientY < box.bottom - HANDLE_PX) return;
      this.element.style.height = `${box.height}px`;
      this.element.style.maxHeight = "none";
    });
  }

  /** Go to the end and stay there. */
  follow(): void {
    this.following = true;
    this.afterPaint();
  }

  /** Content was added. */
  afterPaint(): void {
    if (!this.following) {
      this.latest.hidden = false;
      return;
    }
    this.latest.hidden = true;
    this.element.scrollTop = this.element.scrollHeight;
    this.lastTop = this.element.scrollTop;
  }

  private scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    // Content that shrinks or grows moves the end away from us; only going up means to stay.
    if (near) this.following = true;
    else if (scrollTop < this.lastTop) this.following = false;
    this.lastTop = scrollTop;
    this.latest.hidden = this.following || near;
  }
}
