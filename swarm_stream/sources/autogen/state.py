"""The state of agents and teams, as it was before the turn that was cut.

AutoGen can save a team that was cancelled or has failed, but not load it into a fresh one and go
on: whoever was speaking has got its messages and has them in its buffer as well, so that they
come twice; the manager believes that it has spoken; and a tool call without a result is refused
by model servers. Here a state is mended so that the turn that was cut has not begun, but for
what the agent was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autogen_agentchat.base import Team

from swarm_stream.sources.autogen.stop import manager_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from autogen_agentchat.agents import AssistantAgent

    from swarm_stream.sources.autogen.walk import Node

__all__ = ["mend_agent", "mended_state", "without_dangling_calls"]

State = dict[str, Any]


async def mended_state(root: Node, delivered: Collection[Node]) -> State:
    """Give the state of an agent or team that does not run.

    Args:
        root: The agent or team.
        delivered: The agents that were speaking when their run was cut: they had their messages.

    """
    runner: Any = root.runner
    state: State = _copy(await runner.save_state())
    if isinstance(runner, Team):
        await _mend_team(root, state, delivered)
    else:
        await _mend_agent(root, state, delivered)
    return state


async def mend_agent(agent: AssistantAgent) -> None:
    """Take tool calls that were cut off from their results out of what an agent remembers."""
    state = _copy(await agent.save_state())
    context = state.get("llm_context")
    messages = context.get("messages") if isinstance(context, dict) else None
    if isinstance(messages, list):
        context["messages"] = without_dangling_calls(messages)
        if len(context["messages"]) < len(messages):
            await agent.load_state(state)


def without_dangling_calls(messages: list[Any]) -> list[Any]:
    """Leave out tool calls that no result follows."""
    kept = []
    for at, message in enumerate(messages):
        after = messages[at + 1] if at + 1 < len(messages) else {}
        calls = isinstance(message.get("content"), list) and message.get("type") == (
            "AssistantMessage"
        )
        if not calls or after.get("type") == "FunctionExecutionResultMessage":
            kept.append(message)
    return kept


async def _mend_team(node: Node, state: State, delivered: Collection[Node]) -> None:
    manager = await manager_of(node.runner)
    cut = list(getattr(manager, "_active_speakers", ()))
    states = state.get("agent_states", {})
    for name, held in states.items():
        child = node.participant(name)
        if child is None or not isinstance(held.get("agent_state"), dict):
            continue
        # Others keep no memory: what they were told is in their buffer alone.
        remembers = (
            child.is_team or {"llm_context", "inner_team_state"} & held["agent_state"].keys()
        )
        if name in cut and remembers and (child.is_team or child in delivered):
            held["message_buffer"] = []
        if child.is_team:
            await _mend_team(child, held["agent_state"], delivered)
        else:
            await _mend_agent(child, held["agent_state"], delivered)
    leading = states.get(getattr(node.runner, "_group_chat_manager_name", ""))
    if isinstance(leading, dict) and cut:
        _mend_manager(leading, cut, list(getattr(manager, "_participant_names", ())))


async def _mend_agent(node: Node, state: State, delivered: Collection[Node]) -> None:
    context = state.get("llm_context")
    if isinstance(context, dict) and isinstance(context.get("messages"), list):
        context["messages"] = without_dangling_calls(context["messages"])
    inner = state.get("inner_team_state")
    for child in node.children:
        if isinstance(inner, dict) and child.is_team and not child.tool:
            await _mend_team(child, inner, delivered)


def _mend_manager(state: State, cut: list[str], participants: list[str]) -> None:
    """Take back that those were chosen whose turn was cut."""
    state["current_turn"] = 0  # as after a run that came to its end: turns are counted in each
    if "next_speaker_index" in state and cut[0] in participants:
        state["next_speaker_index"] = participants.index(cut[0])
    if "previous_speaker" in state:
        spoke = [m.get("source") for m in state.get("message_thread", ())]
        state["previous_speaker"] = next((s for s in reversed(spoke) if s in participants), None)
    if "ready" in state:
        state["ready"] = [*cut, *(name for name in state["ready"] if name not in cut)]


def _copy(value: Any) -> Any:  # noqa: ANN401
    """Copy plain data, so that what is mended is nobody else's."""
    match value:
        case dict():
            return {key: _copy(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_copy(entry) for entry in value]
        case _:
            return value
