"""Which process made a stream, and whether that process still lives.

A producer names its process in the stream's ``meta``; a server on the same machine can then tell
a dead producer from one that sleeps or is cut off. Of a process elsewhere it knows nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import psutil

__all__ = ["ProcessId", "is_alive", "this_process"]

_LINUX: Final = platform.system() == "Linux"


class ProcessId(msgspec.Struct, frozen=True):
    """A process, told apart from a later one with the same number."""

    machine: str
    """Where its number means something: this boot of a machine, and there its namespace of
    processes (containers have their own). Empty if unknown."""
    pid: int
    started: int
    """On Linux clock ticks since the boot, which no change of the wall clock moves; elsewhere
    milliseconds since the epoch."""


def this_process() -> ProcessId:
    """Give the process that calls, also after a fork."""
    pid = os.getpid()
    return ProcessId(_machine(), pid, _started(pid) or 0)


def is_alive(process: ProcessId) -> bool | None:
    """Tell whether a process runs, be it stopped or asleep; None if that cannot be known here.

    Asks the operating system, so not for an event loop.
    """
    if not process.started or not process.machine or process.machine != _machine():
        return None
    return _started(process.pid) == process.started


@cache
def _machine() -> str:
    if not _LINUX:
        return _digest(f"{uuid.getnode()} {platform.node()}")
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return _digest(f"{boot} {namespace}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _started(pid: int) -> int | None:
    """Give when a process began, or None if there is none, or only its zombie."""
    if _LINUX:
        # psutil adds the time of the boot, as the wall clock has it: it would change with it.
        try:
            after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in {b"Z", b"X"} else int(after_name[19])
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else int(found.create_time() * 1000)
    except psutil.Error:
        return None
