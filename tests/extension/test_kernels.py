"""What is made of a producer that has left."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest

from jupyter_extension.kernels import (
    KERNEL_ACTIONS,
    LEAVE_S,
    RETURN_S,
    Facts,
    KernelWatch,
    reason_to_interrupt,
)
from swarm_stream.errors import LogError
from swarm_stream.logs.admission import Admitted
from swarm_stream.logs.sqlite import SQLiteLog
from tests.extension.watched import DEAD, KERNEL, LIVING, LOST_S, PlainKernels, Watched

if TYPE_CHECKING:
    from tests.extension.site import MakeSite


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(alive=True, stalled_s=1e9), None),
        (Facts(alive=True, is_kernel=True, here=True, asked_to_go=True), None),
        (Facts(alive=False), "its process has ended"),
        (Facts(alive=False, is_kernel=True, here=True), "the kernel died"),
        (Facts(alive=False, is_kernel=True), "the kernel has ended"),
        (Facts(alive=False, is_kernel=True, asked_to_go=True), "the kernel was shut down"),
        (Facts(alive=False, is_kernel=True, asked_to_go=True, here=True, dead_s=0.5), None),
        (
            Facts(alive=False, is_kernel=True, asked_to_go=True, here=True, dead_s=LEAVE_S),
            "the kernel was restarted",
        ),
        (Facts(alive=None, stalled_s=LOST_S - 1), None),
        (
            Facts(alive=None, stalled_s=LOST_S),
            "nothing was heard from its producer for 100 seconds",
        ),
    ],
)
def test_reasons(facts: Facts, reason: str | None) -> None:
    assert reason_to_interrupt(facts, lost_after_s=LOST_S) == reason


def test_long_limits_are_told_in_hours() -> None:
    told = reason_to_interrupt(Facts(alive=None, stalled_s=1e6), lost_after_s=86_400)
    assert told == "nothing was heard from its producer for 24 hours"


@pytest.mark.asyncio
async def test_the_living_may_be_silent_for_ever() -> None:
    watched = Watched()
    watched.leave(process=LIVING)
    watched.now += 1e9
    assert await watched.look() is None


@pytest.mark.asyncio
async def test_the_dead_end_at_the_first_look() -> None:
    watched = Watched()
    watched.leave(process=DEAD)
    assert await watched.look() == "its process has ended"
    await watched.watch.look()  # and once only


@pytest.mark.asyncio
async def test_a_restart_is_told_from_a_death_and_from_a_shutdown() -> None:
    for gone, reason in ((False, "the kernel was restarted"), (True, "the kernel was shut down")):
        watched = Watched()
        kernel = watched.kernels[KERNEL] = SimpleNamespace(shutting_down=True)
        watched.leave(process=DEAD, kernel=KERNEL)
        assert await watched.look() is None
        kernel.shutting_down = False  # a new process is there already
        if gone:
            del watched.kernels[KERNEL]
        watched.now += LEAVE_S
        assert await watched.look() == reason
    watched = Watched()
    watched.kernels[KERNEL] = SimpleNamespace(shutting_down=False)
    watched.leave(process=DEAD, kernel=KERNEL)
    assert await watched.look() == "the kernel died"


@pytest.mark.asyncio
async def test_one_of_which_nothing_is_known_has_its_time() -> None:
    watched = Watched()
    watched.leave()
    watched.now += LOST_S - 1
    assert await watched.look() is None
    watched.now += 1
    assert (await watched.look() or "").startswith("nothing was heard")


@pytest.mark.asyncio
async def test_one_that_came_back_begins_anew() -> None:
    watched = Watched()
    watched.leave()
    watched.now += LOST_S
    watched.hub.producers.tell_watchers("s", stalled=False)
    assert await watched.look() is None
    watched.hub.producers.tell_watchers("s", stalled=True)
    watched.now += LOST_S - 1
    assert await watched.look() is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("silent_ms", "left_s"), [(0, LOST_S), (20_000, 80), (10**10, RETURN_S), (-(10**10), LOST_S)]
)
async def test_silence_before_the_start_counts_but_for_a_time_to_return(
    silent_ms: int, left_s: float
) -> None:
    watched = Watched()
    watched.make()
    updated_ms = watched.log.info_now("s").updated_ms
    again = KernelWatch(
        watched.hub,
        PlainKernels({}),
        lost_after_s=LOST_S,
        clock=lambda: watched.now,
        wall_ms=lambda: updated_ms + silent_ms,
    )
    watched.watch = again
    await again.start()
    await again.aclose()
    watched.now += left_s - 0.5
    assert await watched.look() is None
    watched.now += 0.5
    assert await watched.look() is not None


@pytest.mark.asyncio
async def test_a_full_disk_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    watched.leave(process=DEAD)
    with monkeypatch.context() as patch:

        async def full(*_args: object, **_kwargs: object) -> None:
            raise LogError("the disk is full")

        patch.setattr(watched.log, "append", full)
        assert await watched.look() is None
    assert await watched.look() == "its process has ended"


@pytest.mark.asyncio
@pytest.mark.parametrize("told", [False, True], ids=["looked at", "told by Jupyter"])
async def test_who_claims_a_dead_producers_stream_is_not_taken_for_it(
    monkeypatch: pytest.MonkeyPatch,
    told: bool,  # noqa: FBT001
) -> None:
    watched = Watched()
    watched.leave(process=DEAD, kernel=KERNEL)
    watched.overtake(monkeypatch, process=LIVING)
    if told:
        event = {"action": "restart", "kernel_id": KERNEL, "status": "success"}
        await watched.watch.kernel_acted(None, KERNEL_ACTIONS, event)
    else:
        await watched.watch.look()
    verdict = watched.log.append_now("s", epoch=2, offset=1, events=[b"{}"], closes=False)
    assert verdict == Admitted(0, 2)
    assert await watched.look() is None


@pytest.mark.asyncio
async def test_one_that_claimed_a_dead_producers_stream_and_died_is_missed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched()
    watched.leave(process=DEAD)
    with monkeypatch.context() as patch:
        watched.overtake(patch, process=DEAD)
        assert await watched.look() is None
    assert await watched.look() == "the kernel has ended"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "meta", [b"{}", b'{"process":1}', b'{"kernel":[]}', b'{"process":{"pid":"x"}}'], ids=str
)
async def test_another_clients_meta_says_nothing(meta: bytes) -> None:
    watched = Watched()
    watched.log.claim_now("s", producer="p", meta=meta)
    watched.hub.producers.tell_watchers("s", stalled=True)
    assert await watched.look() is None


@pytest.mark.asyncio
async def test_a_stream_deleted_meanwhile_is_forgotten() -> None:
    watched = Watched()
    watched.leave(process=DEAD)
    await watched.hub.delete("s")
    await watched.watch.look()
    assert await watched.log.list() == []


@pytest.mark.asyncio
async def test_the_loop_waits_while_nobody_is_missing_and_looks_at_once_when_somebody_is() -> None:
    watched = Watched()
    await watched.watch.start()
    await asyncio.sleep(0)
    watched.leave(process=DEAD)
    async with asyncio.timeout(10):
        while not watched.log.info_now("s").closed:
            await asyncio.sleep(0.001)
    await watched.watch.aclose()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"action": "shutdown", "status": "success"}, "the kernel was shut down"),
        ({"action": "restart", "status": "success"}, "the kernel was restarted"),
        ({"action": "restart", "status": "error"}, None),
        ({"action": "interrupt", "status": "success"}, None),
        ({"action": "shutdown", "status": "success", "kernel_id": "another"}, None),
    ],
)
async def test_jupyters_events_end_the_runs_of_kernels_elsewhere(
    make_site: MakeSite, data: dict[str, str], reason: str | None
) -> None:
    site = await make_site()
    hub, server = site.app.hub, site.app.serverapp
    assert hub is not None
    assert server is not None
    assert server.event_logger is not None
    for stream, process in (("remote", None), ("living", LIVING)):
        meta = {"kernel": KERNEL} | ({"process": process} if process else {})
        await hub.log.claim(stream, producer="p", meta=msgspec.json.encode(meta))
    event = {"kernel_id": KERNEL, "msg": "it did", **data}
    server.event_logger.emit(schema_id=KERNEL_ACTIONS, data=event)
    await server.event_logger.gather_listeners()
    if reason is None:
        assert not (await hub.log.info("remote")).closed
        return
    last = await hub.log.read("remote", 0, max_events=9, max_bytes=10**6)
    assert json.loads(last.body)["reason"] == reason
    assert not (await hub.log.info("living")).closed


async def test_kernels_that_a_stopping_server_shuts_down_are_left_to_the_next(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = await make_site()
    hub, server, file = site.app.hub, site.app.serverapp, site.app._log_file
    assert hub is not None
    assert file is not None
    assert server is not None
    assert server.event_logger is not None
    await hub.log.claim("s", producer="p", meta=msgspec.json.encode({"kernel": KERNEL}))
    await site.app.stop_extension()
    for kernel in (KERNEL, "another"):
        event = {"kernel_id": kernel, "msg": "", "action": "shutdown", "status": "success"}
        server.event_logger.emit(schema_id=KERNEL_ACTIONS, data=event)
    await server.event_logger.gather_listeners()
    assert "could not be ended" not in caplog.text
    next_log = SQLiteLog(file.path)
    await next_log.open()
    assert not (await next_log.info("s")).closed
    await next_log.aclose()
