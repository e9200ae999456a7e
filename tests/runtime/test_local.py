"""The kernel's own hub: a name that is used again, and those who watched what had it before."""

from __future__ import annotations

import asyncio

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.runtime.buffer import TokenBuffer
from swarm_stream.runtime.local import LocalHub, LocalStream
from tests.hub.peers import Peer, delta, quiet

pytestmark = pytest.mark.asyncio


def host(local: LocalHub, peer: Peer, producer: str, *events: bytes) -> LocalStream:
    buffer: TokenBuffer[bytes] = TokenBuffer(StreamingConfig())
    for event in events:
        buffer.put_now(event)
    stream = local.host("demo", producer=producer, meta=b"{}", buffer=buffer, sender=peer.socket)
    stream.copy()
    return stream


@pytest.mark.parametrize("ended", [False, True])
async def test_a_name_that_is_used_again_begins_anew_and_its_viewers_are_told(
    *, ended: bool
) -> None:
    local = LocalHub(history_bytes=2**20)
    viewer = Peer(local.hub)
    events = [b'{"type":"delta","t":1,"seg":0,"text":"%d"}' % number for number in range(3)]
    first = host(local, viewer, "p1", *events)
    await viewer.subscribe()
    assert [event["text"] for event in viewer.events(0)] == ["0", "1", "2"]
    if ended:
        first._buffer.put_now(b'{"type":"end","t":9,"outcome":"completed","reason":""}')
        first.copy()
        await quiet()
        viewer.take()
    host(local, viewer, "p2", b'{"type":"delta","t":1,"seg":0,"text":"new"}')
    await quiet()
    told = viewer.take("error", "events")
    assert [frame["code"] for frame in told] == ([] if ended else ["no_such_stream"])
    await viewer.subscribe()
    assert viewer.events(0) == [delta(0) | {"text": "new"}]
    await viewer.leave()
    await local.hub.aclose()


async def test_waits_that_are_cancelled_are_forgotten_and_the_others_are_woken() -> None:
    local = LocalHub(history_bytes=2**20)
    waits = [asyncio.ensure_future(local.moved("demo")) for _ in range(3)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await asyncio.wait(waits[:1])
    assert len(local._waiting["demo"]) == 2
    local.tell_moved("demo")
    waits[1].cancel()  # woken already, and not yet on its way
    later = asyncio.ensure_future(local.moved("demo"))
    await asyncio.wait(waits)
    assert (waits[1].cancelled(), waits[2].cancelled()) == (True, False)
    later.cancel()
    await asyncio.wait({later})
    assert not local._waiting
    await local.hub.aclose()
