import { h } from "./dom.ts";
import { STYLE } from "./style.ts";

/**
 * The style element of a root, so that it needs nothing of its host. The widget's host brings
 * the styles itself, and its bundle has none.
 */
export function styles(): HTMLElement[] {
  return STYLE === "" ? [] : [h("style", "", STYLE)];
}
