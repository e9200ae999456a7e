"""Find every agent and team inside of an AutoGen team or agent.

AutoGen offers no way to ask for these, so private attributes are read; AutoGen Studio does the
same. What cannot be found is not lost: its events come up through what is around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from autogen_agentchat.agents import MessageFilterAgent, SocietyOfMindAgent, UserProxyAgent
from autogen_agentchat.base import ChatAgent, Team
from autogen_core.tools import BaseTool, StaticWorkbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

__all__ = ["Node", "Runner", "runner_behind", "tools_of", "unfiltered", "walk"]

Runner = ChatAgent | Team
"""What AutoGen can run."""

_STREAMS: Final = frozenset({"run_stream", "on_messages_stream"})
"""Methods of a runner that give AutoGen's own messages and events."""


@dataclass(eq=False)
class Node:
    """An agent or a team, and what is inside of it.

    ``names`` are the sources under which its own messages may come.
    """

    runner: Runner
    parent: Node | None = None
    tool: bool = False
    children: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of its lane."""
        return self.runner.name

    @property
    def is_team(self) -> bool:
        """Whether it is a team."""
        return isinstance(self.runner, Team)

    @property
    def kind(self) -> str:
        """The kind of its lane: ``agent``, ``team``, ``tool`` or ``user``."""
        if self.tool:
            return "tool"
        if self.is_team:
            return "team"
        return "user" if isinstance(self.runner, UserProxyAgent) else "agent"

    @property
    def names(self) -> set[str]:
        """The sources of its own messages; a filter passes on what the agent in it says."""
        names = {self.runner.name}
        inner: Any = self.runner
        while isinstance(inner, MessageFilterAgent):
            inner = inner._wrapped_agent  # noqa: SLF001  (there is no public way)
            names.add(inner.name)
        return names

    def participant(self, name: str) -> Node | None:
        """Give the participant of this team with that name."""
        return next((c for c in self.children if c.name == name and not c.tool), None)

    def __iter__(self) -> Iterator[Node]:
        """Go through this node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child


def runner_behind(given: object) -> Runner | None:
    """Give the agent or team whose ``run_stream`` this generator is, if it is one.

    A generator that a runner's class has of its own for something else is none.
    """
    frame: FrameType | None = getattr(given, "ag_frame", None)  # None once it is over
    code: CodeType | None = getattr(given, "ag_code", None)
    if frame is None or code is None or code.co_name not in _STREAMS:
        return None
    runner = frame.f_locals.get("self")
    return runner if isinstance(runner, Runner) else None


def walk(runner: Runner) -> Node:
    """Give the tree of agents and teams. One that is found twice has the first place."""
    return _node(runner, None, tool=False, seen=set())


def _node(runner: Runner, parent: Node | None, *, tool: bool, seen: set[int]) -> Node:
    node = Node(runner, parent, tool)
    seen.add(id(runner))
    for inner, as_tool in _inside(runner):
        if id(inner) not in seen:
            node.children.append(_node(inner, node, tool=as_tool, seen=seen))
    return node


def _inside(runner: Any) -> Iterator[tuple[Runner, bool]]:  # noqa: ANN401
    """Give what is directly inside, and whether it is a tool there."""
    runner = unfiltered(runner)
    members = list(getattr(runner, "_participants", ())) if isinstance(runner, Team) else []
    if isinstance(runner, SocietyOfMindAgent):
        members.append(runner._team)  # noqa: SLF001
    for member in members:
        if isinstance(member, Runner):
            yield member, False
    for bench in _benches(runner):
        for tool in bench._tools:  # noqa: SLF001
            inner = getattr(tool, "_task_runner", None)  # of AgentTool, TeamTool and their like
            if isinstance(inner, Runner):
                yield inner, True


def unfiltered(runner: Any) -> Any:  # noqa: ANN401
    """Give the agent inside of filters, which speaks through them."""
    while isinstance(runner, MessageFilterAgent):
        runner = runner._wrapped_agent  # noqa: SLF001  (there is no public way)
    return runner


def tools_of(runner: object) -> list[BaseTool[Any, Any]]:
    """Give the tools of an agent that are neither agents nor teams."""
    tools = [tool for bench in _benches(runner) for tool in bench._tools]  # noqa: SLF001
    return [tool for tool in tools if not hasattr(tool, "_task_runner")]


def _benches(runner: object) -> list[StaticWorkbench]:
    found = getattr(unfiltered(runner), "_workbench", None) or []
    benches = found if isinstance(found, list | tuple) else [found]
    return [bench for bench in benches if isinstance(bench, StaticWorkbench)]
