"""The fold never fails, whatever it is given, and does not care how events were batched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.events import model
from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import decode_event

small = st.integers(0, 3)
words = st.text(max_size=5)
events = st.one_of(
    st.builds(model.Lane, lane=small, name=words, parent=st.none() | small),
    st.builds(model.Open, seg=small, lane=small, channel=st.sampled_from(model.CHANNELS)),
    st.builds(model.Delta, seg=small, text=words),
    st.builds(model.Close, seg=small, text=st.none() | words, partial=st.booleans()),
    st.builds(model.ToolCall, call=words, lane=small, name=words),
    st.builds(model.ToolResult, call=words, content=words),
    st.builds(model.InputReply, request=words, content=words),
    st.builds(model.Usage, lane=small, prompt_tokens=st.none() | small),
    st.builds(model.Part, index=small, count=small, data=words),
    st.builds(model.End, outcome=st.sampled_from(model.OUTCOMES)),
)


@given(st.lists(events, max_size=40))
def test_any_events_in_any_order_are_folded_and_survive_the_wire(given: list[model.Event]) -> None:
    seen, read = Transcript(), Transcript()
    seen.extend(given)  # type: ignore[arg-type]  # all are of the union
    read.extend(decode_event(model.encode_event(event)) for event in given)
    assert seen.count == len(given)
    assert seen.snapshot() == read.snapshot()


def test_pieces_that_make_no_event_are_kept_as_unknown() -> None:
    seen = Transcript()
    seen.apply(model.Part(index=0, count=1, data="no json"))
    seen.apply(model.Part(index=0, count=1, data="[1]"))
    assert [item.snapshot()["kind"] for item in seen.items] == ["unknown", "unknown"]
