"""Whatever is sent, a socket answers or closes as PROTOCOL.md says, and nobody else notices.

``SWARM_STREAM_FUZZ_FRAMES`` sets how many messages all tests of this kind send together, and
``SWARM_STREAM_FUZZ_SEED`` which ones. A release is held against 1,000,000 of them.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from swarm_stream.events.model import Raw, Unknown, decode_event, decode_events
from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.protocol.frames import Append, decode_client_frame
from swarm_stream.protocol.server import HangUp, Limits, ServerConnection
from tests.faults.fuzz_oracle import judge
from tests.faults.fuzz_peers import Attacker, ClosedError, Witnesses
from tests.faults.fuzzing import FRAMES, SEED, Fuzzer, Growth

if TYPE_CHECKING:
    from swarm_stream.protocol.server import Command


def outcome(connection: ServerConnection, message: str) -> str:
    """Give what a socket did about a message, in the oracle's words."""
    command: Command | None = connection.receive(message, now=0)
    if isinstance(command, HangUp):
        return str(command.code)
    answers = [json.loads(frame) for frame in connection.frames_to_send()]
    assert len(answers) <= 1
    if not answers:
        return "ok"
    assert answers[0]["op"] == "error"
    assert len(json.dumps(answers)) < 1000, answers  # a long frame does not get a long answer
    return str(answers[0]["code"])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("may_view", [True, False], ids=["login", "secret"])
def test_every_message_is_answered_as_the_protocol_says(may_view: bool) -> None:  # noqa: FBT001
    fuzzer, growth = Fuzzer(SEED + may_view), Growth()
    connection = ServerConnection(now=0, limits=Limits(), may_produce=True, may_view=may_view)
    count = int(FRAMES * 0.3)
    huge = (fuzzer.huge() for _ in range(max(2, count // 50_000)))
    for number, message in enumerate(itertools.chain(huge, fuzzer.messages(count))):
        growth.look(number, of=count)
        got, verdict = outcome(connection, message), judge(message, may_view=may_view)
        assert got in verdict, (got, verdict, message[:500])
    growth.check(mib=8)


class HubLine:
    """A ``Line`` to a hub in this process."""

    def __init__(self, hub: StreamHub, *, may_view: bool) -> None:
        socket = hub.open_socket(may_produce=True, may_view=may_view)
        assert socket is not None
        self._socket = socket
        self._got: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()
        self._serving = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        why = await self._socket.serve(self._take)
        self._socket.close()
        self._got.put_nowait(why.code)

    async def _take(self, frame: bytes) -> None:
        self._got.put_nowait(json.loads(frame))

    async def send(self, message: str | bytes) -> None:
        await self._socket.feed(message)

    async def receive(self) -> dict[str, Any]:
        got = await self._got.get()
        if isinstance(got, int):
            raise ClosedError(got)
        return got

    async def close(self) -> None:
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._socket.close()


@pytest.mark.timeout(1800)
@pytest.mark.asyncio
async def test_a_hub_under_fuzz_serves_its_other_sockets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    hub = StreamHub(MemoryLog(max_bytes=2**22), server_id="srv-test")

    async def connect(*, may_view: bool = True) -> HubLine:
        return HubLine(hub, may_view=may_view)

    witnesses, growth = Witnesses(connect), Growth()
    watching = asyncio.ensure_future(witnesses.run())
    attackers = [
        Attacker(connect, may_view=True),
        Attacker(lambda: connect(may_view=False), may_view=False),
    ]
    fuzzers = [Fuzzer(SEED + 10), Fuzzer(SEED + 11)]
    rounds, each = 20, int(FRAMES * 0.3 / 2 / 20)
    for number in range(rounds):
        growth.look(number, of=rounds)
        async with asyncio.TaskGroup() as together:
            for attacker, fuzzer in zip(attackers, fuzzers, strict=True):
                together.create_task(attacker.attack(fuzzer.messages(each)))
    witnesses.stop()
    await watching
    await hub.aclose()
    gc.collect()
    assert not hub.sockets
    assert (unhandled, caplog.records) == ([], [])
    assert all(attacker.sent == rounds * each for attacker in attackers)
    growth.check(mib=8)


@pytest.mark.asyncio
async def test_what_is_wrong_is_told_before_the_socket_closes() -> None:
    hub = StreamHub(MemoryLog(), server_id="srv-test")
    socket = hub.open_socket(may_produce=True, may_view=True)
    assert socket is not None
    sent: list[dict[str, Any]] = []

    async def slowly(frame: bytes) -> None:
        sent.append(json.loads(frame))
        if len(sent) == 1:  # more comes in while this is on its way
            await socket.feed('{"op":"second"}')
            await socket.feed("no JSON")

    await socket.feed('{"op":"first"}')
    why = await socket.serve(slowly)
    assert [error["cause"] for error in sent] == ["first", "second"]
    assert why.code == 1007
    socket.close()
    await hub.aclose()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000, "1e-400"])
@pytest.mark.parametrize("field", ["t", "native", "lane", "type"])
def test_an_event_that_the_server_lets_in_can_be_read(field: str, number: str) -> None:
    fields = {"type": '"raw"', "t": "1", field: number}
    event = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    frame = f'{{"op":"append","stream":"s","epoch":1,"offset":0,"events":[{event}]}}'
    assert judge(frame) == {"ok"}
    append = decode_client_frame(frame)
    assert isinstance(append, Append)
    (read,) = decode_events(b"[" + bytes(append.events[0]) + b"]")
    assert isinstance(read, Raw | Unknown)
    assert field == "t" or read.t == 1


@pytest.mark.parametrize("text", ['{"t":NaN}', "[]", "1e400", '{"t":1', '{"a":"\\ud800"}'])
def test_what_is_no_event_is_not_read_as_one(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(text)
