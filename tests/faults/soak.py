"""The soak: real producers, a real server and real viewers, broken in every way, then compared.

    python -m tests.faults.soak --events 1000000 --faults 1000

A seed decides what is done when; what comes of it depends on the machine too, so that a failure
may need several runs to come again. Ends with 0 if nothing was lost, doubled, reordered or
invented, no acknowledgement was broken, and every hole was told.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults import planted
from tests.faults.histories import report
from tests.faults.soak_place import Place
from tests.faults.soak_round import Round
from tests.faults.soak_servers import HubServer, JupyterHub
from tests.faults.soak_troubles import KernelTrouble, PageTrouble, ServerTrouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.soak_place import Server
    from tests.faults.soak_round import Outcome
    from tests.faults.soak_troubles import Trouble

__all__ = ["LOGS", "Options", "Totals", "soak"]

LOGS: Final = ("sqlite", "memory", "jupyter")
SHARES: Final = {"sqlite": 0.5, "memory": 0.3, "jupyter": 0.2}
KERNELS: Final = 2
PAGES: Final = 3


@dataclass(slots=True, kw_only=True)
class Options:
    """What to do.

    Attributes:
        seed: Decides all faults.
        seconds: How long at least, all logs together.
        events: How many events at least, all logs together.
        faults: How many faults at least, all logs together.
        logs: Over which logs; a share of all for each.
        streams: Streams of a round.
        count: Payloads of a stream, on average.
        trouble_s: Seconds of trouble in a round, at most.
        settle_s: Seconds that everybody has to catch up after it.
        plant: A bug to plant, or empty.
        only: The kinds of faults to make; empty for all.
        say: Where progress goes.

    """

    seed: str
    seconds: float = 0.0
    events: int = 0
    faults: int = 0
    logs: tuple[str, ...] = LOGS
    streams: int = 6
    count: int = 4000
    trouble_s: float = 20.0
    settle_s: float = 60.0
    plant: str = ""
    only: tuple[str, ...] = ()
    say: Callable[[str], None] = print


@dataclass(slots=True)
class Totals:
    """What came of it."""

    events: int = 0
    shown: int = 0
    rounds: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        """How many there were."""
        return self.kinds.total()

    def add(self, outcome: Outcome) -> None:
        """Count a round."""
        self.events += outcome.events
        self.shown += outcome.shown
        self.rounds += 1
        self.kinds.update(fault.kind for fault in outcome.faults)
        if outcome.violations:
            self.problems.append(report(outcome.violations, outcome.faults))

    def enough(self, options: Options, share: float) -> bool:
        """Tell whether this is a share of what was asked for."""
        return (
            self.events >= options.events * share
            and self.faults >= options.faults * share
            and self.seconds >= options.seconds * share
        )


async def soak(options: Options) -> Totals:
    """Run rounds over each log until there were enough of them; stops at the first problem."""
    totals = Totals()
    shares = {log: SHARES[log] for log in options.logs}
    whole = sum(shares.values())
    with tempfile.TemporaryDirectory(prefix="soak-") as home:
        for log, share in shares.items():
            part = await _over(log, options, share / whole, Path(home) / log)
            totals.events += part.events
            totals.shown += part.shown
            totals.rounds += part.rounds
            totals.seconds += part.seconds
            totals.kinds += part.kinds
            totals.problems += part.problems
            if totals.problems:
                break
    return totals


async def _over(log: str, options: Options, share: float, home: Path) -> Totals:
    await asyncio.to_thread(home.mkdir)
    totals = Totals()
    began = time.monotonic()
    seed = f"{options.seed}/{log}"
    server: Server
    if log == "jupyter":
        server = JupyterHub(home)
    else:
        server = HubServer(home / "log.db" if log == "sqlite" else None, plant=options.plant)
    place = Place(
        server,
        kernels=KERNELS,
        pages=PAGES,
        seed=seed,
        every_s=0.6,
        longest_s=2.2,
        plant=options.plant,
        only=options.only,
    )
    async with place:
        while not totals.enough(options, share) and not totals.problems:
            name = f"{log}-{totals.rounds}"
            round_ = Round(
                place, name, f"{seed}/{name}", streams=options.streams, count=options.count
            )
            outcome = await round_.play(
                _troubles(f"{seed}/{name}"), seconds=options.trouble_s, settle_s=options.settle_s
            )
            totals.add(outcome)
            totals.seconds = time.monotonic() - began
            options.say(
                f"{name}: {outcome.events} events, {len(outcome.faults)} faults, "
                f"{len(outcome.violations)} violations, {totals.seconds:.0f} s"
            )
            if not outcome.violations:
                await round_.forget()
    return totals


def _troubles(seed: str) -> list[Trouble]:
    return [
        ServerTrouble(f"{seed}/server", every_s=1.0),
        *(KernelTrouble(f"{seed}/kernel {n}", every_s=2.0, kernel=n) for n in range(KERNELS)),
        *(PageTrouble(f"{seed}/page {n}", every_s=2.0, page=n) for n in range(PAGES)),
    ]


def summary(options: Options, totals: Totals, again: str) -> str:
    """Give the figures; after a problem also the command that runs it ``again``."""
    lines = [
        (
            f"seed {options.seed}: {totals.events} events shown {totals.shown} times, "
            f"{totals.faults} faults, {totals.rounds} rounds, {totals.seconds:.0f} s"
        ),
        *(f"  {count:6} {kind}" for kind, count in totals.kinds.most_common()),
    ]
    for problem in totals.problems:
        lines.append(problem)
        lines.append(f"run it again: {again}")
    if not totals.problems:
        lines.append("nothing lost, doubled, reordered or invented")
    return "\n".join(lines)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default=os.environ.get("SWARM_STREAM_SOAK_SEED", ""))
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--faults", type=int, default=0)
    parser.add_argument("--logs", default=",".join(LOGS))
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--trouble-s", type=float, default=20.0)
    parser.add_argument("--settle-s", type=float, default=60.0)
    parser.add_argument("--plant", default="", choices=["", *planted.NAMES])
    parser.add_argument("--only", default="", help="kinds of faults, with commas between them")
    given = parser.parse_args()
    options = Options(
        seed=given.seed or str(random.SystemRandom().randrange(10**6)),
        seconds=given.seconds,
        events=given.events,
        faults=given.faults,
        logs=tuple(given.logs.split(",")),
        count=given.count,
        trouble_s=given.trouble_s,
        settle_s=given.settle_s,
        plant=given.plant,
        only=tuple(filter(None, given.only.split(","))),
    )
    planted.plant(options.plant)
    print(f"soak with seed {options.seed}", flush=True)  # noqa: T201
    totals = asyncio.run(soak(options))
    others = [word for word in sys.argv[1:] if not word.startswith("--seed")]
    again = shlex.join(["python", "-m", "tests.faults.soak", f"--seed={options.seed}", *others])
    print(summary(options, totals, again), flush=True)  # noqa: T201
    return 1 if totals.problems else 0


if __name__ == "__main__":
    sys.exit(main())
