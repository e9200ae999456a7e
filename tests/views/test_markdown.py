"""Markdown as HTML: no word is lost, and nothing in it can act."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.views.markdown import to_html

TAGS = {
    "p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "div", "em",
    "strong", "s", "a", "br", "hr", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"style", "href", "target", "rel", "start"}


class Reader(HTMLParser):
    """Collects words, and refuses what must not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        if tag == "a":
            given = dict(attrs)
            assert given["rel"] == "noopener noreferrer"
            self.links.append((str(given["href"]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert tag in TAGS, tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.links and not self.links[-1][1]:
            self.links[-1] = (self.links[-1][0], data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(to_html(text))
    reader.close()
    return reader


def words(text: str) -> list[str]:
    return re.findall("ALPHA|BETA|GAMMA|DELTA", text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A *b*", '<h3 style="margin:12px 0 6px">A <em>b</em></h3>'),
        ("a <b>b</b>", '<p style="margin:0 0 8px">a &lt;b&gt;b&lt;/b&gt;</p>'),
        ("&#8238;x &amp; y", '<p style="margin:0 0 8px">&amp;#8238;x &amp;amp; y</p>'),
        ("- one\n- ~~two~~", "<ul>\n<li>one</li>\n<li><s>two</s></li>\n</ul>"),
    ],
)
def test_it_is_drawn_as_expected(text: str, html: str) -> None:
    assert to_html(text) == html


@pytest.mark.parametrize(
    ("text", "shown", "links"),
    [
        ("[x](https://a.no/b)", "x (https://a.no/b)", ["https://a.no/b"]),
        ("<https://a.no/b>", "https://a.no/b", ["https://a.no/b"]),
        ("[https://b.no](https://a.no)", "https://b.no (https://a.no)", ["https://a.no"]),
        ("[x](javascript:alert)", "x (javascript:alert)", []),
        ("[x](//a.no)", "x (//a.no)", []),
        ("[x](/lab)", "x (/lab)", []),
        ("[x](https://a.no@b.no)", "x (https://a.no@b.no)", []),
        ("[x](data:text/html,hi)", "x (data:text/html,hi)", []),
        ("![x](https://a.no/p.png)", "!x (https://a.no/p.png)", ["https://a.no/p.png"]),
        ('[x](https://a.no "t")', "x (https://a.no t)", ["https://a.no"]),
        ("[x][1]\n\n[1]: https://a.no", "[x][1]\n[1]: https://a.no", []),
    ],
)
def test_a_link_leads_where_its_own_text_says(text: str, shown: str, links: list[str]) -> None:
    found = read(text)
    assert found.text.strip() == shown
    assert found.links == [(link, link) for link in links]


MARKS = st.sampled_from(
    ["# ", "- ", "1. ", "> ", "*", "**", "_", "`", "```", "~~", "|", "\n", "\n\n", "    ", "<b>",
     "[", "](", ")", "![", "](https://a.no)", "](javascript:x)", "<script>", "&lt;", "\\", "---",
     "\n|--|--|\n", "<https://x.no>", '"', "'", "=", ":"]
)  # fmt: skip
WORDS = st.sampled_from(["ALPHA ", "BETA", " GAMMA", "DELTA\n"])


def test_columns_are_aligned_as_the_table_says() -> None:
    html = to_html("|a|b|c|d|\n|:-|-:|:-:|-|\n|1|2|3|4|")
    found = re.findall(r'<t[hd] style="[^"]*text-align:(\w+)"', html)
    assert found == ["left", "right", "center", "left"] * 2


@given(st.lists(MARKS | WORDS, max_size=40))
def test_no_word_is_lost_and_nothing_acts(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert sorted(words(read(text).text)) == sorted(words(text))


@pytest.mark.parametrize(
    "text",
    ["> " * 500 + "the end", "- " * 500 + "the end", "*a " * 500 + "the end",
     "|a|b|\n|-|-|\n|1|2|the end|"],
    ids=["quotes", "lists", "emphasis", "cells"],
)  # fmt: skip
def test_what_cannot_be_drawn_is_shown_as_written(text: str) -> None:
    assert "the end" in read(text).text
