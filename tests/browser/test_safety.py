"""Nothing that a stranger's text says runs, loads, leads astray or breaks the view.

The corpus of ``tests/vectors/safety`` in every place where a text can be: in the live view, cut
anywhere, and in what stays in the notebook file. ``net.py`` tells what a page did, and
``inspect.ts`` what is in it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import Unknown, decode_event
from swarm_stream.views import markdown
from swarm_stream.views.static import to_html, to_markdown, to_text
from tests.browser.bare import ORIGIN, bare_page
from tests.browser.net import Net
from tests.vectors.payloads import Payload, payloads, said

if TYPE_CHECKING:
    from collections.abc import Iterator

# Fifteen seconds of a processor, which may be shared.
pytestmark = pytest.mark.timeout(240)
# Views that are in a page at once.
AT_ONCE = 20
KEPT_AT_ONCE = 40
# Kinds that could do something only where they are drawn, which is most of the time it takes.
SEEN = {"html", "svg", "css"}
# Shows runs, does to each view what a reader could, and gives what is wrong and what would stay.
LIVE = """
async (given) => {
  const frame = () => new Promise(requestAnimationFrame);
  document.body.replaceChildren();
  const runs = given.map((run) => {
    const {text, events, seen} = JSON.parse(run);
    const host = document.body.appendChild(document.createElement('div'));
    host.hidden = !seen;
    const stream = text || 'plain';
    const view = swst.open(stream, host);
    view.connect(0, 0, {title: text});
    view.events(events);
    return {view, stream, text, root: host.firstElementChild};
  });
  await frame();
  for (const {view, stream, text} of runs) {
    view.frame({op: 'status', stream, producer: 'live', viewers: 1, notice: text});
    view.frame({op: 'controlled', stream, id: 'x', ok: false, message: text});
    view.frame({op: 'error', stream, code: text, message: text, cause: ''});
  }
  await frame();
  const clicked = new Map();
  const stay = (event) => {
    const {href} = event.target.closest('a') ?? {};
    if (href === undefined) return;
    event.preventDefault();
    clicked.set(href.slice(0, 8), 1 + (clicked.get(href.slice(0, 8)) ?? 0));
  };
  addEventListener('click', stay);
  for (const {root} of runs)
    for (const element of root.querySelectorAll('a, summary, button:not(.swst-scrub *)'))
      element.click?.(); // an element that was let through may have no such thing
  await frame();
  removeEventListener('click', stay);
  return {
    clicked: Object.fromEntries(clicked),
    runs: runs.map(({view, root}) => {
      const {state} = root.dataset;
      const shown = {faults: swst.faults(root, 'view'), kept: view.kept(), state};
      view.view.dispose();
      return shown;
    }),
  };
}
"""
# Draws texts whole, letter by letter, and cut in two at every place, or at some of a long one.
CUT = """
(texts) => {
  const found = [];
  let drawn = 0;
  const draw = (pieces, after) => {
    const host = document.body.appendChild(document.createElement('div'));
    swst.markdown(host, pieces, after && (() => after(host)));
    const html = host.innerHTML;
    host.remove();
    drawn += 1;
    return html;
  };
  for (const text of texts) {
    const letters = [...text];
    const whole = draw([text]);
    const step = letters.length > 400 ? Math.ceil(letters.length / 7) : 1;
    const faults = new Set();
    const look = step > 1 ? undefined
      : (host) => swst.faults(host, 'view').forEach((fault) => faults.add(fault));
    if (draw(letters, look) !== whole) found.push(`letter by letter: ${text}`);
    for (let at = 1; at < letters.length; at += step) {
      const pieces = [letters.slice(0, at).join(''), letters.slice(at).join('')];
      if (draw(pieces) !== whole) found.push(`cut at ${at}: ${text}`);
    }
    for (const fault of faults) found.push(`${fault} on the way: ${text}`);
  }
  return {found, drawn};
}
"""

# Inspects the documents that the page was made of, then puts each into the page by itself, and
# has our own renderer draw what was kept as Markdown and as text.
KEPT = """
async (given) => {
  const roots = [...document.body.children];
  const found = roots.flatMap((root) => swst.faults(root, 'static'));
  if (roots.length !== given.length || document.body.textContent.trim() === '')
    found.push(`${roots.length} documents of ${given.length}`);
  for (const root of roots) for (const summary of root.querySelectorAll('summary')) summary.click();
  document.body.replaceChildren();
  for (const one of given) {
    const {html, markdown, text} = JSON.parse(one);
    const host = document.body.appendChild(document.createElement('div'));
    host.hidden = true;
    host.innerHTML = html;
    const [root, ...rest] = host.children;
    found.push(...swst.faults(root, 'static'), ...rest.map((more) => `outside: ${more.outerHTML}`));
    host.replaceChildren();
    const bundle = {'text/html': html, 'text/markdown': markdown, 'text/plain': text};
    const output = {stream: 'x', server: '', title: text.slice(0, 999)};
    swst.showStatic(host, output, bundle, output.title);
    swst.showStatic(host, output, {'text/plain': text}, '');
    for (const view of host.children) found.push(...swst.faults(view, 'view'));
    host.remove();
  }
  return found;
}
"""
# The parts of each line with names of strangers, from the left to the right.
ORDER = """
async (events) => {
  document.body.replaceChildren();
  const view = swst.open('order');
  view.connect();
  view.events(events);
  await new Promise(requestAnimationFrame);
  const left = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getBoundingClientRect().left;
  };
  return [...document.querySelectorAll('.swst-line, .swst-answer .swst-kind')].map((line) =>
    [...line.childNodes].sort((a, b) => left(a) - left(b)).map((node) => node.textContent));
}
"""
# What is wrong with texts that are let through as HTML.
RAW = """
(texts) => texts.map((text) => {
  const host = document.body.appendChild(document.createElement('div'));
  host.innerHTML = text;
  return swst.faults(host, 'static');
})
"""
# Those that are for other places than this, and what browsers let go of at an end or in a body.
HARMLESS = {
    "attribute list", "body", "entities", "entities twice", "frames", "our variable",
    "out of a single quote", "out of a value", "out of an attribute", "picture without an end",
    "server side", "utf 7",
}  # fmt: skip
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
CAUGHT = {
    "<script>pwned('x')</script>": "pwned x",
    "<img src=x onerror=pwned('x')>": "pwned x",
    "<script>alert('x')</script>": "alert x",
    "<img src=https://evil.test/x>": "request https://evil.test/x",
    "<p style='background:url(https://evil.test/x)'>x": "request https://evil.test/x",
    "<iframe srcdoc=x></iframe>": "frame",
    "<iframe srcdoc='<script>parent.pwned(1)</script>'></iframe>": "pwned 1",
    "<meta http-equiv=refresh content='0;url=https://evil.test/x'>": "request https://evil.test/x",
    "<script>throw Error('x')</script>": "error x",
    "<script>new WebSocket('wss://evil.test/x')</script>": "socket wss://evil.test/x",
    "<script>navigator.sendBeacon('https://evil.test/x')</script>": "request https://evil.test/x",
    "<a href='javascript:pwned(1)'>x</a><script>document.links[0].click()</script>": "pwned 1",
    "<base href=https://evil.test/x>": "policy base-uri",
    "<svg onload=pwned(1)>": "pwned 1",
}


@pytest.fixture(scope="module")
def net(browser: Any) -> Iterator[Net]:
    net = Net(browser)
    yield net
    net.page.context.close()


@pytest.fixture(scope="module")
def shown(net: Net) -> dict[str, Any]:
    """All runs, as the live view shows them: faults, what was caught, what would be kept."""
    runs = [
        json.dumps({"text": p.text, "events": p.run(), "seen": p.kind in SEEN}) for p in payloads()
    ]
    shown: dict[str, Any] = {"runs": [], "caught": [], "clicked": {}}
    for first in range(0, len(runs), AT_ONCE):
        some = net.page.evaluate(LIVE, runs[first : first + AT_ONCE])
        shown["runs"] += some["runs"]
        shown["caught"] += net.caught()
        for scheme, count in some["clicked"].items():
            shown["clicked"][scheme] = shown["clicked"].get(scheme, 0) + count
    return shown


def test_the_live_view(shown: dict[str, Any]) -> None:
    assert shown["caught"] == []
    faults = {
        payload.id: run["faults"]
        for payload, run in zip(payloads(), shown["runs"], strict=True)
        if run["faults"]
    }
    assert faults == {}
    # All of each was drawn: the end is the last event.
    assert {run["state"] for run in shown["runs"]} == {"failed"}
    assert set(shown["clicked"]) > {"https://", "mailto:a"}


def test_markdown_cut_anywhere(net: Net) -> None:
    result = net.page.evaluate(CUT, [p.text for p in payloads() if p.text])
    assert result["found"] == []
    assert result["drawn"] > 10_000
    assert net.caught() == []


def folded(payload: Payload) -> Transcript:
    transcript = Transcript()
    for event in payload.run():
        try:
            transcript.apply(decode_event(json.dumps(event)))
        except msgspec.DecodeError:
            transcript.apply(Unknown(type=""))  # no object: no producer may send it
    return transcript


def test_both_twins_keep_the_same(shown: dict[str, Any]) -> None:
    for payload, run in zip(payloads(), shown["runs"], strict=True):
        if payload.is_readable:
            transcript, kept = folded(payload), run["kept"]
            assert to_html(transcript) == kept["html"], payload.id
            assert to_markdown(transcript) == kept["markdown"], payload.id
            assert to_text(transcript) == kept["text"], payload.id


def test_what_is_kept(net: Net, shown: dict[str, Any]) -> None:
    kept = [run["kept"] for run in shown["runs"]]
    for first in range(0, len(kept), KEPT_AT_ONCE):
        some = kept[first : first + KEPT_AT_ONCE]
        # As a document, and as Jupyter puts it into its page.
        net.show("".join(one["html"] for one in some))
        assert net.page.evaluate(KEPT, [json.dumps(one) for one in some]) == []
        assert net.caught() == []


@pytest.mark.parametrize("who", ["page", "kernel"])
def test_what_is_kept_of_markdown(net: Net, shown: dict[str, Any], who: str) -> None:
    if who == "page":
        kept = [run["kept"]["drawn"] for run in shown["runs"]]
    else:
        readable = [payload for payload in payloads() if payload.is_readable]
        kept = [to_html(folded(payload), markdown.Renderer()) for payload in readable]
    for first in range(0, len(kept), KEPT_AT_ONCE):
        some = [
            {"html": html, "markdown": "", "text": "x"}
            for html in kept[first : first + KEPT_AT_ONCE]
        ]
        net.show("".join(one["html"] for one in some))
        assert net.page.evaluate(KEPT, [json.dumps(one) for one in some]) == []
        assert net.caught() == []


def test_nothing_that_a_terminal_obeys_is_kept(shown: dict[str, Any]) -> None:
    for payload, run in zip(payloads(), shown["runs"], strict=True):
        for form, text in run["kept"].items():
            assert not OBEYED.search(text), (payload.id, form)


def test_a_name_does_not_reorder_its_line(net: Net) -> None:
    """A name from the right to the left stays where it belongs; the words around it, too."""
    events = [
        {"type": "lane", "lane": 0, "name": "אבי"},
        {"type": "lane", "lane": 1, "name": "דני"},
        {"type": "handoff", "lane": 0, "target": "דני"},
        {"type": "select", "lanes": [0, 1]},
        {"type": "input_request", "request": "r", "lane": 0, "prompt": "?"},
        {"type": "input_reply", "request": "r", "content": "!", "by": "דני (1)"},
    ]
    lines = net.page.evaluate(ORDER, events)
    assert lines == [
        ["אבי", " → ", "דני"],
        ["next: ", "אבי", ", ", "דני"],
        ["דני (1)", " ", "answered"],
    ]
    assert net.caught() == []


def test_a_link_opens_apart(browser: Any) -> None:
    page = bare_page(browser)
    told = "<script>document.title = `${opener} ${document.referrer}`</script>"
    page.context.route(
        "https://good.example/**", lambda route: route.fulfill(body=told, content_type="text/html")
    )
    text = "[x](https://good.example/x) https://good.example/y"
    page.evaluate(
        "events => { const view = swst.open('s'); view.connect(); view.events(events); }",
        [{"type": "lane", "lane": 0, "name": "a"}, *said(0, 0, text)],
    )
    # Browsers that look up the hosts of links they show are told not to.
    assert page.locator('meta[http-equiv="x-dns-prefetch-control"][content="off"]').count() == 1
    with page.context.expect_page() as opened:
        page.locator(".swst-md a").first.click()
    opened.value.wait_for_load_state()
    assert opened.value.url == "https://good.example/x"
    assert opened.value.title() == "null"
    assert page.url == f"{ORIGIN}/"
    page.context.close()


@pytest.mark.parametrize(("html", "caught"), CAUGHT.items())
def test_the_net_catches(net: Net, html: str, caught: str) -> None:
    net.show(html)
    assert any(one.startswith(caught) for one in net.caught())


def test_the_inspector_finds_what_is_let_through(net: Net) -> None:
    raw = [p for p in payloads() if p.kind in {"html", "svg", "css"}]
    net.show("")
    found = net.page.evaluate(RAW, [p.text for p in raw])
    quiet = {p.name for p, faults in zip(raw, found, strict=True) if not faults}
    assert quiet <= HARMLESS
    net.page.evaluate("document.body.replaceChildren()")
    net.caught()
