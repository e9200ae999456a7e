// @vitest-environment jsdom
/** The buttons of a view and its answer box: pressed once, told what became of it. */

import { expect, it } from "vitest";
import { ALICE, button, events, give, host, root, START, sent } from "./stage.ts";

it("presses buttons that the run can obey, and says why others cannot be pressed", () => {
  events(START);
  expect(button("Stop").getAttribute("aria-disabled")).toBe("true");
  expect(button("Stop").title).toBe("This kind of run cannot stop");
  button("Stop").click();
  button("Pause").click();
  const frame = sent.at(-1);
  expect(frame).toMatchObject({ op: "control", stream: "a", action: "pause" });
  expect(sent.filter(({ op }) => op === "control")).toHaveLength(1);
  expect(button("Pause").title).toBe("Asked; waiting for the run");
  const id = frame?.op === "control" ? frame.id : "";
  give({ op: "controlled", stream: "a", id, ok: false, message: "it is busy" });
  expect(host.querySelector(".swst-notice")?.textContent).toBe("Could not pause: it is busy");
  events({ type: "control", id, action: "pause", by: "ann" });
  expect(root().dataset.state).toBe("paused");
  expect(button("Resume").title).toBe("Let the run go on");
});

it("shows every viewer that the run was asked to stop, until it has", () => {
  const caps = ["pause", "stop"];
  events({ ...START, caps }, ALICE, { type: "open", seg: 0, lane: 0 });
  button("Stop").click();
  expect(button("Stop").title).toBe("Asked; waiting for the run");
  // As another view learns of it, and this one after a reload.
  events({ type: "control", id: "theirs", action: "stop", by: "ann" });
  events({ type: "delta", seg: 0, text: "and one thing more" });
  expect(button("Stopping").title).toBe("It ends after the agent that is speaking");
  expect(button("Stopping").getAttribute("aria-disabled")).toBe("true");
  const before = sent.length;
  button("Stopping").click();
  expect(sent).toHaveLength(before);
  expect(button("Pause").getAttribute("aria-disabled")).toBe("false");
  events({ type: "end", t: 2000, outcome: "completed", reason: "stopped by request" });
  expect(host.querySelector<HTMLElement>(".swst-controls")?.hidden).toBe(true);
});

it("does not take what was pressed in a recording for its own", () => {
  const caps = ["pause", "stop"];
  events({ ...START, source: "recorded", caps }, ALICE);
  events({ type: "control", id: "then", action: "stop", by: "ann" });
  expect(button("Stop").getAttribute("aria-disabled")).toBe("false");
});

it("asks a person, and sends the answer once", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  expect(root().dataset.state).toBe("waiting");
  expect(host.querySelector(".swst-live")?.textContent).toBe("alice asks: Go on?");
  const box = host.querySelector("textarea");
  if (box === null) throw new Error("there is no box");
  box.value = "Ja";
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(sent.at(-1)).toMatchObject({ action: "reply", data: { request: "r1", text: "Ja" } });
  events({ type: "input_reply", request: "r1", content: "Ja", by: "ann" });
  expect(host.querySelector("textarea")).toBeNull();
  expect(host.querySelector(".swst-answer")?.textContent).toBe("ann answeredJa");
  expect(root().dataset.state).toBe("running");
});

function box(): HTMLTextAreaElement {
  const element = host.querySelector("textarea");
  if (element === null) throw new Error("there is no box");
  return element;
}

it("sends an answer once, and takes it back into the box when it is refused", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  const form = box().form;
  box().value = "Ja";
  form?.requestSubmit();
  form?.requestSubmit();
  const replies = sent.filter((frame) => frame.op === "control");
  expect(replies).toHaveLength(1);
  expect(box().readOnly).toBe(true);
  expect(host.querySelector(".swst-hint")?.textContent).toContain("on its way");
  const id = replies[0]?.op === "control" ? replies[0].id : "";
  give({ op: "controlled", stream: "a", id, ok: false, message: "the kernel is not connected" });
  expect(box().readOnly).toBe(false);
  expect(box().value).toBe("Ja");
  expect(host.querySelector(".swst-hint")?.textContent).toBe("the kernel is not connected");
  form?.requestSubmit();
  expect(sent.filter((frame) => frame.op === "control")).toHaveLength(2);
});

