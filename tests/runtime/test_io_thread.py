"""The IO thread from outside: order, failures, forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import SessionStateError
from swarm_stream.runtime.io_thread import IOThread

if TYPE_CHECKING:
    from collections.abc import Iterator

FORK = """\
import os
from swarm_stream.runtime.io_thread import IOThread

io = IOThread()
if os.fork() == 0:
    try:
        io.post(print, "it ran")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.wait()
io.stop()
"""


@pytest.fixture
def io() -> Iterator[IOThread]:
    thread = IOThread()
    yield thread
    thread.stop()


def test_calls_run_in_their_order_from_all_threads(io: IOThread) -> None:
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def post(who: int) -> None:
        for number in range(2000):
            io.post(seen.append, (who, number))

    threads = [threading.Thread(target=post, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    io.post(done.set)
    assert done.wait(10)
    for who in range(4):
        assert [number for one, number in seen if one == who] == list(range(2000))


def test_a_call_that_fails_is_told_and_holds_up_no_other(io: IOThread) -> None:
    told: list[dict[str, object]] = []
    done = threading.Event()
    io.loop.call_soon_threadsafe(
        io.loop.set_exception_handler, lambda _, context: told.append(context)
    )
    io.post(int, "no number")
    io.post(done.set)
    assert done.wait(10)
    assert isinstance(told[0]["exception"], ValueError)


def test_what_a_call_posts_runs_too(io: IOThread) -> None:
    done = threading.Event()
    io.post(io.post, done.set)
    assert done.wait(10)


def test_a_thread_that_has_ended_takes_nothing(io: IOThread) -> None:
    io.stop()
    with pytest.raises(SessionStateError, match="restart the kernel"):
        io.post(print)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_told_what_to_do() -> None:
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert said.stdout.startswith("SessionStateError this process was forked"), said
