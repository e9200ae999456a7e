// @vitest-environment jsdom
/** After a reload a page connects early, where it showed a run that went on. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { remember, warmUp } from "../src/warm.ts";

let asked: ReturnType<typeof vi.fn>;
let serial = 0;

beforeEach(() => {
  serial += 1;
  const config = document.createElement("script");
  config.id = "jupyter-config-data";
  config.type = "application/json";
  config.textContent = JSON.stringify({ baseUrl: `/warm-${serial}/` });
  document.body.replaceChildren(config);
  asked = vi.fn(() => new Promise(() => {}));
  vi.stubGlobal("fetch", asked);
  sessionStorage.clear();
});
afterEach(() => vi.unstubAllGlobals());

it("connects once where there was a live view", () => {
  remember();
  warmUp();
  warmUp();
  expect(asked).toHaveBeenCalledTimes(1);
  expect(String(asked.mock.calls[0]?.[0])).toContain(`/warm-${serial}/swarm-stream/info`);
});

it("does nothing where there was none", () => {
  warmUp();
  expect(asked).not.toHaveBeenCalled();
});

it("does without a storage", () => {
  vi.spyOn(globalThis, "sessionStorage", "get").mockImplementation(() => {
    throw new DOMException("no storage", "SecurityError");
  });
  remember();
  warmUp();
  expect(asked).not.toHaveBeenCalled();
});
