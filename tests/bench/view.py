"""How fast the view is, at length and beside what people use today. Prints tables, writes JSON.

    make bench-view      # about a quarter of an hour; leave the machine alone meanwhile

It runs in an environment of its own, `.venv-bench`, which has Panel besides what our tests need.
`make bench-view BENCH="--only=lab"` runs a part. The result is `notebooks/results/view.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
from playwright.sync_api import sync_playwright

from tests.bench.at_length import at_length
from tests.bench.in_lab import Load, in_lab
from tests.browser.flags import FLAGS

RESULT: Final = Path(__file__).resolve().parents[2] / "notebooks" / "results" / "view.json"
LOADS: Final = {"full speed": Load(5000, 0), "200 a second": Load(2000, 200)}
PACKAGES: Final = ("autogen-agentchat", "ipywidgets", "jupyterlab", "panel")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=("length", "lab"), help="measure only this")
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write (%(default)s)")
    options = parser.parse_args()
    name = os.environ.get("SWARM_STREAM_CHROMIUM", "chromium")
    chromium = shutil.which(name)
    if chromium is None:
        parser.error(f"{name} is missing; name a Chromium in SWARM_STREAM_CHROMIUM")
    found: dict[str, Any] = {"machine": machine(chromium)}
    if options.only != "lab":
        found["at_length"] = at_length(chromium)
        show_length(found["at_length"])
    if options.only != "length":
        with (
            tempfile.TemporaryDirectory() as home,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            found["in_lab"] = in_lab(browser, Path(home), LOADS)
            browser.close()
        show_lab(found["in_lab"])
    found["load_after"] = psutil.getloadavg()[0]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rounded(found), indent=1) + "\n")
    say(f"written to {options.out}")


def machine(chromium: str) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        chromium_version = browser.version
        browser.close()
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": psutil.virtual_memory().total / 1e9,
        "system": platform.platform(),
        "python": platform.python_version(),
        "chromium": chromium_version,
        "load_before": psutil.getloadavg()[0],
    } | {name: version(name) for name in PACKAGES}


def show_length(found: dict[str, Any]) -> None:
    say("\nFrom a frame of events to its paint, 200 tokens/s over four lanes (ms)")
    for when, times in found["latency"].items():
        say(f"  {when:14} p50 {times['p50']:5.1f}  p99 {times['p99']:5.1f}", end="")
        say(f"  main thread busy {times['busy_percent']:.0f} %")
    say("\nCatching up with 10,000 events (ms)")
    for case, times in found["catch-up"].items():
        say(f"  {case:10} {times['ms']:6.0f}  longest task {times['longest_task_ms']:4.0f}", end="")
        say(f"  work {times['work_ms']:5.0f}")
    say("\nMain thread time of a token (µs), and memory above the empty page, at 100,000 tokens")
    for case, costs in found["length"].items():
        say(
            f"  {case:10} first tenth {costs['first_us']:7.1f}  last {costs['last_us']:7.1f}",
            end="",
        )
        say(f"  ratio {costs['ratio']:4.2f}  {costs['memory_mb']['process']:5.1f} MB")


def show_lab(found: dict[str, Any]) -> None:
    for load, peers in found.items():
        say(f"\n{load}: tokens shown, s to the last, ms to the screen, page busy, longest frame")
        for peer, result in peers.items():
            nothing = float("nan")
            latency = result.get("latency_ms", {"p50": nothing, "p99": nothing})
            say(f"  {peer:32} {result['shown']:5} of {result['tokens']}", end="")
            say(f"  {result.get('last_s', nothing):6.2f} s", end="")
            say(f"  p50 {latency['p50']:6.0f}  p99 {latency['p99']:6.0f} ms", end="")
            say(
                f"  {result['page_ms'] / 1000:5.1f} s  {result['longest_frame_ms']:5.0f} ms", end=""
            )
            say("" if result["kernel_done"] else "  (the kernel did not finish)")


def rounded(value: Any) -> Any:
    """Give the same with what no reader needs cut off."""
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return value


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)  # noqa: T201 - output is the point


if __name__ == "__main__":
    main()
