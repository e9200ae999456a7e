"""Ids are minted once, segments are closed, and every text can be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.errors import LocalProtocolError
from swarm_stream.events import model
from swarm_stream.events.writer import EventWriter, well_formed


class Sink:
    def __init__(self) -> None:
        self.events: list[model.AnyEvent] = []
        self.writer = EventWriter(self.events.append, lambda: 1.0)

    def text(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, model.Delta))


def test_the_end_closes_what_is_open_as_partial() -> None:
    sink = Sink()
    lane = sink.writer.lane("alice")
    seg = sink.writer.open(lane)
    sink.writer.delta(seg, "half a")
    sink.writer.end("cancelled")
    *_, close, end = sink.events
    assert close == model.Close(t=1.0, seg=seg, partial=True)
    assert end == model.End(t=1.0, outcome="cancelled")
    assert sink.writer.open_segments == {}


def test_a_closed_segment_takes_no_more_text() -> None:
    sink = Sink()
    seg = sink.writer.open(sink.writer.lane("alice"))
    sink.writer.close(seg)
    sink.writer.close(seg)
    assert sum(isinstance(event, model.Close) for event in sink.events) == 1
    with pytest.raises(LocalProtocolError, match="not open"):
        sink.writer.delta(seg, "more")


def test_an_emoji_that_is_cut_between_two_chunks_is_one_character() -> None:
    sink = Sink()
    seg = sink.writer.open(sink.writer.lane("alice"))
    sink.writer.delta(seg, "so \ud83d")
    sink.writer.delta(seg, "\ude00 it")
    sink.writer.close(seg)
    assert sink.text() == "so \U0001f600 it"


def test_half_an_emoji_at_the_end_is_shown_as_unreadable_not_dropped() -> None:
    sink = Sink()
    seg = sink.writer.open(sink.writer.lane("alice"))
    sink.writer.delta(seg, "so \ud83d")
    sink.writer.close(seg)
    assert sink.text() == "so \ufffd"


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=40))
def test_whatever_a_model_says_can_be_sent(text: str) -> None:
    delta = model.Delta(seg=0, text=well_formed(text))
    assert model.decode_event(model.encode_event(delta)) == delta


@given(
    st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60),
    st.integers(min_value=1, max_value=5),
)
def test_text_cut_anywhere_in_utf_16_arrives_whole(text: str, size: int) -> None:
    # As a server in JavaScript cuts it: between code units, through a pair of surrogates.
    units = text.encode("utf-16-le")
    cuts = [units[at : at + 2 * size] for at in range(0, len(units), 2 * size)]
    sink = Sink()
    seg = sink.writer.open(sink.writer.lane("alice"))
    for cut in cuts:
        sink.writer.delta(seg, cut.decode("utf-16-le", "surrogatepass"))
    sink.writer.close(seg)
    assert sink.text() == text


def test_calls_without_an_id_get_one_each() -> None:
    sink = Sink()
    lane = sink.writer.lane("alice")
    calls = {sink.writer.tool_call(lane, "f", "{}") for _ in range(3)}
    assert len(calls) == 3


def test_plain_json_is_cleaned_all_the_way_down() -> None:
    sink = Sink()
    sink.writer.raw({"a": ["\ud800", {"\udc00": 1}], "b": 2.5})
    assert model.encode_event(sink.events[-1])
