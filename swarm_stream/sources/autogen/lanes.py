"""Which lane a thing belongs to: the innermost agent that is speaking where it happens."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm_stream.events.writer import EventWriter
    from swarm_stream.sources.autogen.walk import Node

__all__ = ["Lanes", "Scope"]


@dataclass(frozen=True, eq=False)
class Scope:
    """Who is speaking in this context: the lanes from the root to ``lane``."""

    owner: Lanes | None = None
    lanes: Mapping[Node, int] = field(default_factory=dict)
    lane: int | None = None


_NOBODY = Scope()
_scope: ContextVar[Scope] = ContextVar("swarm_stream_autogen_scope", default=_NOBODY)


class Lanes:
    """The lanes of one run.

    Agents and teams get theirs when the run begins, in the order of the tree. What runs as a
    tool gets one when it is called, under the agent that calls it: the same agent may be a tool
    of several. Tasks inherit the context that they are started in, so the caller is known
    however deep AutoGen's queues are. Only a runtime that was started elsewhere hides it; then
    the tree decides.
    """

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._given: dict[tuple[object, int | None], int] = {}

    @property
    def scope(self) -> Scope:
        """Who is speaking in this context. A run inside of another one's tool starts anew."""
        scope = _scope.get()
        return scope if scope.owner is self else _NOBODY

    def announce(self, root: Node) -> None:
        """Give their lanes to all but tools."""
        if root.tool:
            return
        self.of(root)
        for child in root.children:
            self.announce(child)

    def of(self, node: Node) -> int:
        """Give the lane of an agent or a team, here."""
        return self._path(node)[node]

    def begin(self) -> None:
        """Make this run the one that the present task, and all that it starts, belongs to."""
        _scope.set(Scope(self))

    def enter(self, node: Node) -> Scope:
        """Make ``node`` the speaker of the present task, and of all that it starts."""
        lanes = self._path(node)
        scope = Scope(self, {**self.scope.lanes, **lanes}, lanes[node])
        _scope.set(scope)
        return scope

    def path(self, node: Node) -> Mapping[Node, int]:
        """Give the lanes from the root to ``node``, here."""
        return {**self.scope.lanes, **self._path(node)}

    def named(self, name: str, parent: int | None, kind: str) -> int:
        """Give the lane of a speaker that is only known by name, under ``parent``."""
        return self._lane((name, kind), name, parent, kind)

    def _path(self, node: Node) -> dict[Node, int]:
        scope = self.scope
        if node in scope.lanes:
            return {node: scope.lanes[node]}
        above = {} if node.parent is None else self._path(node.parent)
        parent = None if node.parent is None else above[node.parent]
        if node.tool and scope.lane is not None:
            parent = scope.lane
        return {**above, node: self._lane(node, node.name, parent, node.kind)}

    def _lane(self, key: object, name: str, parent: int | None, kind: str) -> int:
        lane = self._given.get((key, parent))
        if lane is None:
            lane = self._events.lane(name, parent=parent, kind=kind)
            self._given[key, parent] = lane
        return lane
