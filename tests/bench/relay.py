"""B: from a producer to its viewers, beside the ways that others go.

A round takes each kind once, one after the other, so that each meets the same machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.bench.figures import Found, limit
from tests.bench.place import Case, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["CASES", "bench", "rounds"]

Rounds = dict[str, list[dict[str, Any]]]

CASES: Final = {
    "B1": "1 stream, 1 viewer, 100 events/s",
    "B2": "1 stream, 20 viewers, 200 events/s",
    "B3": "1 stream, 200 viewers, 100 events/s",
    "B4": "1 stream, 1 viewer, as fast as can be",
    "B5": "1,000 streams, a viewer each, 10 events/s each",
}

_KINDS: Final = {
    "B1": ("relay", "ours", "socketio", "ag2"),
    "B2": ("relay", "ours", "socketio"),
    "B3": ("relay", "ours"),
    "B4": ("batched", "ours", "relay", "socketio", "ag2"),
    "B5": ("ours", "relay"),
}
# ``IOWebsockets`` has one viewer for each run, and no server of its own between them.
# python-socketio takes minutes for what B3 and B5 ask for in seconds.


def case(name: str, kind: str, *, quick: bool) -> Case:
    """Give the load of a case. Those that are hopeless at it get a part of it."""
    seconds = 1 if quick else 6
    match name:
        case "B1":
            return Case(rate=100, count=100 * seconds, skip=50)
        case "B2":
            return Case(viewers=20, rate=200, count=200 * seconds, skip=100)
        case "B3":
            return Case(viewers=200, rate=100, count=100 * seconds, skip=50)
        case "B5":
            return Case(streams=1000, rate=10, count=10 * seconds, skip=5)
        case _:
            count = 60_000 if quick else 300_000
            slow = {"relay": 5, "ag2": 10, "socketio": 30}.get(kind, 1)
            config = {"buffer_size": 20_000} if kind == "ours" else {}
            return Case(count=count // slow, config=config)


def rounds(  # noqa: PLR0913
    place: Place,
    name: str,
    kinds: Iterable[str],
    *,
    count: int,
    quick: bool,
    say: Callable[[str], None] = lambda _: None,
) -> Rounds:
    """Measure a case ``count`` times, each kind in each round."""
    found: Rounds = {kind: [] for kind in kinds if place.has(kind)}
    for number in range(count):
        for kind, results in found.items():
            results.append(result := place.run(kind, case(name, kind, quick=quick)))
            say(
                f"  {name} {number + 1}/{count} {kind:9}"
                f" p50 {result['p50_ms']:9.2f} ms, p99 {result['p99_ms']:9.2f} ms,"
                f" {result['events_per_s']:9,.0f} events/s,"
                f" server {result['server_us_per_event']:6.1f} us an event"
                + ("" if result["complete"] else ", NOT COMPLETE")
            )
    return found


def bench(name: str, *, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure one case."""
    found = Found()
    wanted = [kind for kind in _KINDS[name] if not quick or kind in {"relay", "batched", "ours"}]
    with Place() as place:
        found.notes += [
            f"{name}: {kind} is not installed here; `make bench` installs it"
            for kind in wanted
            if not place.has(kind)
        ]
        seen = rounds(place, name, wanted, count=3 if quick else 5, quick=quick, say=say)
    _judge(found, name, seen)
    found.detail["rounds"] = seen
    return found


def _of(results: list[dict[str, Any]], key: str) -> list[float]:
    return [float(result[key]) for result in results]


def _judge(found: Found, name: str, seen: Rounds) -> None:
    ours, count = seen["ours"], len(seen["ours"])
    relay = seen.get("relay", [])
    p50, p99 = _of(ours, "p50_ms"), _of(ours, "p99_ms")
    what = CASES[name]
    match name:
        case "B1":
            limits = [1.5 * value + 0.3 for value in _of(relay, "p50_ms")]
            found.figure(f"p50, {what}", "ms", p50, target="B1", limits=limits)
            limits = [2 * value + 2 for value in _of(relay, "p99_ms")]
            found.figure(f"p99, {what}", "ms", p99, target="B1", limits=limits)
        case "B2":
            limits = [min(50.0, value) for value in _of(relay, "p99_ms")]
            found.figure(f"p50, {what}", "ms", p50, target="B2", limits=limit(5, count))
            found.figure(f"p99, {what}", "ms", p99, target="B2", limits=limits)
        case "B3":
            found.figure(f"p99, {what}", "ms", p99, target="B3", limits=limit(100, count))
        case "B4":
            rates = _of(ours, "events_per_s")
            half = [value / 2 for value in _of(seen["batched"], "events_per_s")]
            least = {"target": "B4", "least": True}
            found.figure(what, "events/s", rates, limits=limit(100_000, count), **least)
            found.figure(f"{what}: half of batched", "events/s", rates, limits=half, **least)
        case "B5":
            found.figure(f"p99, {what}", "ms", p99, target="B5", limits=limit(250, count))
            cores = _of(ours, "server_cpu")
            found.figure("server, same", "cores", cores, target="B5", limits=limit(1, count))
    lost = [float(result["awaited"] - result["seen"] + result["wrong"]) for result in ours]
    found.figure(
        f"missing or out of order, {what}", "events", lost, target=name, limits=limit(0, count)
    )
    for kind, results in seen.items():
        for key, unit in (("p50_ms", "ms"), ("p99_ms", "ms"), ("events_per_s", "events/s")):
            if kind != "ours" or key == "events_per_s":
                found.figure(f"{name} {kind} {key}", unit, _of(results, key))
        cost = _of(results, "server_us_per_event")
        found.figure(f"{name} {kind} server CPU for a delivered event", "us", cost)
