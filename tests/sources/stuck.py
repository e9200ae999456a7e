"""Runs that are where they would stay for ever, to be ended from outside."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent, UserProxyAgent
from autogen_agentchat.teams import (
    DiGraphBuilder,
    GraphFlow,
    MagenticOneGroupChat,
    RoundRobinGroupChat,
)
from autogen_agentchat.tools import AgentTool, TeamTool
from autogen_runs import client

from swarm_stream.sources.scripted import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SLEEPING", "STUCK", "Stuck", "agent", "calling", "stalled"]


class Stuck(NamedTuple):
    """A kind of run that does not end by itself.

    Attributes:
        make: Makes the agent or team.
        said: What its agent ``a`` streams before, or empty.
        waits_for: ``text`` until that was said; ``tool`` until a tool was called; ``input`` until
            a person is asked; ``calls`` until that many calls of models are under way.
        bare: What AutoGen itself does when its token is cancelled: ``ends``, ``goes on`` (it takes
            no notice for as long as the model or tool does not end), or ``hangs``.

    """

    make: Callable[[], Any]
    said: str = "xy"
    waits_for: str = "text"
    bare: str = "goes on"


def agent(name: str, *script: Any, deaf: bool = False, **settings: Any) -> AssistantAgent:
    return AssistantAgent(name, client(*script, deaf=deaf), model_client_stream=True, **settings)


async def sleeper() -> str:
    """Sleep for an hour."""
    await asyncio.sleep(3600)
    return ""


class Sleeping:
    """A plain function that sleeps in its thread until it is woken."""

    def __init__(self) -> None:
        self.woken = threading.Event()

    def __call__(self) -> str:
        self.woken.wait(30)
        return ""


SLEEPING = Sleeping()


def blocker() -> str:
    """Block a thread."""
    return SLEEPING()


def stalled(name: str = "a", *, deaf: bool) -> AssistantAgent:
    return agent(name, Turn(chunks=["x", "y", "z"], stall_at=2), deaf=deaf)


def calling(name: str = "a", tool: Any = sleeper) -> AssistantAgent:
    return agent(name, Turn("xy", tools=[tool.__name__]), tools=[tool])


def graph() -> GraphFlow:
    agents = [agent("s", "go"), stalled("a", deaf=True), stalled("b", deaf=False), agent("e", "no")]
    s, a, b, e = agents
    build = DiGraphBuilder()
    for one in agents:
        build.add_node(one)
    edges = build.add_edge(s, a).add_edge(s, b).add_edge(a, e).add_edge(b, e)
    return GraphFlow(agents, edges.build())


def nested() -> RoundRobinGroupChat:
    inner = RoundRobinGroupChat([stalled(deaf=True)], name="inner")
    return RoundRobinGroupChat([inner], name="outer")


STUCK: dict[str, Stuck] = {
    "honours": Stuck(lambda: stalled(deaf=False), bare="ends"),
    "deaf": Stuck(lambda: stalled(deaf=True)),
    "tool": Stuck(calling, waits_for="tool", bare="hangs"),
    "sync-tool": Stuck(lambda: calling(tool=blocker), waits_for="tool", bare="hangs"),
    "team": Stuck(lambda: RoundRobinGroupChat([stalled(deaf=False)]), bare="ends"),
    "team-deaf": Stuck(lambda: RoundRobinGroupChat([stalled(deaf=True)])),
    "team-tool": Stuck(lambda: RoundRobinGroupChat([calling()]), waits_for="tool", bare="hangs"),
    "nested": Stuck(nested),
    "graph": Stuck(graph, waits_for="calls 3"),
    "magentic": Stuck(
        lambda: MagenticOneGroupChat([agent("a", "hi")], client(Turn(stall_at=0), deaf=True)),
        said="",
        waits_for="calls 1",
    ),
    "society": Stuck(
        lambda: SocietyOfMindAgent("m", RoundRobinGroupChat([stalled(deaf=True)]), client("never"))
    ),
    "agent-tool": Stuck(
        lambda: agent(
            "boss", Turn(tools=[("a", {"task": "t"})]), tools=[AgentTool(stalled(deaf=True))]
        ),
        bare="hangs",
    ),
    "team-as-tool": Stuck(
        lambda: agent(
            "boss",
            Turn(tools=[("t", {"task": "t"})]),
            tools=[TeamTool(RoundRobinGroupChat([stalled(deaf=True)]), "t", "t")],
        ),
        bare="hangs",
    ),
    "human": Stuck(
        lambda: RoundRobinGroupChat([agent("a", "xy"), UserProxyAgent("human")]),
        waits_for="input",
    ),
}
