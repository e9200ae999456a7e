/** Links and pictures of Markdown, made from the element that shows their source so far. */

import { attrs, h, outsideLink } from "./dom.ts";
import { destination, isSafeImage, type SafeLink, safeLink, splitAddress } from "./links.ts";

/** What is shown before a label until its address is there. */
export const LINK_OPENING = "[";
export const IMAGE_OPENING = "![";

/** An address that stands in the text; what is none stays as it is. */
export function drawRawAddress(node: Element): void {
  const [address, rest] = splitAddress(node.textContent ?? "");
  const link = safeLink(address, address);
  if (link !== null) replace(node, [address], link, rest);
}

/**
 * `[label](source)`, or a picture with `isImage`. False where it may not be drawn: the address is
 * not safe, or it stands in another link (`isNested`).
 */
export function drawLink(
  node: Element,
  source: string,
  isImage: boolean,
  isNested: boolean,
): boolean {
  const address = destination(source);
  const opening = isImage ? IMAGE_OPENING : LINK_OPENING;
  const label = node.textContent?.slice(opening.length) ?? "";
  if (isImage && isSafeImage(address)) {
    node.replaceWith(attrs(h("img"), { src: address, alt: label }));
    return true;
  }
  const link = safeLink(address, label || address);
  if (link === null || isNested) return false;
  const first = node.firstChild;
  if (first instanceof Text) first.deleteData(0, opening.length);
  const children: (Node | string)[] = [...node.childNodes];
  if (isImage) children.unshift("image: ");
  else if (label === "") children.push(link.href);
  replace(node, children, link, "");
  return true;
}

function replace(
  node: Element,
  children: readonly (Node | string)[],
  { href, shown, lies }: SafeLink,
  rest: string,
): void {
  const anchor = outsideLink(href, ...(lies ? [shown] : children));
  const host = h("span", "swst-host", " (", lies ? anchor : shown, ")");
  const parts = lies ? [...children, host] : shown === "" ? [anchor] : [anchor, host];
  node.replaceWith(...parts, rest);
}
