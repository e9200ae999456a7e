"""C2, D and the view at length: what readers see, in Chromium.

``length`` needs no server, ``attach`` a server and its plain page, ``lab`` a whole JupyterLab.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import sync_playwright

from tests.bench.at_length import at_length
from tests.bench.attach import EVENTS, attach, fill
from tests.bench.figures import Found, limit
from tests.bench.in_lab import OURS, PEERS, RELAY, Load, in_lab
from tests.browser.flags import FLAGS
from tests.servers.jupyter import jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["attach_bench", "lab_bench", "length_bench"]

BOTH: Final = frozenset({OURS, RELAY})
D1: Final = "many at full speed"
D2: Final = "50 a second"
LOADS: Final = {
    D1: Load(20_000, 0, BOTH),
    "5,000 at full speed": Load(5000, 0, BOTH),
    D2: Load(500, 50, BOTH),
    "200 a second": Load(2000, 200, BOTH),
}
QUICK: Final = {D1: Load(2000, 0), D2: Load(250, 50)}
FRAME_MS: Final = 1000 / 60


def chromium() -> str:
    """Give the browser's program.

    Raises:
        SystemExit: If there is none.

    """
    name = os.environ.get("SWARM_STREAM_CHROMIUM", "chromium")
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is missing; name a Chromium in SWARM_STREAM_CHROMIUM")
    return path


@contextmanager
def browser(found: Found) -> Iterator[Any]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        found.detail["chromium"] = opened.version
        try:
            yield opened
        finally:
            opened.close()


def length_bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure a view in a bare page: latency, catching up, and 100,000 tokens."""
    found = Found()
    seen = at_length(chromium(), quick=quick, say=say)
    for when, times in seen["latency"].items():
        what = f"frame to paint, 200 tokens/s over 4 lanes, {when}"
        for key, most in (("p50", FRAME_MS), ("p99", 3 * FRAME_MS)):
            values = [times[key]]
            found.figure(f"{what}, {key}", "ms", values, target="view", limits=limit(most, 1))
    for case, runs in seen["catch-up"].items():
        values = [run["ms"] for run in runs]
        found.figure(
            f"10,000 events caught up with, {case}", "ms", values,
            target="view", limits=limit(200, len(values)),
        )  # fmt: skip
    for case, costs in seen["length"].items():
        found.figure(
            f"a token of the last 10,000 of 100,000 over one of the first, {case}", "times",
            [costs["ratio"]], target="view", limits=limit(1.2, 1),
        )  # fmt: skip
        found.figure(
            f"memory at 100,000 tokens above an empty page, {case}", "MB",
            [costs["memory_mb"]["process"]], target="view", limits=limit(60, 1),
        )  # fmt: skip
    found.detail["at_length"] = seen
    return found


def attach_bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure how long a page takes to show a finished run."""
    found = Found()
    count = 2 if quick else 5
    with tempfile.TemporaryDirectory(prefix="bench-") as home, jupyter_server(Path(home)) as server:
        asyncio.run(fill(server))
        with browser(found) as opened:
            runs = attach(opened, server, rounds=count, say=say)
    for key, most in (("first", 0.3), ("complete", 1.0)):
        found.figure(
            f"a finished run of {EVENTS:,} events, {key}", "s", [run[key] for run in runs],
            target="C2", limits=limit(most, count),
        )  # fmt: skip
    found.figure("the same, from the address being opened", "s", [run["page"] for run in runs])
    found.detail["rounds"] = runs
    return found


def lab_bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure the same tokens in a cell of JupyterLab, shown by us and by what people use."""
    found = Found()
    peers = dict(PEERS)
    if find_spec("panel") is None:
        del peers["Panel ChatFeed"]
        found.notes.append("Panel is not installed here; `make bench` installs it")
    if quick:
        peers = {name: peers[name] for name in (OURS, RELAY, "print(flush=True)")}
    with browser(found) as opened, tempfile.TemporaryDirectory(prefix="bench-") as home:
        seen = in_lab(opened, Path(home), QUICK if quick else LOADS, peers, say)
    _judge_speed(found, seen[D1])
    slow = seen[D2][OURS]
    for key, most in (("p50", 25), ("p99", 60)):
        found.figure(
            f"model chunk to paint, 50 tokens/s, {key}", "ms",
            [run["latency_ms"][key] for run in slow], target="D2", limits=limit(most, len(slow)),
        )  # fmt: skip
    for load, by_peer in seen.items():
        for peer, runs in by_peer.items():
            found.figure(
                f"{load}, {peer}: lost", "tokens", [run["tokens"] - run["shown"] for run in runs]
            )
            last = [run["last_s"] for run in runs if "last_s" in run]
            if last:
                found.figure(f"{load}, {peer}: last shown after", "s", last)
                for key in ("p50", "p99"):
                    delays = [run["latency_ms"][key] for run in runs if "latency_ms" in run]
                    found.figure(f"{load}, {peer}: {key} to the screen", "ms", delays)
    found.detail["lab"] = seen
    return found


def _judge_speed(found: Found, seen: dict[str, list[dict[str, Any]]]) -> None:
    ours = [run["last_s"] for run in seen[OURS]]
    rounds = len(ours)
    what = f"until the last of {seen[OURS][0]['tokens']:,} tokens is in the page"
    bare = [2 * run["last_s"] for run in seen[RELAY]]
    found.figure(f"{what}: at most twice a bare relay", "s", ours, target="D1", limits=bare)
    lost = [run["tokens"] - run["shown"] for run in seen[OURS]]
    found.figure(f"{what}: lost", "tokens", lost, target="D1", limits=limit(0, rounds))
    whole = {
        peer: median(run["last_s"] for run in runs)
        for peer, runs in seen.items()
        if peer not in BOTH and all(run["shown"] == run["tokens"] for run in runs)
    }
    if not whole:
        found.notes.append("D1: none of the peers showed every token")
        return
    best = min(whole, key=lambda peer: whole[peer])
    found.figure(
        f"{what}: a hundredth of {best}, the fastest that lost nothing", "s", ours,
        target="D1", limits=limit(whole[best] / 100, rounds),
    )  # fmt: skip
