"""What a model wrote as Markdown, as HTML that is safe in any page.

CommonMark with tables and strikethrough, by markdown-it: no raw HTML, no images, no entities
(which could write what was taken out of the text), no reference definitions (which nobody would
see). A link's text is shown as text, with its address behind it, and only the address is a link:
so no text can pretend to lead somewhere else.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["Renderer", "to_html"]

MAX_NESTING: Final = 24
MAX_CHARS: Final = 100_000
_TAG: Final = re.compile("<[^>]*>")
_NO_LETTER: Final = re.compile("[^a-z]+")

_LINE: Final = "1px solid rgba(128,128,128,.4)"
_STYLES: Final = {
    "block": "margin:4px 0 4px 12px",
    "pre": "white-space:pre-wrap;word-break:normal;"
    f"border:{_LINE};border-radius:6px;padding:8px 10px;margin:0 0 8px",
    "blockquote": "border-left:3px solid rgba(128,128,128,.4);margin:0 0 8px;padding-left:10px",
    "table": "border-collapse:collapse;margin:0 0 8px",
    "cell": f"border:{_LINE};padding:3px 9px;text-align:",
    "p": "margin:0 0 8px",
    "heading": "margin:12px 0 6px",
    "label": "font-size:11px;opacity:.75",
}
# Browsers take "2130706433" and "0x7f.1" for 127.0.0.1, which is not what a reader sees.
_HOST: Final = (
    r"(?:(?:[\w-]+\.)*[A-Za-z][\w-]*\.?|(?:[1-9]?\d|[12]\d\d)(?:\.(?:[1-9]?\d|[12]\d\d)){3})"
)
_ADDRESS: Final = re.compile(
    rf"https?://{_HOST}(?::\d+)?(?:[/?#][!-~]*)?|mailto:[\w.+-]+@[\w.-]+", re.ASCII
)
"""What may be linked to: absolute, printable ASCII, and nothing before the host."""


class Renderer:
    """Makes the texts of one transcript into HTML; beyond ``MAX_CHARS`` they stay as written.

    A longer conversation would hold up the kernel for seconds at its end.
    """

    def __init__(self) -> None:
        self._left = MAX_CHARS

    def __call__(self, text: str) -> str:
        """Give a block of HTML for a text."""
        self._left -= len(text)
        html = to_html(text) if self._left >= 0 else _as_written(text)
        return f'<div style="{_STYLES["block"]}">{html}</div>'


def to_html(text: str) -> str:
    """Give safe HTML for ``text``; all of its words are in it."""
    html = str(_parser().render(text)).rstrip("\n")
    if _says(unescape(_TAG.sub("", html)), text):
        return html
    # The parser drops what is nested too deeply, and cells that a table has no column for.
    return _as_written(text)


def _as_written(text: str) -> str:
    return f'<pre style="{_STYLES["pre"]}">{escape(text)}</pre>'


def _says(shown: str, text: str) -> bool:
    """Tell whether all letters of a text are shown, in their order."""
    letters = iter(_NO_LETTER.sub("", shown.lower()))
    return all(letter in letters for letter in _NO_LETTER.sub("", text.lower()))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  (140 ms, and needed when a run has ended)

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"]).disable(["image", "entity", "reference"])
    # Every address is kept as text; which of them may be followed is decided here.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    rules: dict[str, Callable[..., str]] = parser.renderer.rules  # type: ignore[attr-defined]
    rules |= {
        "link_open": _link_open,
        "link_close": _link_close,
        "heading_open": _heading,
        "heading_close": _heading,
        "fence": _code,
        "code_block": _code,
        "paragraph_open": _paragraph,
        "blockquote_open": lambda *_: f'<blockquote style="{_STYLES["blockquote"]}">\n',
        "table_open": lambda *_: f'<table style="{_STYLES["table"]}">\n',
        "th_open": _cell,
        "td_open": _cell,
    }
    return parser


def _link_open(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    address = _address_of(tokens[index])
    says_itself = tokens[index + 1].content == address and tokens[index + 2].type == "link_close"
    return _anchor(address) if says_itself and _ADDRESS.fullmatch(address) else ""


def _link_close(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    """End a link, and write its address behind its text."""
    opened = index - 1
    while tokens[opened].type != "link_open" or tokens[opened].level != tokens[index].level:
        opened -= 1
    if _link_open(tokens, opened):
        return "</a>"
    address, title = _address_of(tokens[opened]), str(tokens[opened].attrs.get("title", ""))
    shown = escape(address)
    if _ADDRESS.fullmatch(address):
        shown = f"{_anchor(address)}{shown}</a>"
    return f" ({shown}{' ' if title else ''}{escape(title)})"


def _address_of(token: Token) -> str:
    return str(token.attrs.get("href", ""))


def _anchor(address: str) -> str:
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">'


def _cell(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    token = tokens[index]
    align = str(token.attrs.get("style", "")).removeprefix("text-align:") or "left"
    return f'<{token.tag} style="{_STYLES["cell"]}{align}">'


def _heading(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    token = tokens[index]
    # A run's text is a part of somebody's page, whose own headings come first.
    tag = f"h{min(6, int(token.tag[1:]) + 2)}"
    return f"</{tag}>\n" if token.nesting < 0 else f'<{tag} style="{_STYLES["heading"]}">'


def _paragraph(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    return "" if tokens[index].hidden else f'<p style="{_STYLES["p"]}">'


def _code(tokens: Sequence[Token], index: int, *_rest: object) -> str:
    token = tokens[index]
    label = f'<div style="{_STYLES["label"]}">{escape(token.info)}</div>' if token.info else ""
    code = escape(token.content.removesuffix("\n"))
    return f'{label}<pre style="{_STYLES["pre"]}"><code>{code}</code></pre>\n'
