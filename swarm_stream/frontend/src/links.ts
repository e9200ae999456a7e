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
}

const SAFE_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/;
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
  if (url.protocol === "mailto:") {
    const to = decodeSafely(url.pathname);
    return { href: url.href, shown: text.trim() === to ? "" : to };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return { href: url.href, shown: hostOfText(text) === url.host ? "" : url.host };
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

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
