"""What strangers wrote can be shown anywhere: in a terminal, in a line of ours, in UTF-8."""

from __future__ import annotations

import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.events import model
from swarm_stream.events.fold import Pieces
from swarm_stream.events.plain import MAX_NAME, one_line, printable, shorten

# Every character, half pairs of surrogates too, and often those that matter here.
ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cc", "Cf", "Cs", "Mn"]),
        st.sampled_from("\r\n\x1b\u202e\u2066\u0301"),
    )
)


@given(ANY)
def test_nothing_is_printed_that_would_be_obeyed(text: str) -> None:
    shown = printable(text)
    assert not re.search(r"(?![\t\n])[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert not re.search("[\u0300\u0301]{17}", shown)
    shown.encode()  # no half pair is left, so it can be written
    assert printable(shown) == shown


@given(ANY)
def test_a_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert not any(category(char) == "Cc" or char in "\u200b\u2060\ufeff\u00ad" for char in line)
    assert len(shorten(text, 20)) <= 20
    assert one_line(line) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\r\nc\rd", "a\tb\nc\nd"),
        ("\x1b[2J", "\ufffd[2J"),
        ("\u202eabc\u202c", "\ufffdabc\ufffd"),
        ("\ud83d", "\ufffd"),
        ("e" + "\u0301" * 40, "e" + "\u0301" * 16),
        ("שלום \u200f(1) 👩\u200d💻 می\u200cخ", "שלום \u200f(1) 👩\u200d💻 می\u200cخ"),
    ],
)
def test_shown_as(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_names_hide_nothing_and_end() -> None:
    assert one_line(" ad\u200bmin\n a\u200db ") == "ad\ufffdmin a\ufffdb"
    assert shorten("x" * 500) == "x" * (MAX_NAME - 1) + "…"
    assert shorten("x" * MAX_NAME) == "x" * MAX_NAME


@pytest.mark.parametrize("name", ["message", "later"])
def test_pieces_of_endless_nesting_are_of_no_known_type(name: str) -> None:
    deep = f'{{"type": "{name}", "lane": 0, "content": {"[" * 90_000}{"]" * 90_000}}}'
    assert isinstance(Pieces().add(model.Part(index=0, count=1, data=deep)), model.Unknown)
