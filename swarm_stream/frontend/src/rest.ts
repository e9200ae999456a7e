/** The server's REST interface, as far as the plain page uses it. Never throws. */

import { isObject } from "./events.ts";
import { sentence } from "./status.ts";
import { type Row, rowsOf } from "./streams.ts";

/** `now` is the server's clock, in ms since the epoch. */
export type Listing =
  | { readonly is: "listed"; readonly rows: Row[]; readonly now: number }
  | Trouble;

/** Why there is no answer, as a sentence for people. */
export interface Trouble {
  /** `away`: asking again may help. `login`: the reader has to log in. `gone`: no such stream. */
  readonly is: "away" | "login" | "forbidden" | "gone";
  readonly message: string;
}

const TIMEOUT_MS = 8000;
const FORBIDDEN = "The server does not let you do this. Ask whoever looks after it.";

export class Rest {
  constructor(readonly baseUrl: string) {}

  async list(): Promise<Listing> {
    // A page that is only open is no reason for the server to stay up.
    const answer = await this.ask("?no_track_activity=1");
    if (!(answer instanceof Response)) return answer;
    const body: unknown = await answer.json().catch(() => null);
    if (!isObject(body)) return absent();
    const now = Date.parse(answer.headers.get("date") ?? "");
    return { is: "listed", rows: rowsOf(body), now: Number.isNaN(now) ? Date.now() : now };
  }

  /** Delete a stream; gives what went wrong, or "". One that is gone already counts as deleted. */
  async remove(stream: string): Promise<string> {
    const headers = { "X-XSRFToken": cookie("_xsrf", document.cookie) };
    const answer = await this.ask(`/${encodeURIComponent(stream)}`, { method: "DELETE", headers });
    if (answer instanceof Response || answer.is === "gone") return "";
    return answer.message;
  }

  /** Address of a stream's events, as JSON lines. */
  events(stream: string): string {
    return `${this.baseUrl}swarm-stream/api/streams/${encodeURIComponent(stream)}/events`;
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response | Trouble> {
    try {
      const answer = await fetch(`${this.baseUrl}swarm-stream/api/streams${path}`, {
        ...init,
        credentials: "same-origin",
        cache: "no-cache",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      // A server that sends anonymous visitors to its login page answers 200 from there.
      if (answer.redirected && answer.url.includes("login")) return login();
      return answer.ok ? answer : await refusal(answer);
    } catch {
      return { is: "away", message: "The Jupyter server does not answer." };
    }
  }
}

async function refusal(answer: Response): Promise<Trouble> {
  const body: unknown = await answer.json().catch(() => null);
  const said = isObject(body) && typeof body.message === "string" ? body.message : "";
  switch (answer.status) {
    case 401:
    case 403:
      return said.includes("not authorized") ? { is: "forbidden", message: FORBIDDEN } : login();
    case 404:
      return said.includes("no stream") ? { is: "gone", message: said } : absent();
    default:
      return said === ""
        ? { is: "away", message: `The Jupyter server failed (status ${answer.status}).` }
        : { is: "away", message: sentence(said) };
  }
}

function login(): Trouble {
  return { is: "login", message: "Jupyter does not accept this page's login any more." };
}

function absent(): Trouble {
  return {
    is: "away",
    message:
      "This Jupyter server has no swarm_stream extension (any more). Install swarm-stream where " +
      "the server runs and start it again.",
  };
}

/** A cookie's value, the one of the longest path, as browsers give it first; "" without one. */
export function cookie(name: string, cookies: string): string {
  for (const one of cookies.split("; ")) {
    if (one.startsWith(`${name}=`)) return one.slice(name.length + 1);
  }
  return "";
}
