"""Markers are found however the chunks cut them, and nothing else is touched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.sources.autogen.think import ThinkSplitter

pieces = st.lists(
    st.one_of(
        st.sampled_from(["<think>", "</think>", "<", "<th", "ink>", "</", "think>", ">"]),
        st.text(alphabet="ab <>/think", max_size=6),
    ),
    max_size=12,
)


def split(chunks: list[str]) -> list[tuple[str, str]]:
    splitter = ThinkSplitter()
    said = [stretch for chunk in chunks for stretch in splitter.feed(chunk)]
    return said + splitter.release()


def joined(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Stretches of one channel in a row made one."""
    out: list[tuple[str, str]] = []
    for channel, text in said:
        if out and out[-1][0] == channel:
            out[-1] = (channel, out[-1][1] + text)
        else:
            out.append((channel, text))
    return out


def plainly(text: str) -> list[tuple[str, str]]:
    """The same by partition, on the whole text."""
    said: list[tuple[str, str]] = []
    channel, other, marker, next_marker = "text", "reasoning", "<think>", "</think>"
    while text:
        before, _found, text = text.partition(marker)
        if before:
            said.append((channel, before))
        channel, other = other, channel
        marker, next_marker = next_marker, marker
    return joined(said)


@given(pieces)
def test_cutting_does_not_matter(chunks: list[str]) -> None:
    assert joined(split(chunks)) == plainly("".join(chunks))


@given(st.lists(st.text(alphabet="ab <>/thin", min_size=1, max_size=8), max_size=12))
def test_chunks_without_markers_stay_as_they_were(chunks: list[str]) -> None:
    # There is no k, so there is no marker.
    assert split(chunks) == [("text", chunk) for chunk in chunks]


def test_a_chunk_leaves_at_once_unless_a_marker_may_begin_in_it() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("plain") == [("text", "plain")]
    assert splitter.feed("a < b") == [("text", "a < b")]
    assert splitter.feed("a <th") == []
    assert splitter.feed("ink>so") == [("text", "a "), ("reasoning", "so")]
    assert splitter.feed("x</think>y") == [("reasoning", "x"), ("text", "y")]


def test_markers_out_of_place_are_text() -> None:
    assert split(["a</think>b"]) == [("text", "a</think>b")]
    assert split(["<think>a<think>b</think>"]) == [("reasoning", "a<think>b")]
