"""How cost grows with streams and with viewers, and where the knee is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.bench.figures import Found
from tests.bench.place import Case, Place

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bench"]

SIZES = (1, 10, 100, 1000)
KEYS = ("p50_ms", "p99_ms", "server_cpu", "server_us_per_event", "messages", "seen", "complete")


def load(way: str, size: int, seconds: int) -> Case:
    """Give the load: streams of 10 events/s with a viewer each, or viewers of 20 events/s."""
    if way == "streams":
        return Case(streams=size, rate=10, count=10 * seconds, skip=5)
    return Case(viewers=size, rate=20, count=20 * seconds, skip=10)


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure both ways to grow, ours beside the bare relay."""
    found = Found()
    rounds, seconds = (1, 2) if quick else (3, 6)
    sizes = SIZES[:3] if quick else SIZES
    grown: dict[str, list[dict[str, Any]]] = {"streams": [], "viewers": []}
    with Place() as place:
        for way, points in grown.items():
            for size in sizes:
                for kind in ("ours", "relay"):
                    runs = [place.run(kind, load(way, size, seconds)) for _ in range(rounds)]
                    middle = sorted(runs, key=lambda run: run["p99_ms"])[rounds // 2]
                    points.append({"kind": kind, "size": size, **{k: middle[k] for k in KEYS}})
                    say(
                        f"  growth {size:5} {way} {kind:5} p50 {middle['p50_ms']:8.2f} ms, "
                        f"p99 {middle['p99_ms']:8.2f} ms, server {middle['server_cpu']:.2f} cores, "
                        f"{middle['server_us_per_event']:.0f} us an event"
                    )
                    found.figure(
                        f"{size} {way}, {kind}: p99", "ms", [run["p99_ms"] for run in runs]
                    )
                    found.figure(
                        f"{size} {way}, {kind}: server CPU for a delivered event", "us",
                        [run["server_us_per_event"] for run in runs],
                    )  # fmt: skip
    found.detail["growth"] = grown
    return found
