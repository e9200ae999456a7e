/** The buttons: what a reader may ask of a run, and why not, where it cannot be asked. */

import { attrs, h, setAttribute, setText } from "./dom.ts";
import type { ControlAction } from "./frames.ts";
import { randomId } from "./ids.ts";

export type SendControl = (id: string, action: ControlAction, data: unknown) => void;

/** What decides on the buttons. */
export interface Situation {
  readonly caps: readonly string[];
  readonly started: boolean;
  readonly over: boolean;
  readonly paused: boolean;
  /** Whether it was asked to stop, by whomever. */
  readonly stopping: boolean;
  readonly connected: boolean;
  /** Whether the run's kernel is there to be asked. */
  readonly heard: boolean;
}

interface Asked {
  readonly action: ControlAction;
  /** The question that it answers, for a reply. */
  readonly request: string;
}

type ButtonName = "pause" | "stop" | "cancel";

const TITLES: { readonly [K in ControlAction]: string } = {
  pause: "Pause the run before its next chunk",
  resume: "Let the run go on",
  stop: "Stop after the agent that is speaking",
  cancel: "End the run now; what was said so far is kept",
  reply: "Answer",
};
const LABELS = { pause: "Pause", resume: "Resume", stop: "Stop", cancel: "Cancel" } as const;

export class Controls {
  readonly element = attrs(h("div", "swst-controls"), { role: "group", "aria-label": "Run" });
  /** Says why a control failed. */
  readonly notice = h("div", "swst-notice");
  private readonly buttons = new Map<ButtonName, HTMLButtonElement>();
  private readonly pending = new Map<string, Asked>();
  private situation: Situation = {
    caps: [],
    started: false,
    over: false,
    paused: false,
    stopping: false,
    connected: false,
    heard: false,
  };

  constructor(
    private readonly send: SendControl,
    /** An answer to a question was not taken. */
    private readonly refused: (request: string, message: string) => void = () => {},
    private readonly announce: (text: string) => void = () => {},
  ) {
    for (const name of ["pause", "stop", "cancel"] as const) {
      const button = attrs(h("button", `swst-button swst-${name}`), { type: "button" });
      button.addEventListener("click", () => this.press(name));
      this.buttons.set(name, button);
      this.element.append(button);
    }
    this.draw();
  }

  update(situation: Situation): void {
    this.situation = situation;
    this.draw();
  }

  /** Send an answer to a question of the run. */
  reply(request: string, text: string): void {
    this.ask("reply", { request, text }, request);
  }

  /** What became of a control; ids of other views are none of ours. */
  answered(id: string, ok: boolean, message: string): void {
    const asked = this.pending.get(id);
    if (asked === undefined) return;
    this.pending.delete(id);
    const why = message || "no reason was given";
    setText(this.notice, ok ? "" : `Could not ${asked.action}: ${why}`);
    if (!ok) this.announce(`Could not ${asked.action}: ${why}`);
    if (!ok && asked.request !== "") this.refused(asked.request, why);
    this.draw();
  }

  private press(name: ButtonName): void {
    const action = this.actionOf(name);
    // The button stays in the tab order and tells why, so it is not `disabled` for the browser.
    if (this.problem(action) === "") this.ask(action, null);
  }

  private ask(action: ControlAction, data: unknown, request = ""): void {
    const id = randomId();
    this.pending.set(id, { action, request });
    setText(this.notice, "");
    this.send(id, action, data);
    this.draw();
  }

  private actionOf(name: ButtonName): "pause" | "resume" | "stop" | "cancel" {
    return name === "pause" && this.situation.paused ? "resume" : name;
  }

  /** Why this cannot be asked now; "" if it can. */
  private problem(action: ControlAction): string {
    const { caps, started, stopping, connected, heard } = this.situation;
    if (!started) return "The run has not started yet";
    if (action === "stop" && stopping) return "It ends after the agent that is speaking";
    const needs = action === "resume" ? "pause" : action;
    if (!caps.includes(needs)) return `This kind of run cannot ${action}`;
    if (!connected) return "Not connected";
    if (!heard) return "The kernel is not heard";
    const asked = [...this.pending.values()].some((one) => one.action === action);
    if (asked) return "Asked; waiting for the run";
    return "";
  }

  private draw(): void {
    this.element.hidden = this.situation.over;
    if (this.situation.over) setText(this.notice, "");
    for (const [name, button] of this.buttons) {
      const action = this.actionOf(name);
      const problem = this.problem(action);
      const isStopping = action === "stop" && this.situation.stopping;
      setText(button, isStopping ? "Stopping" : LABELS[action]);
      setAttribute(button, "title", problem === "" ? TITLES[action] : problem);
      setAttribute(button, "aria-disabled", String(problem !== ""));
    }
  }
}
