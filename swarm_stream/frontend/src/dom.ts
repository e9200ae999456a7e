/** The few lines that building DOM by hand needs. All text goes through `printable` here. */

import { printable } from "./plain.ts";

type Attributes = Readonly<Record<string, string>>;

/** Make an element with a class, and append to it texts and elements. Never parses HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children.map((child) => (child instanceof Node ? child : printable(child))));
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K): SVGElementTagNameMap[K] {
  return document.createElementNS("http://www.w3.org/2000/svg", tag);
}

export function attrs<E extends Element>(element: E, attributes: Attributes): E {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, printable(value));
  }
  return element;
}

/** Preformatted text, which a reader without a mouse can scroll. */
export function pre(className: string, ...children: readonly (Node | string)[]): HTMLElement {
  return attrs(h("pre", className, ...children), { tabindex: "0" });
}

/** Set a text only where it differs: writing the same text again costs layout. */
export function setText(element: Element, text: string): void {
  const shown = printable(text);
  if (element.textContent !== shown) element.textContent = shown;
}

export function setAttribute(element: Element, name: string, value: string): void {
  const shown = printable(value);
  if (element.getAttribute(name) !== shown) element.setAttribute(name, shown);
}

/** Make a link that opens apart and tells its host nothing of this page. */
export function outsideLink(href: string, ...children: readonly (Node | string)[]): HTMLElement {
  // Firefox looks up the host of a link as soon as it shows it, so that a host's name could
  // carry out what a model has read. Only the page as a whole can be told not to.
  if (document.head.querySelector("[http-equiv=x-dns-prefetch-control]") === null) {
    const meta = { "http-equiv": "x-dns-prefetch-control", content: "off" };
    document.head.append(attrs(h("meta"), meta));
  }
  return attrs(h("a", "", ...children), { href, target: "_blank", rel: "noopener noreferrer" });
}

/** A button that shows `idle`, and for two seconds after copying says so. */
export function copyButton(label: string, source: () => string): HTMLButtonElement {
  const button = attrs(h("button", "swst-copy", "Copy"), { type: "button", "aria-label": label });
  button.addEventListener("click", () => {
    const done = (word: string) => {
      button.textContent = word;
      setTimeout(() => {
        button.textContent = "Copy";
      }, 2000);
    };
    // Pages over plain http have no clipboard.
    const written =
      navigator.clipboard?.writeText(printable(source())) ?? Promise.reject(new Error());
    written.then(
      () => done("Copied"),
      () => done("No access"),
    );
  });
  return button;
}
