"""What is told of stored results: a page of all, and the README's table and plot.

    python -m tests.bench.report

``make bench`` does it at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt

from tests.bench.in_lab import KERNEL_S, OURS
from tests.bench.machine import ROOT
from tests.bench.relay import CASES
from tests.bench.results import FOLDER, load
from tests.bench.view import D1, D2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["page", "plot", "readme_table", "write"]

README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- figures: made by `make bench` -->"
END: Final = "<!-- /figures -->"
PLOT: Final = FOLDER / "figures.svg"


class Stored:
    """All groups that are stored, and their figures by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.groups = {path.stem: load(path.stem, folder=folder) for path in folder.glob("*.json")}
        self.groups = {name: group for name, group in self.groups.items() if "figures" in group}

    def median(self, group: str, what: str) -> float | None:
        """Give a figure's median, or None where it is not stored."""
        for figure in self.groups.get(group, {}).get("figures", []):
            if figure["what"] == what:
                return float(figure["median"])
        return None


def shown(value: float | None, unit: str = "") -> str:
    """Give a number as people read it."""
    if value is None:
        return "not measured"
    digits = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


def to_the_cell(runs: list[dict[str, Any]]) -> str:
    """Give how long the tokens took in the median round, and what was lost of them."""
    run = sorted(runs, key=lambda run: run.get("last_s", 0.0))[len(runs) // 2]
    missing = run["tokens"] - run["shown"]
    if not run["kernel_done"]:
        return f"{run['shown']:,} of them after {KERNEL_S / 60:.0f} minutes"
    return f"loses {missing:,} of them" if missing else shown(run["last_s"], "s")


def readme_rows(stored: Stored) -> list[tuple[str, str, str]]:
    """What, here, beside it."""

    def one(group: str, what: str, unit: str) -> str:
        return shown(stored.median(group, what), unit)

    def both(group: str, what: str) -> str:
        return ", ".join(f"{p} {one(group, what.format(p), 'ms')}" for p in ("p50", "p99"))

    def rate(kind: str) -> str:
        return one("B4", f"B4 {kind} events_per_s", "events/s")

    peers = stored.groups.get("lab", {}).get("detail", {}).get("lab", {}).get(D1, {})
    added = "added to a bare agent, up to the buffer, CPU for a chunk"
    first_use = "import swarm_stream; ss.stream, after ipykernel"
    attached = "a finished run of 100,000 events"
    return [
        (
            "20,000 tokens as fast as can be, until the last is in the cell",
            to_the_cell(peers[OURS]) if peers else "not measured",
            "; ".join(
                f"{peer}: {to_the_cell(runs)}" for peer, runs in peers.items() if peer != OURS
            ),
        ),
        (
            "from the model to the screen, 50 tokens/s",
            both("lab", f"{D2}, {OURS}: {{}} to the screen"),
            f"print: {both('lab', f'{D2}, print(flush=True): {{}} to the screen')}",
        ),
        (
            "a team of agents, streamed and on disk",
            one("agents", "a team streamed through the server, until durable", "chunks/s"),
            f"AutoGen's `run_stream`: {one('agents', 'bare team.run_stream', 'chunks/s')}",
        ),
        (
            "added to an agent's `run_stream`",
            one("agents", added, "µs a chunk"),
            f"the agent: {one('agents', 'bare agent.run_stream, CPU for a chunk', 'µs')}",
        ),
        (
            f"to a viewer's hands: {CASES['B1']}",
            both("B1", f"{{}}, {CASES['B1']}"),
            f"bare relay: {both('B1', 'B1 relay {}_ms')}",
        ),
        (
            CASES["B3"],
            "p99 " + one("B3", f"p99, {CASES['B3']}", "ms"),
            f"bare relay: p99 {one('B3', 'B3 relay p99_ms', 'ms')}",
        ),
        (
            CASES["B4"],
            one("B4", CASES["B4"], "events/s"),
            (
                f"bare relay {rate('relay')}, in batches of 50 {rate('batched')}, "
                f"python-socketio {rate('socketio')}, AG2's IOWebsockets {rate('ag2')}"
            ),
        ),
        (
            f"{attached}, opened",
            (
                f"seen after {one('attach', f'{attached}, first', 's')}, "
                f"complete after {one('attach', f'{attached}, complete', 's')}"
            ),
            "",
        ),
        (
            "`import swarm_stream`, after ipykernel",
            one("imports", "import swarm_stream, after ipykernel", "ms"),
            f"its first use: {one('imports', first_use, 'ms')}",
        ),
    ]


def readme_table(stored: Stored) -> str:
    """Give the README's table, with the machine that it is of."""
    lines = ["| | swarm_stream | beside it |", "|---|---|---|"]
    lines += [f"| {what} | {here} | {beside} |" for what, here, beside in readme_rows(stored)]
    any_ = stored.groups.get("B4") or next(iter(stored.groups.values()))
    machine, versions = any_["machine"], any_["versions"]
    where = (
        f"Medians of five rounds and more (one for what others show in the cell), in one run; "
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Python "
        f"{versions['python']}, revision {versions['swarm_stream']}, {any_['when'][:10]}. The "
        "durable log is on, and all settings are as they come, but for a larger buffer where one "
        "stream goes as fast as can be."
    )
    return "\n".join([*lines, "", where])


def page(stored: Stored) -> str:
    """Give all figures as a page, beside those of the run before."""
    out = [
        "# Results",
        "",
        "Written by `make bench`; what each figure means is in `tests/bench`. *Share* is the value",
        "over its target (at most 1 is met, at least 1 where more is better, marked ≥), median of",
        "the rounds; *last* is the value that was stored before, and says little where the machine",
        "was another.",
    ]
    for name, group in sorted(stored.groups.items()):
        machine = ", ".join(f"{key} {value}" for key, value in group["machine"].items())
        last = group.get("last") or {}
        medians = last.get("medians", {})
        out += ["", f"## {name}", "", f"{group['when']}, {group['versions']['swarm_stream']}"]
        out += [f"({group['mode']}; {machine})", ""]
        if last:
            out += [f"Last: {last['when']}, {last['versions']['swarm_stream']}", ""]
        out += ["| | what | median | low | high | share | last |", "|---|---|---|---|---|---|---|"]
        for figure in group["figures"]:
            share = figure["share"]
            told = "" if share is None else f"{'≥ ' if figure['least'] else ''}{share:.2f}"
            if figure["met"] is False:
                told = f"**{told}, missed**"
            before = medians.get(figure["what"])
            then = "" if before is None else shown(before)
            what = figure["what"].replace("|", "\\|")
            out.append(
                f"| {figure['target']} | {what} | {shown(figure['median'], figure['unit'])} | "
                f"{shown(figure['low'])} | {shown(figure['high'])} | {told} | {then} |"
            )
        out += [f"\nNote: {note}" for note in group["notes"]]
    return "\n".join(out) + "\n"


def plot(stored: Stored, path: Path) -> None:
    """Draw how long 20,000 tokens take to the cell, and how delay grows with viewers."""
    # The same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "swarm_stream"
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    _draw_cell(left, stored.groups.get("lab", {}).get("detail", {}).get("lab", {}).get(D1, {}))
    growth = stored.groups.get("growth", {}).get("detail", {}).get("growth", {})
    _draw_growth(right, growth.get("viewers", []))
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def _draw_cell(axes: Any, by_peer: Mapping[str, list[dict[str, Any]]]) -> None:
    names, seconds, colours, labels = [], [], [], []
    for peer, runs in by_peer.items():
        ordered = sorted(run.get("last_s", 0.0) for run in runs)
        missing = max(run["tokens"] - run["shown"] for run in runs)
        through = all(run["kernel_done"] for run in runs)
        names.append(peer)
        seconds.append(ordered[len(ordered) // 2] if through else KERNEL_S)
        colours.append("tab:red" if missing else "tab:green" if peer == OURS else "tab:grey")
        told = f" lost {missing:,}" if through else f" {missing:,} to go"
        labels.append(told if missing else f" {seconds[-1]:.2f} s")
    bars = axes.barh(names, seconds, color=colours)
    axes.bar_label(bars, labels, fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.4)
    axes.invert_yaxis()
    axes.set_title("20,000 tokens, until the last is in the cell (s)", loc="left", fontsize=9)


def _draw_growth(axes: Any, points: Iterable[dict[str, Any]]) -> None:
    held = list(points)
    for kind, label, colour in (
        ("ours", "swarm_stream", "tab:green"), ("relay", "bare relay", "tab:grey"),
    ):  # fmt: skip
        mine = [point for point in held if point["kind"] == kind]
        sizes, delays = [p["size"] for p in mine], [p["p99_ms"] for p in mine]
        axes.loglog(sizes, delays, "o-", label=label, color=colour)
    axes.legend(fontsize=8)
    axes.set_xlabel("viewers of one run of 20 events/s", fontsize=8)
    axes.set_title("p99 from an event to its viewers (ms)", loc="left", fontsize=9)


def write(folder: Path = FOLDER, readme: Path = README) -> None:
    """Write the page, the plot and the README's table."""
    stored = Stored(folder)
    (folder / "README.md").write_text(page(stored))
    plot(stored, folder / PLOT.name)
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n\n{readme_table(stored)}\n\n{END}{after}")


if __name__ == "__main__":
    write()
