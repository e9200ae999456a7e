"""A scripted team that speaks slowly until a test has seen what it came for, and its views."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.conftest import Notebook
    from tests.servers.jupyter import JupyterServer

__all__ = [
    "SAYS",
    "SLOW_TEAM",
    "assert_whole",
    "grew_after",
    "hurry",
    "process_outside",
    "team_outside",
    "wait_beyond",
]

SAYS: Final = {
    "planner": "Day one: the **National Museum**.\n\n- tram 12\n- lunch\n\n" * 6,
    "critic": "Too full. Leave an *afternoon* free - and book the boat 🛥 early. " * 8,
    "writer": "# Oslo\n\n1. Museum\n2. Fjord\n\n```python\nprint('see you')\n```\n" * 4,
}
SLOW_TEAM: Final = f"""\
import asyncio, pathlib
import swarm_stream as ss
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat

SAYS = {SAYS!r}

class SlowClient(ss.ScriptedClient):
    async def create_stream(self, *args, **kwargs):
        async for piece in super().create_stream(*args, **kwargs):
            if not pathlib.Path("hurry").exists():
                await asyncio.sleep(0.12)
            yield piece

def team():
    pathlib.Path("hurry").unlink(missing_ok=True)
    agents = [AssistantAgent(n, SlowClient([s]), model_client_stream=True) for n, s in SAYS.items()]
    return RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(4))
"""
OUTSIDE: Final = """
async def main():
    runs = [ss.stream(team(), task="Plan", name=name, display=False) for name in NAMES]
    for run in runs:
        await run
        await run.flush(60)

asyncio.run(main())
"""


def hurry(server: JupyterServer) -> None:
    """Let every slow team of a server say the rest at once."""
    (server.home / "root" / "hurry").touch()


@contextmanager
def team_outside(server: JupyterServer, *names: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a team for each of these names, in a process that is no kernel of the server's."""
    with process_outside(server, SLOW_TEAM + f"NAMES = {names!r}\n" + OUTSIDE) as process:
        yield process


@contextmanager
def process_outside(server: JupyterServer, code: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run code that streams to a server, until its end, in a process of its own."""
    environment = server.environment | {
        "SWARM_STREAM_URL": server.url,
        "SWARM_STREAM_SECRET": server.secret,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, cwd=server.home / "root"
    )
    try:
        yield process
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)


def wait_beyond(page: Notebook, received: int, number: int = 0) -> None:
    """Wait until a view has more events than that."""
    for _ in range(400):
        if page.counter(number)[0] > received:
            return
        page.page.wait_for_timeout(50)
    state = page.view(number).get_attribute("data-connection")
    raise AssertionError(f"the view has not gone on from {received}; it is {state}")


def grew_after(page: Notebook, what: str) -> float:
    """Give the ms from the last moment of a kind to when the view next had more events.

    What it said of its connection does not tell: within one frame it may come and go.
    """
    moments = page.moments()
    begun = max(moment["at"] for moment in moments if moment["what"] == what)
    had = max(m["received"] for m in moments if m["at"] < begun and "received" in m)
    return float(
        next(m["at"] for m in moments if m["at"] > begun and m.get("received", 0) > had) - begun
    )


def assert_whole(page: Notebook, number: int = 0) -> None:
    """Check that a finished view has the model's text, each event once."""
    assert page.lanes(number) == SAYS
    assert page.counter(number)[1:] == (0, 0)
