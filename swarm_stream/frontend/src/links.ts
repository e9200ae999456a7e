/**
 * Which addresses a model may link to, and what a reader is told of them. Pure.
 *
 * An allow-list: absolute http, https and mailto. A relative address would lead into the
 * reader's own Jupyter server, so it stays text, as every other scheme does. Images come from
 * data only: fetching one from elsewhere would let a model send out what it has read.
 */

export interface SafeLink {
  readonly href: string;
  /** Where it really leads, to be shown beside it; "" where the text already says so. */
  readonly shown: string;
  /** Whether the text looks like an address that it does not lead to, and must be no link. */
  readonly lies: boolean;
}

const SAFE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/;
/** A dot inside a word, whatever dot; a number of a host; what only addresses have. */
const LIKE_ADDRESS = /[\p{L}\p{N}][.。·‧•]\p{L}{2}|\d\.\d+\.\d|\/\/|@|[\p{Cf}\ufffd]/u;
const TRAILING = /[.,;:!?'"*_~<>|\]}]+$/;

/** The address inside `(...)`, without a title or angle brackets. */
export function destination(source: string): string {
  const text = source.trim();
  if (text.startsWith("<") && text.includes(">")) return text.slice(1, text.indexOf(">"));
  return text.replace(/\s+(?:"[^"]*"|'[^']*'|\([^)]*\))$/, "");
}

/** What a link with this text may lead to, or null if it must stay text. */
export function safeLink(address: string, text: string): SafeLink | null {
  let url: URL;
  try {
    // No base: a relative address is no address here.
    url = new URL(address);
  } catch {
    return null;
  }
  // Letters of other widths and dots of other kinds are those that a reader takes them for.
  const said = text.normalize("NFKC").trim();
  const isLike = LIKE_ADDRESS.test(said);
  if (url.protocol === "mailto:") {
    const to = url.pathname;
    // One plain address: a reader is told of no copies and of no text, so there are none.
    if (!/^[\w.+-]+@[\w.-]+$/.test(to)) return null;
    return said === to ? honest(`mailto:${to}`) : { href: `mailto:${to}`, shown: to, lies: isLike };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  // A name before the host is only there to be taken for one.
  url.username = "";
  url.password = "";
  const { href, host } = url;
  if (hostOfText(text) !== host) return { href, shown: host, lies: isLike };
  const page = /^(?:https?:\/\/)?[^/?#]+\/?$/i.test(said) || sameAddress(said, url);
  return page ? honest(href) : { href, shown: href, lies: true };
}

function honest(href: string): SafeLink {
  return { href, shown: "", lies: false };
}

/** Whether a text, with a scheme or without, is this address. */
function sameAddress(text: string, url: URL): boolean {
  const whole = /^https?:/i.test(text) ? text : `${url.protocol}//${text}`;
  const bare = (address: URL) => address.href.replace(/\/$/, "");
  return URL.canParse(whole) && bare(new URL(whole)) === bare(url);
}

export function isSafeImage(address: string): boolean {
  return SAFE_IMAGE.test(address);
}

/** Split an address found in running text from the punctuation that follows it. */
export function splitAddress(text: string): [address: string, rest: string] {
  let address = text;
  for (;;) {
    const shorter = address.replace(TRAILING, "");
    const unbalanced = shorter.endsWith(")") && count(shorter, ")") > count(shorter, "(");
    const next = unbalanced ? shorter.slice(0, -1) : shorter;
    if (next === address) return [address, text.slice(address.length)];
    address = next;
  }
}

/** The host that a reader would take the text for; "" if it looks like no address. */
function hostOfText(text: string): string {
  const match = /^(?:https?:\/\/)?([^/?#\s]+)(?:[/?#]\S*)?$/i.exec(text.trim());
  return match?.[1]?.toLowerCase() ?? "";
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
