/**
 * The plain page, `{base_url}swarm-stream/`: the list of streams, or one of them.
 *
 * The server tells in attributes of the body where it is and which stream is meant
 * (`jupyter_extension/page.py`).
 */

import { h } from "./dom.ts";
import { ListPage } from "./list-page.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { Rest } from "./rest.ts";
import { pageSocket } from "./socket.ts";
import { StreamPage } from "./stream-page.ts";

const { baseUrl = "/", stream = "" } = document.body.dataset;

// The login has taken it in, and an address that holds it would be copied, and kept in a history.
const address = new URL(location.href);
if (address.searchParams.has("token")) {
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

// It connects while the page is being made.
if (stream !== "") pageSocket(baseUrl).warm();
const rest = new Rest(baseUrl);
const page = stream === "" ? new ListPage(rest) : new StreamPage(rest, stream);
document.head.append(h("style", "", PAGE_STYLE));
document.body.replaceChildren(page.element);
