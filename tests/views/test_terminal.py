"""A run as text: lanes one at a time, nothing that a terminal would obey."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.events import model
from swarm_stream.views.terminal import TerminalText
from tests.vectors.payloads import Payload, payloads


def shown(*events: Any, colour: bool = False) -> str:
    text = TerminalText(colour=colour)
    return "".join(text.feed(event) for event in events)


ALICE = model.Lane(lane=0, name="alice")
BOB = model.Lane(lane=1, name="bob")


def said(seg: int, lane: int, *chunks: str, partial: bool = False) -> list[Any]:
    return [
        model.Open(seg=seg, lane=lane),
        *(model.Delta(seg=seg, text=chunk) for chunk in chunks),
        model.Close(seg=seg, partial=partial),
    ]


def test_a_lane_says_its_name_and_its_text() -> None:
    events = [
        model.Start(task="go"),
        ALICE,
        *said(0, 0, "Hel", "lo"),
        *said(1, 0, "cut", partial=True),
    ]
    assert shown(*events) == "task: go\n[alice] Hello\n[alice] cut [cut off]\n"


def test_who_talks_meanwhile_is_heard_afterwards() -> None:
    assert (
        shown(
            ALICE,
            BOB,
            model.Open(seg=0, lane=0),
            model.Open(seg=1, lane=1),
            model.Delta(seg=0, text="a1 "),
            model.Delta(seg=1, text="b1 "),
            model.Delta(seg=0, text="a2"),
            model.Close(seg=0),
            model.Delta(seg=1, text="b2"),
            model.Close(seg=1),
        )
        == "[alice] a1 a2\n[bob] b1 b2\n"
    )


def test_a_line_in_the_middle_of_a_text_does_not_tear_it() -> None:
    events = [
        ALICE,
        model.Open(seg=0, lane=0),
        model.Delta(seg=0, text="one "),
        model.Control(id="1", action="pause", by="ann"),
        model.Delta(seg=0, text="two"),
        model.Close(seg=0),
    ]
    assert shown(*events) == "[alice] one \npaused by ann\n[alice] two\n"


def test_the_end_says_what_was_kept_and_how_it_ended() -> None:
    error = model.ErrorInfo(type="ValueError", message="no\x1b[2J")
    events = [
        ALICE,
        BOB,
        model.Open(seg=0, lane=0),
        model.Open(seg=1, lane=1),
        model.Delta(seg=1, text="half"),
        model.End(outcome="failed", error=error),
    ]
    assert shown(*events).splitlines() == ["[bob] half", "failed", "ValueError: no\ufffd[2J"]


def test_questions_are_open_until_somebody_has_answered() -> None:
    text = TerminalText(colour=False)
    text.feed(ALICE)
    assert text.feed(model.InputRequest(request="r", lane=0, prompt="Go?")) == "alice asks: Go?\n"
    assert list(text.asking) == ["r"]
    assert (
        text.feed(model.InputReply(request="r", content="yes", by="ann")) == "ann answered: yes\n"
    )
    assert not text.asking
    elsewhere = model.InputRequest(request="s", lane=0, prompt="Go?", elsewhere=True)
    assert "in the program" in text.feed(elsewhere)
    assert not text.asking
    assert "taken back" in text.feed(model.InputReply(request="s", withdrawn=True))


def test_tools_handoffs_and_cut_answers_have_a_line() -> None:
    lines = shown(
        ALICE,
        model.ToolCall(call="c", lane=0, name="add", arguments='{"a": 1}'),
        model.ToolResult(call="c", content="2"),
        model.Handoff(lane=0, target="bob"),
        model.Usage(lane=0, finish_reason="length"),
        model.Usage(lane=0, finish_reason="stop"),
        model.Unknown(type="new"),
    ).splitlines()
    assert lines == [
        'alice calls add({"a": 1})',
        "add gave: 2",
        "alice → bob",
        "cut off: the model reached its limit of tokens",
    ]


def test_what_comes_in_pieces_is_shown_whole() -> None:
    request = model.InputRequest(request="r", lane=0, prompt="Approve? " + "x" * 50)
    data = model.encode_event(request).decode()
    text = TerminalText(colour=False)
    text.feed(ALICE)
    assert text.feed(model.Part(index=0, count=2, data=data[:20])) == ""
    assert "Approve?" in text.feed(model.Part(index=1, count=2, data=data[20:]))
    assert list(text.asking) == ["r"]


@given(st.lists(st.tuples(st.integers(0, 2), st.text("ab\n", max_size=4)), max_size=30))
def test_no_character_is_lost_however_lanes_mix(chunks: list[tuple[int, str]]) -> None:
    opened = [model.Open(seg=seg, lane=seg) for seg in range(3)]
    deltas = [model.Delta(seg=seg, text=text) for seg, text in chunks]
    closed = [model.Close(seg=seg) for seg in (2, 0, 1)]
    lanes = [model.Lane(lane=lane, name=f"L{lane}") for lane in range(3)]
    everything = shown(*lanes, *opened, *deltas, *closed)
    for seg in range(3):
        text = "".join(piece for number, piece in chunks if number == seg)
        assert not text or f"[L{seg}] {text}\n" in everything


def test_colour_only_where_it_is_asked_for() -> None:
    assert "\x1b[" in shown(ALICE, *said(0, 0, "x"), colour=True)


@pytest.mark.parametrize("payload", payloads(), ids=lambda payload: payload.id)
def test_no_payload_reaches_a_terminal(payload: Payload) -> None:
    events = [model.decode_event(json.dumps(event)) for event in payload.run() if readable(event)]
    plain = shown(*events)
    assert not re.search(r"(?![\t\n])[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain)
    plain.encode()  # it can be written
    # In colour it is the same, but for codes of ours.
    assert re.sub(r"\x1b\[\d+m", "", shown(*events, colour=True)) == plain
    assert "failed" in plain


def readable(event: Any) -> bool:
    try:
        model.decode_event(json.dumps(event))
    except msgspec.DecodeError:
        return False
    return True


def test_names_stay_in_their_line() -> None:
    forged = "alice]\n[bob"
    lines = shown(
        model.Lane(lane=0, name=forged),
        *said(0, 0, "hi"),
        model.ToolCall(call="c", lane=0, name=forged),
        model.Handoff(lane=0, target=forged),
        model.Control(id="1", action=forged, by=forged),
    ).splitlines()
    assert lines == [
        "[alice] [bob] hi",
        "alice] [bob calls alice] [bob()",
        "alice] [bob → alice] [bob",
        "alice] [bob by alice] [bob",
    ]
