"""Whatever way a client's bytes come in, its messages come out, and nothing else does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from jupyter_extension.incoming import BadFrameError, Incoming, TooBigError

LIMIT = 200_000

sizes = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
contents = st.builds(lambda size, byte: bytes([byte]) * size, sizes, st.integers(0, 255))
controls = st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125))
wholes = st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), contents)
# A message in pieces, with a control between two of them.
in_pieces = st.tuples(
    st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
    st.lists(st.binary(max_size=300), min_size=2, max_size=4),
    controls,
)


def frame(opcode: int, data: bytes, *, final: bool = True, mask: bool = True) -> bytes:
    return Frame(Opcode(opcode), data, final).serialize(mask=mask)


def written(said: list[object]) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Give the bytes of messages, and what must come of them."""
    data, wanted = b"", []
    for one in said:
        if len(one) == 2:  # type: ignore[arg-type]
            opcode, content = one  # type: ignore[misc]
            data += frame(opcode, content)
            wanted.append((int(opcode), content))
            continue
        opcode, (first, *pieces), (control, between) = one  # type: ignore[misc]
        data += frame(opcode, first, final=False) + frame(control, between)
        for number, piece in enumerate(pieces, 1):
            data += frame(Opcode.CONT, piece, final=number == len(pieces))
        wanted += [(int(control), between), (int(opcode), first + b"".join(pieces))]
    return data, wanted


@given(
    said=st.lists(wholes | controls | in_pieces, max_size=6),
    cuts=st.lists(st.integers(0, 500_000), max_size=8),
)
def test_messages_come_out_however_the_bytes_are_cut(said: list[object], cuts: list[int]) -> None:
    data, wanted = written(said)
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    incoming = Incoming(LIMIT)
    got = [message for start, end in pairwise(places) for message in incoming.feed(data[start:end])]
    assert got == wanted


def test_messages_come_out_byte_by_byte() -> None:
    said = [(1, b"a" * 130), (9, b"x"), (1, b"")]
    data = b"".join(frame(kind, content) for kind, content in said)
    incoming = Incoming(LIMIT)
    assert [m for byte in data for m in incoming.feed(bytes([byte]))] == said


@pytest.mark.parametrize(
    "data",
    [
        b"\x91\x80" + b"mask",
        b"\x09\x81" + b"mask" + b"x",
        b"\x89\xfe\x00\xc8" + b"mask" + b"x" * 200,
        frame(0, b"the rest of nothing"),
        frame(1, b"a", final=False) + frame(1, b"another"),
    ],
    ids=["a reserved bit", "a ping in pieces", "a long control", "a rest", "one in another"],
)
def test_what_is_no_frame_of_a_client_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrameError):
        list(Incoming(LIMIT).feed(data))


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\xff" + (LIMIT + 1).to_bytes(8, "big"),
        b"\x81\xff" + (2**64 - 1).to_bytes(8, "big"),
        frame(1, b"x" * LIMIT, final=False) + frame(0, b"x"),
    ],
    ids=["announced", "announced with all bits", "in pieces"],
)
def test_what_is_too_big_is_refused_before_it_is_there(data: bytes) -> None:
    with pytest.raises(TooBigError):
        list(Incoming(LIMIT).feed(data))


def test_what_is_just_not_too_big_is_taken() -> None:
    assert list(Incoming(LIMIT).feed(frame(1, b"x" * LIMIT))) == [(1, b"x" * LIMIT)]


def test_a_large_message_in_many_pieces_takes_no_longer_than_its_bytes() -> None:
    class Counted(Incoming):
        looks = 0

        def _cut(self, data: bytes, at: int) -> tuple[int, bytes, int] | None:
            self.looks += 1
            return super()._cut(data, at)

    incoming = Counted(2**24)
    data = frame(1, b"x" * 2**20)
    got = [m for at in range(0, len(data), 1000) for m in incoming.feed(data[at : at + 1000])]
    assert got == [(1, b"x" * 2**20)]
    assert incoming.looks < 5
