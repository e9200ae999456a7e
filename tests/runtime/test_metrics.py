"""``session.metrics``: what is measured of a real run, and how it is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.teams import RoundRobinGroupChat

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import LogError, StreamCancelledError
from swarm_stream.histogram import Spread
from swarm_stream.logs.memory import MemoryLog
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.meter import Pauses
from swarm_stream.runtime.metrics import SessionMetrics
from swarm_stream.runtime.shown import bytes_text, duration_text
from swarm_stream.sources.scripted import ScriptedClient, Turn
from tests.servers.hub_server import HubServer, hub_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession


def agent(name: str, *turns: Turn | list[str] | str, streams: bool = True) -> AssistantAgent:
    client = ScriptedClient(list(turns))
    return AssistantAgent(name, client, model_client_stream=streams)


async def endless() -> AsyncIterator[str]:
    while True:
        yield "more "
        await asyncio.sleep(0)


async def run(session: StreamingSession) -> SessionMetrics:
    session.start()
    await session
    return session.metrics


async def cancelled(session: StreamingSession) -> None:
    session.cancel()
    with pytest.raises(StreamCancelledError):
        await session


@pytest.mark.asyncio
async def test_a_team_is_timed_answer_by_answer(manager: StreamingManager) -> None:
    words = ["one ", "two ", "three "]
    team = RoundRobinGroupChat([agent("a", words, words), agent("b", words, words)], max_turns=4)
    found = await run(manager.create(team, task="count"))
    assert found.chunks == 12
    assert found.first_chunk.samples == 4
    assert found.gap.samples == 8
    assert found.per_token.samples == 4
    assert found.append.samples == 12
    assert found.ack.samples >= 1
    assert found.acked == found.events
    assert found.first_text_s is not None
    assert found.first_text_s < found.elapsed_s
    assert found.reconnects == found.resent == found.viewers == 0
    assert found.pauses == {}


@pytest.mark.asyncio
async def test_an_answer_that_comes_whole_has_words_and_no_times_of_chunks(
    make_manager: Callable[..., StreamingManager],
) -> None:
    manager = make_manager(config=StreamingConfig(max_tokens_per_second=1000))
    source = agent("a", "one two three four", streams=False)
    found = await run(manager.create(source, task="count"))
    assert found.chunks == 4
    for spread in (found.first_chunk, found.gap, found.per_token, found.append):
        assert spread.samples == 0


@pytest.mark.asyncio
async def test_a_person_s_pause_is_counted_as_that(manager: StreamingManager) -> None:
    session = manager.create(endless())
    session.start()
    while not session.metrics.chunks:
        await asyncio.sleep(0)
    session.pause()
    while not session.metrics.pauses:
        await asyncio.sleep(0)
    while session.metrics.paused_s < 0.02:  # the one that goes on counts, too
        await asyncio.sleep(0.001)
    session.resume()
    while (now := session.metrics).chunks < 5:
        await asyncio.sleep(0)
    await cancelled(session)
    assert list(now.pauses) == ["person"]
    assert now.pauses["person"].count == 1
    assert session.metrics.pauses == now.pauses


class FullDisk(MemoryLog):
    """A log that cannot write, for a while."""

    full = False

    def append(self, stream: str, **batch: object) -> object:  # type: ignore[override]
        if not self.full:
            return super().append(stream, **batch)  # type: ignore[arg-type]
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer.set_exception(LogError("the disk is full"))
        return answer


async def held(manager: StreamingManager, break_it: Callable[[], object]) -> StreamingSession:
    """Run for ever against a server that is broken at once; returns when the run is held."""
    session = manager.create(endless())
    session.start()
    while session.metrics.acked < 5:
        await asyncio.sleep(0)
    broken = break_it()
    if asyncio.iscoroutine(broken):
        await broken
    while not session.metrics.pauses:
        await asyncio.sleep(0.001)
    return session


@pytest.mark.asyncio
async def test_a_full_buffer_is_blamed_on_what_keeps_it_full(
    make_manager: Callable[..., StreamingManager],
) -> None:
    config = StreamingConfig(buffer_size=50, backoff_first_s=0.01, backoff_limit_s=0.05)
    log = FullDisk()
    server = HubServer(log)
    await server.start()
    try:

        def fill_up() -> None:
            log.full = True

        session = await held(make_manager(ServerAddress(server.url), config), fill_up)
        while "log" not in session.metrics.pauses:
            await asyncio.sleep(0.001)
        log.full = False
        await cancelled(session)
    finally:
        await server.stop()


@pytest.mark.asyncio
async def test_a_server_that_is_away_is_blamed_and_its_reconnects_are_the_run_s_own(
    make_manager: Callable[..., StreamingManager],
) -> None:
    config = StreamingConfig(buffer_size=50, backoff_first_s=0.01, backoff_limit_s=0.05)
    async with hub_server() as server:
        manager = make_manager(ServerAddress(server.url), config)
        session = await held(manager, server.stop)
        while "server" not in session.metrics.pauses:
            await asyncio.sleep(0.001)
        await server.start()
        while session.metrics.reconnects < 1:
            await asyncio.sleep(0.001)
        await cancelled(session)
        await session.flush()
        assert session.metrics.viewers is None
        later = manager.create(words_of("short"))
        assert (await run(later)).reconnects == 0
        await later.flush()


async def words_of(text: str) -> AsyncIterator[str]:
    for word in text.split():
        yield word


NOTHING = Spread(0, None, None, None, None)


def metrics(**changed: object) -> SessionMetrics:
    figures: dict[str, object] = {
        "elapsed_s": 21.34, "first_text_s": 0.412, "events": 1234, "acked": 1200, "resent": 3,
        "late": 0, "bytes": 88_123, "chunks": 1100, "chunks_per_s": 52.12, "buffered": 34,
        "buffer_size": 1000, "buffer_peak": 170, "reconnects": 1, "viewers": None,
        "pauses": {"log": Pauses(1, 12.0), "person": Pauses(2, 0.5)},
        "first_chunk": Spread(12, 0.401, 0.612, 0.612, 0.612), "gap": NOTHING,
        "per_token": NOTHING, "append": Spread(1100, 1e-5, 2e-5, 4.4e-5, 0.0051),
        "ack": Spread(90, 0.0021, 0.004, 0.0112, 130.0),
        **changed,
    }  # fmt: skip
    return SessionMetrics(**figures)  # type: ignore[arg-type]


def test_metrics_are_shown_as_two_tables() -> None:
    assert repr(metrics()) == (
        "elapsed     21.3 s, first text after 412 ms\n"
        "events      1,234, 1,200 acknowledged, 3 sent again, 88.1 kB\n"
        "chunks      1,100, 52.1 a second\n"
        "buffer      34 of 1,000, at most 170\n"
        "pauses      2 by a person (500 ms), 1 as the log could not write (12.0 s)\n"
        "reconnects  1\n"
        "\n"
        "times                                    p50      p95      p99  longest  samples\n"
        "to the first chunk of an answer       401 ms   612 ms   612 ms   612 ms       12\n"
        "from chunk to chunk                        -        -        -        -        0\n"
        "per token                                  -        -        -        -        0\n"
        "from the model to the buffer           10 µs    20 µs    44 µs  5.10 ms    1,100\n"
        "from the buffer to the log and back  2.10 ms  4.00 ms  11.2 ms    2 min       90"
    )


def test_a_run_without_anything_is_shown_as_well() -> None:
    shown = repr(metrics(first_text_s=None, chunks_per_s=None, pauses={}, viewers=2, late=1))
    assert "elapsed     21.3 s\n" in shown
    assert "chunks      1,100\n" in shown
    assert "pauses      none\n" in shown
    assert "viewers     2\n" in shown
    assert "1 said too late" in shown


def test_a_notebook_gets_the_same_as_tables_of_its_own() -> None:
    html = metrics()._repr_html_()
    assert html.count("<table>") == 2
    assert ">2 by a person (500 ms), 1 as the log could not write (12.0 s)</td>" in html
    assert ">p99</th>" in html
    assert ">11.2 ms</td>" in html


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 µs"), (4.4e-5, "44 µs"), (0.0051, "5.10 ms"), (0.0511, "51.1 ms"), (0.511, "511 ms"),
     (5.11, "5.11 s"), (119, "119 s"), (120, "2 min"), (5400, "90 min"), (7200, "2 h"),
     (172_800, "2 d")],
)  # fmt: skip
def test_durations_have_three_digits(seconds: float, shown: str) -> None:
    assert duration_text(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (88_123, "88.1 kB"), (2_500_000, "2.50 MB"),
     (3e15, "3000 TB")],
)  # fmt: skip
def test_sizes_have_three_digits(size: float, shown: str) -> None:
    assert bytes_text(size) == shown
