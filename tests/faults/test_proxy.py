"""The fault proxy does what its names say: it is what the other fault tests stand on."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.door import reset
from tests.faults.pipes import Network
from tests.faults.profiles import PROFILES, Profile
from tests.faults.proxied import SOON_S, place
from tests.faults.proxy import fault_proxy

pytestmark = pytest.mark.asyncio


async def test_without_a_fault_it_is_not_there() -> None:
    async with place() as where:
        client, server = await where.pair()
        data = bytes(range(256)) * 10_000
        sending = asyncio.ensure_future(client.say(data))
        assert await server.hears(data)
        await sending
        await server.say(b"answer")
        assert await client.hears(b"answer")
        client.writer.write_eof()
        assert await server.reader.read() == b""
        await server.say(b"late")  # half a close is half a close
        server.writer.close()
        assert await client.reader.read() == b"late"
        assert where.happened() == []


async def test_a_reset_on_one_side_is_one_on_the_other() -> None:
    async with place() as where:
        client, server = await where.pair()
        where.proxy.reset()
        for peer in (client, server):
            with pytest.raises(ConnectionResetError):
                await peer.reader.read()
        client, server = await where.pair()
        reset(server.writer)
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
        assert where.happened() == ["reset"]


async def test_a_cut_is_in_order_on_both_sides() -> None:
    async with place() as where:
        first, second = [await where.pair() for _ in range(2)]
        assert where.proxy.cut() == 2
        for peer in (*first, *second):
            assert await peer.reader.read() == b""
        assert where.proxy.cut() == 0  # nobody there, so nothing happened
        assert where.happened() == ["cut"]


async def test_latency_delays_each_byte_and_keeps_the_order() -> None:
    profile = Profile(name="slow", latency_s=0.1, jitter_s=0.09)
    async with place(profile) as where:
        client, server = await where.pair()
        clock = asyncio.get_running_loop().time
        began = clock()
        sent = b""
        for number in range(50):
            sent += b"%02d" % number
            await client.say(b"%02d" % number)
            await asyncio.sleep(0.001)  # so that each is a chunk of its own
        assert await server.hears(sent)
        assert clock() - began >= 0.01
        where.proxy.slow(latency_s=0.3)
        began = clock()
        await server.say(b"x")
        assert await client.hears(b"x")
        assert clock() - began >= 0.3


async def test_the_same_seed_makes_the_same_delays() -> None:
    def delays(seed: str) -> list[float]:
        network = Network(random.Random(seed))  # noqa: S311  (no secret)
        network.latency_s, network.jitter_s = 0.1, 0.05
        return [network.delay_s() for _ in range(20)]

    assert delays("7") == delays("7")
    assert delays("7") != delays("8")
    assert all(0.05 <= delay <= 0.15 for delay in delays("7"))


async def test_bandwidth_down_to_a_byte_a_second() -> None:
    async with place() as where:
        client, server = await where.pair()
        clock = asyncio.get_running_loop().time
        where.proxy.trickle(1)
        began = clock()
        await client.say(b"abc")
        assert await server.hears(b"ab")
        assert clock() - began >= 1.0
        where.proxy.heal()  # also for what is on its way already
        assert await server.hears(b"c")
        where.proxy.trickle(100_000)
        began = clock()
        await client.say(b"x" * 40_000)
        assert await server.hears(b"x" * 40_000)
        assert clock() - began >= 0.3


async def test_frozen_connections_are_half_open_for_good() -> None:
    async with place() as where:
        client, server = await where.pair()
        quiet, listening = await where.pair()
        where.proxy.freeze()
        await client.say(b"into the void")
        await server.say(b"into the void")
        assert await client.hears_nothing()
        assert await server.hears_nothing()
        client.writer.close()
        assert await server.hears_nothing()  # no FIN
        late = await where.client()  # accepted, and answered by nobody
        await late.say(b"hello")
        assert await late.hears_nothing()
        where.proxy.heal()
        await quiet.say(b"anybody?")
        assert await listening.hears_nothing()
        assert await late.hears_nothing()
        client, server = await where.pair()
        await client.say(b"new")
        assert await server.hears(b"new")
        assert where.happened() == ["freeze", "heal"]


async def test_a_reset_does_not_pass_a_frozen_connection() -> None:
    async with place() as where:
        client, server = await where.pair()
        where.proxy.freeze()
        reset(client.writer)
        assert await server.hears_nothing()


async def test_what_is_held_comes_when_the_network_is_back() -> None:
    async with place(buffer_bytes=64 * 1024) as where:
        client, server = await where.pair()
        where.proxy.hold()
        data = b"0123456789" * 1_000_000  # more than the network and the system hold
        sending = asyncio.ensure_future(client.say(data))
        assert await server.hears_nothing()
        assert not sending.done()
        where.proxy.heal()
        assert await server.hears(data)
        await sending
        where.proxy.hold()
        await client.say(b"last words")
        client.writer.close()
        assert await server.hears_nothing()
        where.proxy.heal()
        assert await server.reader.read() == b"last words"


async def test_what_is_stranded_arrives_late_and_behind_the_clients_return() -> None:
    async with place() as where:
        client, server = await where.pair()
        where.proxy.strand(0.05)
        await client.say(b"late")
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
        again, server_again = await where.pair()
        await again.say(b"early")
        assert await server_again.hears(b"early")
        assert await server.hears_nothing()
        where.proxy.heal()
        assert await server.reader.read() == b"late"
        await server.say(b"too late")
        assert where.happened() == ["strand"]


@pytest.mark.parametrize("upward", [True, False])
async def test_a_cut_inside_lets_exactly_so_many_bytes_through(*, upward: bool) -> None:
    async with place() as where:
        client, server = await where.pair()
        speaker, hearer = (client, server) if upward else (server, client)
        where.proxy.cut_inside(5, upward=upward)
        await speaker.say(b"abc")
        assert await hearer.hears(b"abc")
        assert where.happened() == []
        await speaker.say(b"defgh")
        assert await hearer.reader.read() == b"de"
        assert await speaker.reader.read() == b""
        assert where.happened() == ["cut inside"]


async def test_a_lost_reply_reaches_the_server_and_nobody_else() -> None:
    async with place() as where:
        client, server = await where.pair()
        where.proxy.lose_reply()
        await server.say(b"unasked")  # is no reply
        assert await client.hears(b"unasked")
        await client.say(b"request")
        assert await server.hears(b"request")
        await server.say(b"reply")
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
        assert where.happened() == ["lose reply"]


async def test_heal_forgets_faults_that_have_not_struck() -> None:
    async with place() as where:
        client, server = await where.pair()
        where.proxy.lose_reply()
        where.proxy.cut_inside(1)
        where.proxy.heal()
        for speaker, hearer in ((client, server), (server, client)):
            await speaker.say(b"still here")
            assert await hearer.hears(b"still here")
        assert where.happened() == []


async def test_refused_until_healed_on_the_same_port() -> None:
    async with place() as where:
        client, _ = await where.pair()
        where.proxy.refuse()
        with pytest.raises(ConnectionResetError):
            await client.reader.read()
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                await where.client()
        where.proxy.heal()
        client, server = await where.pair()
        await client.say(b"again")
        assert await server.hears(b"again")
        assert where.happened() == ["refuse", "heal"]


async def test_a_server_that_is_away_is_no_silence() -> None:
    async with fault_proxy("127.0.0.1", 1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_client_that_does_not_read_is_felt_by_the_server() -> None:
    async with place(buffer_bytes=64 * 1024) as where:
        client, server = await where.pair()
        sending = asyncio.ensure_future(server.say(b"x" * 10_000_000))
        await asyncio.sleep(SOON_S)
        assert not sending.done()
        link = next(iter(where.proxy.links))
        assert link.down is not None
        assert link.down.passed < 2_000_000
        reading = asyncio.ensure_future(client.hears(b"x" * 10_000_000))
        await sending
        assert await reading


async def test_a_profile_has_outages_cuts_resets_and_idle_limits_by_itself() -> None:
    async with place(Profile(name="c", cut_every_s=0.05)) as where:
        _, server = await where.pair()
        assert await server.reader.read() == b""
    async with place(Profile(name="r", reset_every_s=0.05)) as where:
        _, server = await where.pair()
        with pytest.raises(ConnectionResetError):
            await server.reader.read()
    async with place(Profile(name="i", idle_cut_s=0.1)) as where:
        _, server = await where.pair()
        assert await server.reader.read() == b""
        assert where.happened() == ["idle cut"]
    async with place(Profile(name="o", outage_every_s=0.1, outage_s=0.05)) as where:
        while where.happened()[:3] != ["hold", "heal", "hold"]:
            await asyncio.sleep(0.01)


async def test_the_networks_of_the_promise_are_there_by_name() -> None:
    assert list(PROFILES) == ["loopback", "office", "hotel", "mobile", "flaky proxy"]
    async with place("office") as where:
        client, server = await where.pair()
        await client.say(b"hello")
        assert await server.hears(b"hello")
