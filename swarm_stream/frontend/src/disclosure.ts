/**
 * A line that opens and closes what is below it.
 *
 * It is no `details`, for of those each that is added costs Chromium time for every one that is
 * there, and a run may call thousands of tools. The browser's search finds and opens what is
 * closed here too, where the browser can (`until-found`).
 */

import { attrs, h, setAttribute } from "./dom.ts";

export function disclosure(
  className: string,
  line: readonly (Node | string)[],
  body: HTMLElement,
): HTMLElement {
  const button = attrs(h("button", "swst-fold", ...line), { type: "button" });
  const open = (on: boolean) => {
    setAttribute(button, "aria-expanded", String(on));
    if (on) body.removeAttribute("hidden");
    else body.setAttribute("hidden", "until-found");
  };
  open(false);
  button.addEventListener("click", () => open(body.hasAttribute("hidden")));
  body.addEventListener("beforematch", () => open(true));
  return h("div", className, button, body);
}
