"""Run benchmarks, print them beside their targets, and keep them in notebooks/results.

    python -m tests.bench                  all groups, in full: about an hour
    python -m tests.bench --quick agents   one group, roughly; B is B1 to B5

Figures of a busy machine say little; those of one run may be compared with each other.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Final

from tests.bench import agents, growth, imports, log, memory, relay, report, speed, view
from tests.bench.figures import table
from tests.bench.machine import machine, versions
from tests.bench.results import store

GROUPS: Final = {
    "agents": agents.bench,
    **{name: partial(relay.bench, name) for name in relay.CASES},
    "log": log.bench,
    "memory": memory.bench,
    "imports": imports.bench,
    "growth": growth.bench,
    "speed": speed.bench,
    "length": view.length_bench,
    "attach": view.attach_bench,
    "lab": view.lab_bench,
}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure, beside the targets and the peers."
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--keep", action="store_true", help="store the results of a quick run too")
    given = parser.parse_args()
    groups = [
        name for asked in given.groups for name in (relay.CASES if asked == "B" else (asked,))
    ]
    unknown = [name for name in groups if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    say(", ".join(f"{name}: {value}" for name, value in machine().items()))
    say(", ".join(f"{name} {number}" for name, number in versions().items()))
    found = {}
    for name in groups or GROUPS:
        say(f"{name} ...")
        found[name] = GROUPS[name](quick=given.quick, say=say)
        if given.keep or not given.quick:
            store(name, found[name], mode="quick" if given.quick else "full")
            report.write()
    say("")
    say(table(found))


if __name__ == "__main__":
    main()