it("sends an empty answer only to who means it", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  const replies = () => sent.filter((frame) => frame.op === "control");
  const press = (init: KeyboardEventInit = {}) => {
    const key = { key: "Enter", bubbles: true, cancelable: true, ...init };
    box().dispatchEvent(new KeyboardEvent("keydown", key));
  };
  button("Send").click();
  expect(replies()).toHaveLength(0);
  // A double click, or a key that is held, is one answer to the question.
  button("Send an empty answer").dispatchEvent(
    new MouseEvent("click", { detail: 2, bubbles: true, cancelable: true }),
  );
  press({ repeat: true });
  expect(replies()).toHaveLength(0);
  box().value = "Ja";
  box().dispatchEvent(new Event("input", { bubbles: true }));
  box().value = "";
  box().dispatchEvent(new Event("input", { bubbles: true }));
  press();
  expect(replies()).toHaveLength(0);
  press();
  expect(replies()).toMatchObject([{ action: "reply", data: { request: "r1", text: "" } }]);
});

it("keeps what is being typed while other things happen", () => {
  events(START, ALICE, { type: "input_request", request: "r1", lane: 0, prompt: "Go on?" });
  const mine = box();
  mine.value = "half an ans";
  events({ type: "control", id: "x", action: "pause", by: "ann" });
  events({ type: "input_request", request: "r1", lane: 0, prompt: "Please: go on?" });
  expect(box()).toBe(mine);
  expect(mine.value).toBe("half an ans");
  expect(host.querySelector(".swst-input")?.textContent).toContain("Please: go on?");
});

it("takes no answer where the program asks in its own way, or nobody asks any more", () => {
  const ask = { type: "input_request", lane: 0, prompt: "Go on?" };
  events(START, ALICE, { ...ask, request: "r1", elsewhere: true }, { ...ask, request: "r2" });
  expect(host.querySelectorAll("textarea")).toHaveLength(1);
  expect(host.querySelector('[data-request="r1"]')?.textContent).toContain("in its own way");
  events({ type: "input_reply", request: "r2", withdrawn: true });
  expect(host.querySelector("textarea")).toBeNull();
  expect(host.querySelector('[data-request="r2"]')?.textContent).toContain("taken back");
  expect(root().dataset.state).toBe("running");
});

it("shows a run as paused that the log cannot take, and that it can be cancelled", () => {
  events(START);
  const status = { op: "status", stream: "a", producer: "live", viewers: 1 } as const;
  give({ ...status, notice: "the disk is full" });
  expect(root().dataset).toMatchObject({ state: "paused", connection: "held" });
  expect(host.querySelector(".swst-run")?.textContent).toBe("paused");
  expect(root().className).toBe("swst-root swst-away");
  expect(host.querySelector(".swst-note")?.textContent).toContain("The disk is full.");
  expect(button("Cancel").getAttribute("aria-disabled")).toBe("false");
  // Nobody pressed Pause, so there is nothing to resume.
  expect(button("Pause").title).toContain("Pause the run");
  give({ ...status, notice: "" });
  expect(root().dataset).toMatchObject({ state: "running", connection: "live" });
  expect(root().className).toBe("swst-root");
});

it("lets nobody press what a kernel that is not heard cannot do", () => {
  events(START);
  give({ op: "status", stream: "a", producer: "stalled", viewers: 1, notice: "" });
  expect(root().dataset.connection).toBe("stalled");
  expect(button("Cancel").title).toBe("The kernel is not heard");
  button("Cancel").click();
  expect(sent.filter(({ op }) => op === "control")).toEqual([]);
});
