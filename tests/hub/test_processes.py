"""Which process it was, and whether it lives."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys

import msgspec
import psutil
import pytest

from swarm_stream.hub import processes
from swarm_stream.hub.processes import ProcessId, is_alive, this_process


def started(pid: int) -> ProcessId:
    return msgspec.structs.replace(this_process(), pid=pid, started=processes._started(pid) or 0)


def test_this_process_lives_and_a_later_one_of_its_number_is_another() -> None:
    process = this_process()
    assert process.pid == os.getpid()
    assert is_alive(process) is True
    assert is_alive(msgspec.structs.replace(process, started=process.started + 1)) is False


def test_a_process_that_is_stopped_lives_and_a_zombie_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        process = started(child.pid)
        assert is_alive(process) is True
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert is_alive(process) is True
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not taken away
        assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
        assert is_alive(process) is False
    finally:
        child.kill()
        child.wait()
        child.stdin.close()  # type: ignore[union-attr]
    assert is_alive(process) is False


@pytest.mark.parametrize(
    "change", [{"machine": "elsewhere"}, {"machine": ""}, {"started": 0}], ids=str
)
def test_of_a_process_elsewhere_nothing_is_known(change: dict[str, object]) -> None:
    assert is_alive(msgspec.structs.replace(this_process(), **change)) is None


def _send(pipe: multiprocessing.connection.Connection) -> None:
    pipe.send(this_process())


def test_a_child_is_another_process_of_the_same_machine() -> None:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_send, args=(there,))
    child.start()
    told = here.recv()
    child.join()
    child.close()
    assert (told.machine, told.pid == os.getpid()) == (this_process().machine, False)
    assert is_alive(told) is False


def test_without_linux_psutil_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_LINUX", False)
    process = this_process()
    assert process.started == int(psutil.Process().create_time() * 1000)
    assert is_alive(process) is True
    assert is_alive(msgspec.structs.replace(process, pid=2**22 + 1)) is False
