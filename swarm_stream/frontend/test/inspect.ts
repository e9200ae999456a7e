/**
 * What is wrong with a page that shows a stranger's text. Asks nothing of `src`: the opinion of
 * somebody who only knows what such a page may hold.
 */

const TAGS = {
  view:
    "a bdi blockquote br button code details div em form h3 h4 h5 h6 hr img input li ol p pre s span " +
    "strong style summary table tbody td textarea th thead tr ul option path select svg",
  static:
    "a b bdi blockquote br code details div em h3 h4 h5 h6 hr img input li ol p pre s span strong summary " +
    "table tbody td th thead tr ul",
} as const;
export type Place = keyof typeof TAGS;

const ATTRIBUTES = {
  view: /^(?:class|role|tabindex|type|title|hidden|open|rows|start|checked|disabled|(?:data|aria)-[a-z-]+)$/,
  static: /^(?:type|open|start|checked|disabled|data-swarm-stream-static)$/,
} as const;
const BY_TAG: Readonly<Record<string, string>> = {
  a: "href target rel",
  img: "src alt",
  input: "min max step",
  option: "value",
  svg: "viewBox preserveAspectRatio height",
  path: "d fill",
};
/** What is drawn of a run: lines, of numbers only. */
const DRAWN = /^(?:[MHVLhvlmz\d .-]*|#[0-9a-f]{6}|none)$/;
const STYLES = {
  view: /^(?:--swst-lane: #[0-9a-f]{6}; --swst-depth: \d{1,2};|--swst-row: \d+px;|left: [\d.]+%;)$/,
  static:
    /^(?:(?:border|margin|padding|font|line|overflow|opacity|text|white|word|max)[a-z-]*:(?:[\w .%#,-]|rgba\([\d,.]+\))+(?:;|$))+$/,
} as const;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/;

/** What no reader sees or what moves other letters about, but for spaces and line ends. */
const UNSHOWN = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u;
/** Of no width. */
const HIDDEN = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff]|[\u{e0000}-\u{e007f}]/u;
const NAMES = ".swst-name, .swst-map-names bdi, .swst-path, .swst-tool-name, .swst-line bdi";
const MAX_LEVELS = 50;

/** A host as a reader may see one, also where browsers see none. */
const HOSTS = /[\p{L}\p{N}-]+(?:[.。·‧•][\p{L}\p{N}-]+)*[.。·‧•]\p{L}{2,}|\d+\.\d+\.\d+\.\d+/gu;

/** All that is wrong with what is shown below `root`, in words. */
export function faults(root: Element, place: Place): string[] {
  const found: string[] = [];
  const tags = new Set(TAGS[place].split(" "));
  for (const element of [root, ...root.querySelectorAll("*")]) {
    const tag = element.localName;
    const space = tag === "svg" || tag === "path" ? "2000/svg" : "1999/xhtml";
    const known = tags.has(tag) && element.namespaceURI === `http://www.w3.org/${space}`;
    if (!known) found.push(`an element <${tag}>`);
    if (tag === "style" && element.parentElement !== root) found.push("a style inside");
    for (const { name, value } of element.attributes) {
      const mine = (BY_TAG[tag] ?? "").split(" ").includes(name);
      const style = name === "style" && STYLES[place].test(value);
      if (!mine && !style && !ATTRIBUTES[place].test(name))
        found.push(`${tag} has ${name}="${value}"`);
      if (tag === "path" && name !== "class" && !DRAWN.test(value)) found.push(`drawn: ${value}`);
      if (name === "class" && /(?:^|\s)(?!swst-)\S/.test(value)) found.push(`class "${value}"`);
      if (/^(?:title|alt|aria-.*)$/.test(name) && UNSHOWN.test(value)) {
        found.push(`${name} with ${JSON.stringify(value)}`);
      }
    }
    if (tag === "img" && !PICTURE.test(element.getAttribute("src") ?? "")) {
      found.push(`a picture from ${element.getAttribute("src")}`);
    }
    if (element instanceof HTMLAnchorElement) found.push(...linkFaults(element));
    const isSlider = element.matches(".swst-slider[type=range]");
    const isBox = element.matches("[type=checkbox]:disabled");
    if (element instanceof HTMLInputElement && !isSlider && !isBox) {
      found.push("an input");
    }
    if (element.matches(NAMES) && HIDDEN.test(element.textContent ?? "")) {
      found.push(`a name with ${JSON.stringify(element.textContent)}`);
    }
  }
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    if (node instanceof Element) continue;
    if (!(node instanceof Text)) found.push("a node that is no text");
    const bad = UNSHOWN.exec(node.nodeValue ?? "");
    if (bad !== null) found.push(`text with ${JSON.stringify(bad[0])}`);
  }
  const levels = depth(root);
  if (levels > MAX_LEVELS) found.push(`${levels} levels of elements`);
  return [...new Set(found)];
}

function linkFaults(link: HTMLAnchorElement): string[] {
  const href = link.getAttribute("href") ?? "";
  const found: string[] = [];
  if (!/^(?:https?:\/\/|mailto:)[!-~]+$/.test(href)) found.push(`a link to ${href}`);
  if (link.target !== "_blank") found.push(`a link with the target ${link.target}`);
  if (link.rel !== "noopener noreferrer") found.push(`a link with rel ${link.rel}`);
  if (link.username + link.password !== "") found.push(`a link with a user name: ${href}`);
  if (link.protocol === "mailto:" && link.search !== "")
    found.push(`more than an address: ${href}`);
  const where = link.protocol === "mailto:" ? link.pathname : link.host;
  if (link.textContent === href && href.includes(where)) return found; // the address itself
  const label = (link.textContent ?? "")
    .normalize("NFKC")
    .replace(/\p{DI}/gu, "")
    .toLowerCase();
  const next = link.nextElementSibling;
  // In what is kept nothing has a class: it is what comes next, in parentheses.
  const isBeside = next?.matches(".swst-host") || /^ \([^()]+\)$/.test(next?.textContent ?? "");
  const beside = isBeside ? (next?.textContent ?? "") : "";
  if (!`${label}${beside}`.includes(where)) found.push(`"${label}" hides ${where}`);
  // An address says first where it leads, whatever comes then.
  const itself = /^(?:https?:\/\/)?([^/?#\s]+)\S*$/.exec(label)?.[1] === where;
  for (const host of itself ? [] : (label.match(HOSTS) ?? [])) {
    if (host !== where) found.push(`"${label}" pretends to be ${host}, leads to ${where}`);
  }
  return found;
}

function depth(element: Element): number {
  let deepest = 0;
  // A list of children is kept up to date at each change of the page: thousands of them cost.
  for (let child = element.firstElementChild; child !== null; child = child.nextElementSibling) {
    deepest = Math.max(deepest, depth(child));
  }
  return deepest + 1;
}
