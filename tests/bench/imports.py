"""E2: how long `import swarm_stream` takes on top of what a kernel has imported anyway."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.bench.figures import Found, limit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bench", "import_ms"]

WAYS = {
    "import swarm_stream": "import swarm_stream",
    "import swarm_stream; ss.stream": "import swarm_stream as ss; ss.stream",
    "import autogen_agentchat.agents": "import autogen_agentchat.agents",
}


def import_ms(statement: str) -> float:
    """Give the milliseconds that a statement takes in a fresh process, after ``ipykernel``."""
    program = (
        "import ipykernel.kernelapp, time\n"
        "began = time.perf_counter()\n"
        f"{statement}\n"
        "print((time.perf_counter() - began) * 1000)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return float(said.stdout)


def bench(*, quick: bool, say: Callable[[str], None]) -> Found:
    """Measure each way in turn, in fresh processes."""
    found = Found()
    rounds = 3 if quick else 9
    import_ms("import swarm_stream")  # compiles what is not compiled yet
    seen: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, statement in WAYS.items():
            seen[way].append(import_ms(statement))
    for way, times in seen.items():
        say(f"  E2 {way}: {min(times):.0f} .. {max(times):.0f} ms")
        ours = way == "import swarm_stream"
        found.figure(
            f"{way}, after ipykernel", "ms", times, target="E2" if ours else "",
            limits=limit(150, rounds) if ours else (),
        )  # fmt: skip
    return found
