// @vitest-environment jsdom
/** The list keeps itself up to date, and takes nothing from under the reader. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ListPage } from "../src/list-page.ts";
import { type Listing, Rest } from "../src/rest.ts";
import { rowsOf } from "../src/streams.ts";

let answers: (() => Promise<Listing>)[];
let asked: number;
let page: ListPage;

class FakeRest extends Rest {
  override list(): Promise<Listing> {
    asked += 1;
    return (answers.length > 1 ? answers.shift() : answers[0])?.() ?? Promise.reject();
  }
}

function entry(stream: string, created: number, closed = true): Record<string, unknown> {
  const producer = closed ? "none" : "live";
  const meta = { title: `Run ${stream}` };
  return { stream, created, closed, producer, run: closed ? "completed" : "", tail: 3, meta };
}

const listed =
  (...streams: Record<string, unknown>[]) =>
  async (): Promise<Listing> => ({ is: "listed", rows: rowsOf({ streams }), now: 600_000 });

const text = (selector: string) => page.element.querySelector(selector)?.textContent ?? "";
const shown = () =>
  [...page.element.querySelectorAll<HTMLElement>("[data-stream]")].map(
    ({ dataset }) => dataset.stream,
  );
const search = () => {
  const input = page.element.querySelector("input");
  if (input === null) throw new Error("there is no search");
  return input;
};

async function show(...given: (() => Promise<Listing>)[]): Promise<void> {
  answers = given;
  page = new ListPage(new FakeRest("/"));
  document.body.replaceChildren(page.element);
  await vi.advanceTimersByTimeAsync(1);
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = 0;
  history.replaceState(null, "", "/swarm-stream/");
});
afterEach(() => {
  page.dispose();
  vi.useRealTimers();
});

it("shows the newest first, and what goes on above all", async () => {
  await show(listed(entry("a", 1), entry("b", 2), entry("c", 0, false)));
  expect(shown()).toEqual(["c", "b", "a"]);
  expect(document.title).toBe("1 live · Streams");
  expect(text(".swsp-summary")).toBe("1 live, 2 ended");
  expect(page.element.querySelector("a")?.getAttribute("href")).toBe("/swarm-stream/s/c");
  const removable = [...page.element.querySelectorAll<HTMLElement>(".swsp-delete")];
  expect(removable.map(({ hidden }) => hidden)).toEqual([true, false, false]);
});

it("asks again while it is seen, and takes no focus and makes no line anew", async () => {
  await show(
    listed(entry("b", 2), entry("a", 1)),
    listed(entry("c", 3), entry("a", 1), entry("b", 2, false)),
  );
  const link = page.element.querySelector<HTMLElement>('[data-stream="a"] a');
  link?.focus();
  await vi.advanceTimersByTimeAsync(3001);
  expect(asked).toBe(2);
  expect(shown()).toEqual(["b", "c", "a"]);
  expect(document.activeElement).toBe(link);
});

it("keeps the focus of a line that moves", async () => {
  await show(
    listed(entry("c", 3), entry("b", 2), entry("a", 1)),
    listed(entry("c", 3), entry("b", 2), entry("a", 1, false)),
  );
  const link = page.element.querySelector<HTMLElement>('[data-stream="a"] a');
  link?.focus();
  await vi.advanceTimersByTimeAsync(3001);
  expect(shown()).toEqual(["a", "c", "b"]);
  expect(document.activeElement).toBe(link);
});

it("asks nothing while it is hidden, and at once when it is seen again", async () => {
  await show(listed(entry("a", 1)));
  const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(1);
  hidden.mockReturnValue(false);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toBe(2);
  hidden.mockRestore();
});

it("drops an answer that comes after a newer question", async () => {
  let late: (listing: Listing) => void = () => {};
  const slow = () => new Promise<Listing>((resolve) => (late = resolve));
  await show(slow, listed(entry("new", 2)));
  globalThis.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(1);
  late(await listed(entry("old", 1))());
  await vi.advanceTimersByTimeAsync(1);
  expect(shown()).toEqual(["new"]);
});

it("gives a server that is slow more time", async () => {
  const slow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return listed(entry("a", 1))();
  };
  await show(slow);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(19_000);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(1500);
  expect(asked).toBe(2);
});

it("finds while one types, and what was typed is still there after a reload", async () => {
  await show(listed(entry("oslo", 2), entry("bergen", 1)));
  search().value = "OSL";
  search().dispatchEvent(new Event("input"));
  expect(shown()).toEqual(["oslo"]);
  expect(text(".swsp-summary")).toBe("1 found of 2 ended");
  page.dispose();
  await show(listed(entry("oslo", 2), entry("bergen", 1)));
  expect(shown()).toEqual(["oslo"]);
  search().value = "nowhere";
  search().dispatchEvent(new Event("input"));
  expect(shown()).toEqual([]);
  const clear = page.element.querySelector<HTMLElement>(".swsp-nothing button");
  clear?.click();
  expect(shown()).toEqual(["oslo", "bergen"]);
  expect(document.activeElement).toBe(search());
  expect(location.search).toBe("");
});

it("says how to begin where there is nothing", async () => {
  await show(listed(), listed(entry("a", 1)));
  expect(text(".swsp-nothing")).toContain("ss.stream(team");
  await vi.advanceTimersByTimeAsync(3001);
  expect(text(".swsp-nothing")).toBe("");
});

it("keeps what it has while the server is away, says so, and comes back by itself", async () => {
  const away = async (): Promise<Listing> => ({ is: "away", message: "It does not answer." });
  await show(listed(entry("a", 1)), away, listed(entry("a", 1), entry("b", 2)));
  await vi.advanceTimersByTimeAsync(3001);
  expect(shown()).toEqual(["a"]);
  expect(text(".swsp-trouble")).toMatch(/^It does not answer\. It is asked again by itself\. This/);
  await vi.advanceTimersByTimeAsync(3001);
  expect(shown()).toEqual(["b", "a"]);
  expect(text(".swsp-trouble")).toBe("");
});

it("says to log in again, where the login leads back to it", async () => {
  history.replaceState(null, "", "/swarm-stream/?q=oslo");
  const login = async (): Promise<Listing> => ({ is: "login", message: "The login is over." });
  await show(login);
  expect(text(".swsp-trouble")).toBe("The login is over. Log in again.");
  const link = page.element.querySelector<HTMLAnchorElement>(".swsp-trouble a");
  expect(link?.href).toBe(location.href);
});

it("shows a long list bit by bit", async () => {
  const many = Array.from({ length: 450 }, (_, index) => entry(`s${index}`, 1000 - index));
  await show(listed(...many));
  expect(shown()).toHaveLength(200);
  const more = page.element.querySelector<HTMLElement>(".swsp-more");
  expect(more?.textContent).toBe("Show 250 more");
  more?.click();
  expect(shown()).toHaveLength(450);
  expect(more?.hidden).toBe(true);
  expect(document.activeElement?.textContent).toBe("Run s200");
});

it("shows what anybody wrote as text", async () => {
  const title = "<img src=x onerror=alert(1)>";
  await show(listed({ ...entry("a", 1), meta: { title, agents: [title] } }));
  expect(page.element.querySelector("img")).toBeNull();
  expect(text(".swsp-title")).toBe(title);
});
