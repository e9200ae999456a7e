/**
 * The scrolled part of a view: follows its end unless the reader has scrolled up.
 *
 * It never scrolls the page, only itself, and without animation: a smooth scroll would run
 * behind text that grows. The browser tells when the height has changed, after it has laid the
 * frame out: to ask for it while drawing would have it laid out twice. While a reader looks at
 * something further up, the browser keeps that where it is, whatever grows above it.
 */

import { attrs, h } from "./dom.ts";

/** So near to the end a reader who scrolls down is taken to have come to it. */
const NEAR_PX = 64;
/** The part of the corner that browsers make a handle for resizing. */
const HANDLE_PX = 18;

export class Scroller {
  readonly element = attrs(h("div", "swst-scroll"), {
    tabindex: "0",
    role: "region",
  });
  readonly latest = attrs(h("button", "swst-latest", "↓ Latest"), { type: "button" });
  private following = true;
  private held = false;
  private lastTop = 0;

  constructor(content: HTMLElement, label = "Transcript") {
    this.element.setAttribute("aria-label", label);
    this.element.append(content);
    this.latest.hidden = true;
    this.element.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.latest.addEventListener("click", () => this.follow());
    // The height is capped until the reader drags the handle; then it is theirs.
    this.element.addEventListener("pointerdown", (event) => {
      const box = this.element.getBoundingClientRect();
      if (event.clientX < box.right - HANDLE_PX || event.clientY < box.bottom - HANDLE_PX) return;
      this.element.style.height = `${box.height}px`;
      this.element.style.maxHeight = "none";
    });
    if (typeof ResizeObserver === "undefined") return; // there is no layout
    const observer = new ResizeObserver(() => this.following && !this.held && this.toEnd());
    observer.observe(content);
    // In a page of its own the view is as high as the window, and its head grows.
    observer.observe(this.element);
  }

  /** Go to the end and stay there. */
  follow(): void {
    this.setFollowing(true);
    this.toEnd();
  }

  /**
   * Content was added. While there is `more` to come at once the end is not followed: the browser
   * would lay out all that passes by.
   */
  grew(more: boolean): void {
    this.latest.hidden = this.following;
    if (this.held && !more && this.following) this.toEnd();
    this.held = more;
  }

  private toEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.lastTop = this.element.scrollTop;
  }

  private scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const rest = scrollHeight - scrollTop - clientHeight;
    // Content that shrinks takes us up too, but stays at its end. Whoever goes up stays there,
    // however little it is: the first step of a wheel is a small one.
    if (scrollTop < this.lastTop) this.setFollowing(rest < 2);
    else if (rest < NEAR_PX) this.setFollowing(true);
    this.lastTop = scrollTop;
    this.latest.hidden = this.following || rest < NEAR_PX;
  }

  private setFollowing(on: boolean): void {
    this.following = on;
    this.element.classList.toggle("swst-reading", !on);
  }
}
