// @vitest-environment jsdom
/** What the server's answers mean for somebody who looks at the page. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { cookie, Rest } from "../src/rest.ts";

const rest = new Rest("/a%40b/");
let fetched: ReturnType<typeof vi.fn>;

function answers(status: number, body: unknown, more: Partial<Response> = {}): void {
  const text = body === undefined ? null : JSON.stringify(body);
  const headers = { date: "Fri, 27 Nov 2026 03:26:00 GMT" };
  const answer = new Response(text, { status, headers });
  for (const [name, value] of Object.entries(more)) Object.defineProperty(answer, name, { value });
  fetched.mockResolvedValue(answer);
}

beforeEach(() => {
  fetched = vi.fn();
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => vi.unstubAllGlobals());

it("lists the streams, by the server's clock, and is no reason for it to stay up", async () => {
  answers(200, { streams: [{ stream: "a" }] });
  const listing = await rest.list();
  if (listing.is !== "listed") throw new Error(listing.message);
  expect(listing.now).toBe(Date.UTC(2026, 10, 27, 3, 26));
  expect(listing.rows.map(({ stream }) => stream)).toEqual(["a"]);
  expect(fetched.mock.calls[0]?.[0]).toBe("/a%40b/swarm-stream/api/streams?no_track_activity=1");
});

it.each([
  [403, { message: "Forbidden" }, "login", "login any more"],
  [401, {}, "login", "login any more"],
  [403, { message: "User is not authorized to read on resource" }, "forbidden", "Ask whoever"],
  [404, {}, "away", "no swarm_stream extension"],
  [503, { message: "the disk is gone; bring it back" }, "away", "The disk is gone; bring it back."],
  [502, undefined, "away", "status 502"],
])("%i with %o is %s", async (status, body, is, words) => {
  answers(status, body);
  const listing = await rest.list();
  expect(listing.is).toBe(is);
  expect(listing.is === "listed" ? "" : listing.message).toContain(words);
});

it("takes a login page for what it is", async () => {
  answers(200, undefined, { redirected: true, url: "http://x/login?next=/" });
  expect((await rest.list()).is).toBe("login");
});

it("takes a page of somebody else's for no list", async () => {
  answers(200, undefined);
  expect((await rest.list()).is).toBe("away");
});

it("says that the server is away", async () => {
  fetched.mockRejectedValue(new TypeError("no network"));
  expect(await rest.list()).toEqual({
    is: "away",
    message: "The Jupyter server does not answer.",
  });
});

it("deletes with the page's token", async () => {
  // biome-ignore lint/suspicious/noDocumentCookie: as a browser has it
  document.cookie = "_xsrf=2|abc|def";
  answers(204, undefined);
  expect(await rest.remove("a~b")).toBe("");
  const [address, init] = fetched.mock.calls[0] ?? [];
  expect(address).toBe("/a%40b/swarm-stream/api/streams/a~b");
  expect(init).toMatchObject({ method: "DELETE", headers: { "X-XSRFToken": "2|abc|def" } });
});

it("takes a stream that is gone for deleted, and says why another one was not", async () => {
  answers(404, { message: "no stream 'a' here. ss.streams() lists the ones of this server" });
  expect(await rest.remove("a")).toBe("");
  answers(409, { message: "its run goes on; cancel it first" });
  expect(await rest.remove("a")).toBe("Its run goes on; cancel it first.");
  answers(404, {});
  expect(await rest.remove("a")).toContain("no swarm_stream extension");
});

it("reads the cookie of the longest path", () => {
  expect(cookie("_xsrf", "a=1; _xsrf=near; _xsrf=far; x_xsrf=2")).toBe("near");
  expect(cookie("_xsrf", "x_xsrf=2")).toBe("");
});
