"""What figures depend on: the machine and the versions of everything that takes part."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from swarm_stream import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PEERS", "machine", "peers_python", "versions"]

ROOT = Path(__file__).resolve().parents[2]

PEERS = ROOT / ".venv-peers"
"""An environment that has what others use; ``make bench`` makes it."""

_OURS = ("tornado", "websockets", "msgspec", "jupyter-server", "autogen-agentchat", "ipykernel")
_PEERS = ("tornado", "python-socketio", "ag2")


def machine() -> dict[str, object]:
    """Describe this machine, and how busy it is."""
    return {
        "cpu": _cpu(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_1min": round(psutil.getloadavg()[0], 2),
        "priority": _priority(),
    }


def versions() -> dict[str, str]:
    """Give the versions of what takes part."""
    return {
        "swarm_stream": f"{__version__} {_revision()}".strip(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **_installed(_OURS),
        **_peers(),
    }


def peers_python() -> str | None:
    """Give the Python that has the peers, or None where they were not installed."""
    python = PEERS / "bin" / "python"
    return str(python) if python.exists() else None


def _installed(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an older results file may have it, this run does without
    return found


def _peers() -> dict[str, str]:
    found = {}
    for folder in PEERS.glob("lib*/python*/site-packages/*.dist-info"):
        name, _, number = folder.name.removesuffix(".dist-info").rpartition("-")
        if name.replace("_", "-") in _PEERS:
            found[f"peer {name.replace('_', '-')}"] = number
    return found


def _priority() -> str:
    """Tell whether other programs had to wait for this one."""
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        return "real time"
    nice = os.nice(0) if hasattr(os, "nice") else 0
    return f"nice {nice}" if nice else "as others"


def _cpu() -> str:
    # `platform.processor` is empty on most Linux machines.
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _revision() -> str:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""

    def ask(*command: str) -> str:
        said = subprocess.run(
            [git, *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return said.stdout.strip()

    # Results that are being written do not make it another program.
    changed = ask("status", "--porcelain", "--", "swarm_stream", "jupyter_extension", "tests")
    return ask("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")
