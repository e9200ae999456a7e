"""A seed stands for one schedule of faults, and a proxy plays it."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.proxied import place
from tests.faults.schedule import KINDS, plan, play

pytestmark = pytest.mark.asyncio


async def test_the_same_seed_makes_the_same_faults() -> None:
    assert plan(7, seconds=60, every_s=1) == plan(7, seconds=60, every_s=1)
    assert plan(7, seconds=60, every_s=1) != plan(8, seconds=60, every_s=1)
    faults = plan(7, seconds=1000, every_s=1)
    assert {fault.kind for fault in faults} == set(KINDS)
    assert [f.at_s for f in faults] == sorted(f.at_s for f in faults)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_schedule_is_played_and_leaves_a_sound_network(kind: str) -> None:
    faults = plan(3, seconds=0.5, every_s=0.1, longest_s=0.1, kinds=[kind])
    assert faults
    async with place() as where:
        where.server.chatty = True
        playing = asyncio.ensure_future(play(where.proxy, faults))
        while not playing.done():
            try:
                client = await where.client()
                while not client.reader.at_eof() and not playing.done():
                    await client.say(b"x")
                    await asyncio.sleep(0.01)
            except OSError:
                await asyncio.sleep(0.01)
        await playing
        assert kind in where.happened()
        where.server.chatty = False
        client, server = await where.pair()
        await client.say(b"whole")
        assert await server.hears(b"whole")


async def test_an_unknown_fault_is_refused() -> None:
    async with place() as where:
        with pytest.raises(ValueError, match="no fault is called"):
            await play(where.proxy, [plan(1, seconds=9, every_s=1)[0]._replace(kind="gremlins")])
