"""Below the messages: WebSocket frames and HTTP requests that keep to no rule.

Tornado reads these, so how a connection ends is Tornado's to say. Ours is that it ends, that
nothing is left of it, and that the log has no traceback.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.faults.fuzz_raw import CLOSE, CONTINUED, PING, TEXT, files, frame, quiet_again, upgraded
from tests.faults.fuzzing import SEED, check_log
from tests.servers.jupyter import TOKEN, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.jupyter import JupyterServer

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(120)]

HELLO = b'{"op":"heartbeat","t":1}'
BROKEN = {
    "a reserved bit": frame(TEXT, HELLO, reserved=4),
    "an unknown kind": frame(0x3, HELLO),
    "an unknown control": frame(0xB),
    "a ping in pieces": frame(PING, b"x", final=False),
    "a long ping": frame(PING, b"x" * 200),
    "the rest of nothing": frame(CONTINUED, HELLO),
    "a message in a message": frame(TEXT, b"{", final=False) + frame(TEXT, HELLO),
    "17 MiB announced": frame(TEXT, b"", announced=17 * 2**20),
    "2^63 announced": frame(TEXT, b"", announced=2**63),
    "2^64-1 announced": frame(TEXT, b"", announced=2**64 - 1),
    "pieces of 17 MiB": frame(TEXT, b" " * 2**20, final=False)
    + frame(CONTINUED, b" " * 2**20, final=False) * 15
    + frame(CONTINUED, b" "),
    "half a close code": frame(CLOSE, b"\x03"),
    "close code 0": frame(CLOSE, b"\x00\x00"),
    "close code 65535": frame(CLOSE, b"\xff\xff"),
    "a close reason that is no UTF-8": frame(CLOSE, b"\x03\xe8\xff\xfe"),
    "no close code": frame(CLOSE),
}
ENDS = {
    "pieces over the limit": (
        frame(TEXT, b" " * 2**19, final=False) + frame(CONTINUED, b" " * 2**20),
        1009,
    ),
    "pieces that are no JSON": (frame(TEXT, b"{", final=False) + frame(CONTINUED, b"{"), 1007),
    "no UTF-8": (frame(TEXT, b'{"op":"\xff"}'), 1007),
    "half a character at a piece's end": (
        frame(TEXT, b'{"op":"\xc3', final=False) + frame(CONTINUED, b'"}'),
        1007,
    ),
    "binary": (frame(0x2, HELLO), 1007),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("server")) as made:
        yield made
        log, secret = made.log, made.secret
    check_log(log, secret, TOKEN)


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_frame_ends_its_socket_and_no_other(
    server: JupyterServer, sent: bytes
) -> None:
    async with upgraded(server) as other:
        before = files(server)
        async with upgraded(server) as raw:
            await raw.send(sent)
            await raw.end()
        await quiet_again(server, before)
        await other.send(frame(TEXT, b"no JSON"))
        assert await other.end() == 1007


@pytest.mark.parametrize(("sent", "code"), ENDS.values(), ids=ENDS.keys())
async def test_a_message_that_is_no_frame_of_ours_is_closed_with_its_code(
    server: JupyterServer, sent: bytes, code: int
) -> None:
    async with upgraded(server) as raw:
        await raw.send(sent)
        assert await raw.end() == code


async def test_a_message_in_5000_pieces_among_pings_is_read(server: JupyterServer) -> None:
    text = b" " * 5000 + HELLO
    pieces = [frame(CONTINUED, text[at : at + 1], final=False) for at in range(len(text))]
    async with upgraded(server) as raw:
        await raw.send(frame(TEXT, b"", final=False))
        await raw.send(frame(PING, b"x").join(pieces))
        await raw.send(frame(CONTINUED))
        await raw.send(frame(TEXT, b"over"))  # the first was let in, so it is this one
        assert await raw.end() == 1007


async def test_random_bytes_after_the_upgrade(server: JupyterServer) -> None:
    pick, before = random.Random(SEED), files(server)  # noqa: S311
    for _ in range(150):
        async with upgraded(server) as raw:
            await raw.send(pick.randbytes(pick.choice((1, 2, 10, 1000))))
    await quiet_again(server, before)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_WebSocket_Key": ""}, 400),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "x"}, 426),
        ({"Upgrade": ""}, 400),
        ({"Connection": "close"}, 400),
        ({"Sec_WebSocket_Protocol": ""}, 400),
        ({"Sec_WebSocket_Protocol": "\xff, ,;"}, 400),
        ({"Sec_WebSocket_Extensions": "permessage-deflate; x=y, \xff;;"}, 101),
        ({"Origin": "null"}, 101),  # with the token in a header, as in all of Jupyter
        ({"X": "y" * 100_000}, 0),  # cut by Tornado, like everywhere in Jupyter
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_broken_upgrade_has_an_answer(
    server: JupyterServer, headers: dict[str, str], status: int
) -> None:
    async with upgraded(server, **headers) as raw:
        assert raw.status == status


async def test_pings_that_nobody_reads_the_answers_of(server: JupyterServer) -> None:
    before = files(server)
    async with AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(upgraded(server)) for _ in range(5)]
        async with asyncio.TaskGroup() as together:
            for raw in raws:
                together.create_task(raw.send(frame(PING, b"x" * 125) * 50_000))
        assert server.get("api/status")["connections"] == 0
    await quiet_again(server, before)
