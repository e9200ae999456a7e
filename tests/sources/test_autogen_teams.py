"""Teams: a lane for each agent, under the right parent, with all that it said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent, UserProxyAgent
from autogen_agentchat.base import Handoff
from autogen_agentchat.conditions import HandoffTermination, MaxMessageTermination
from autogen_agentchat.messages import SelectSpeakerEvent
from autogen_agentchat.teams import (
    DiGraphBuilder,
    GraphFlow,
    MagenticOneGroupChat,
    RoundRobinGroupChat,
    SelectorGroupChat,
    Swarm,
)
from autogen_agentchat.tools import AgentTool, TeamTool
from autogen_core import SingleThreadedAgentRuntime
from autogen_runs import both, client
from fake_run import FakeRun

from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.scripted import Turn

pytestmark = pytest.mark.asyncio


def agent(name: str, *script: Any, **settings: Any) -> AssistantAgent:
    delay = settings.pop("delay_s", 0.0)
    return AssistantAgent(
        name,
        client(*script, delay_s=delay),
        description=name,
        model_client_stream=True,
        **settings,
    )


def selected(run: FakeRun) -> list[list[str]]:
    return [[run.name_of[lane] for lane in e.lanes] for e in run.of(model.Select)]


async def test_round_robin() -> None:
    def make() -> RoundRobinGroupChat:
        agents = [agent("a", "one two", "five"), agent("b", Turn("three", thought="hm"), "six")]
        return RoundRobinGroupChat(agents, max_turns=4, emit_team_events=True)

    it = await both(make)
    assert it.run.streamed() == {"a": "one twofive", "b": "threesix"}
    assert it.run.streamed("reasoning") == {"b": "hm"}
    team = "RoundRobinGroupChat"
    assert it.run.lanes == {team: (None, "team"), "a": (team, "agent"), "b": (team, "agent")}
    assert selected(it.run) == [["a"], ["b"], ["a"], ["b"]]


async def test_a_choice_is_said_before_the_chosen_one_speaks() -> None:
    team = RoundRobinGroupChat([agent("a", "hi")], max_turns=1, emit_team_events=True)
    run = FakeRun()
    await AutoGenStreamingAdapter(team).run(run, "go")
    kinds = [type(event).__name__ for event in run.seen]
    assert kinds.index("Select") < kinds.index("Open")


@pytest.mark.parametrize("streaming", [True, False])
async def test_selector_that_asks_a_model(*, streaming: bool) -> None:
    def make() -> SelectorGroupChat:
        agents = [agent("ann", "first"), agent("bob", "second"), agent("cy", "third")]
        return SelectorGroupChat(
            agents,
            client("bob", "ann", "cy"),
            max_turns=3,
            emit_team_events=True,
            model_client_streaming=streaming,
        )

    it = await both(make)
    assert selected(it.run) == [["bob"], ["ann"], ["cy"]]
    said = it.run.streamed()
    assert {n: said[n] for n in ("ann", "bob", "cy")} == {
        "ann": "first",
        "bob": "second",
        "cy": "third",
    }
    if streaming:
        assert said["SelectorGroupChatManager"] == "bobanncy"
        assert it.run.lanes["SelectorGroupChatManager"] == ("SelectorGroupChat", "manager")


async def test_swarm_with_handoffs() -> None:
    def make() -> Swarm:
        desk = agent(
            "desk", Turn("One moment.", tools=["transfer_to_flights"]), handoffs=["flights"]
        )
        flights = agent(
            "flights", Turn(tools=["transfer_to_user"]), handoffs=[Handoff(target="user")]
        )
        return Swarm([desk, flights], termination_condition=HandoffTermination(target="user"))

    it = await both(make)
    hands = [(it.run.name_of[h.lane], h.target) for h in it.run.of(model.Handoff)]
    assert hands == [("desk", "flights"), ("flights", "user")]
    assert it.run.streamed() == {"desk": "One moment."}


async def test_branches_of_a_graph_speak_at_the_same_time() -> None:
    def make() -> GraphFlow:
        a, b, c, d = (
            agent("a", "start"),
            agent("b", ["b"] * 30),
            agent("c", ["c"] * 30),
            agent("d", "end"),
        )
        build = DiGraphBuilder().add_node(a).add_node(b).add_node(c).add_node(d)
        graph = build.add_edge(a, b).add_edge(a, c).add_edge(b, d).add_edge(c, d).build()
        return GraphFlow([a, b, c, d], graph)

    it = await both(make, parallel=True)
    assert it.run.streamed() == {"a": "start", "b": "b" * 30, "c": "c" * 30, "d": "end"}
    order = "".join(e.text for e in it.run.of(model.Delta) if e.text in "bc")
    assert "bc" in order
    assert "cb" in order


async def test_nested_teams_of_one_name_are_two() -> None:
    def make() -> RoundRobinGroupChat:
        inner = [
            RoundRobinGroupChat(
                [agent(f"x{n}", f"from {n}")], max_turns=1, name=f"inner{n}", emit_team_events=True
            )
            for n in (1, 2)
        ]
        return RoundRobinGroupChat(inner, max_turns=2, name="outer", emit_team_events=True)

    it = await both(make)
    assert it.run.lanes == {
        "outer": (None, "team"),
        "inner1": ("outer", "team"),
        "x1": ("inner1", "agent"),
        "inner2": ("outer", "team"),
        "x2": ("inner2", "agent"),
    }
    assert it.run.streamed() == {"x1": "from 1", "x2": "from 2"}
    assert selected(it.run) == [["inner1"], ["x1"], ["inner2"], ["x2"]]


async def test_agents_of_one_name_in_two_teams_have_two_lanes() -> None:
    inner = [
        RoundRobinGroupChat([agent("x", f"from {n}")], max_turns=1, name=f"inner{n}")
        for n in (1, 2)
    ]
    run = FakeRun()
    await AutoGenStreamingAdapter(RoundRobinGroupChat(inner, max_turns=2)).run(run, "go")
    lanes = [lane.lane for lane in run.of(model.Lane) if lane.name == "x"]
    assert [o.lane for o in run.of(model.Open)] == lanes
    assert len(set(lanes)) == 2


async def test_society_of_mind() -> None:
    def make() -> SocietyOfMindAgent:
        team = RoundRobinGroupChat([agent("w", "draft"), agent("e", "edit")], max_turns=2)
        return SocietyOfMindAgent("mind", team, client("final word"))

    it = await both(make)
    assert it.run.lanes["RoundRobinGroupChat"] == ("mind", "team")
    assert it.run.lanes["w"] == ("RoundRobinGroupChat", "agent")
    assert it.run.streamed() == {"w": "draft", "e": "edit"}
    assert it.run.spoken() == {"mind": ["final word"]}


def boss(*tools: Any, calls: list[Any]) -> AssistantAgent:
    return agent(
        "boss", Turn("asking", tools=calls), "done", tools=list(tools), max_tool_iterations=2
    )


async def test_an_agent_as_a_tool_speaks_under_its_caller() -> None:
    it = await both(
        lambda: boss(AgentTool(agent("sub", "inner words")), calls=[("sub", {"task": "work"})])
    )
    assert it.run.lanes == {"boss": (None, "agent"), "sub": ("boss", "tool")}
    assert it.run.streamed() == {"boss": "askingdone", "sub": "inner words"}
    (task,) = it.run.of(model.Message)
    assert (it.run.name_of[task.lane], task.kind, task.content) == ("sub", "task", "work")


async def test_a_team_as_a_tool() -> None:
    def make() -> AssistantAgent:
        team = RoundRobinGroupChat([agent("w", "draft"), agent("e", "edit")], max_turns=2)
        return boss(TeamTool(team, "desk", "writes"), calls=[("desk", {"task": "work"})])

    it = await both(make)
    team = "RoundRobinGroupChat"
    assert it.run.lanes == {
        "boss": (None, "agent"),
        team: ("boss", "tool"),
        "w": (team, "agent"),
        "e": (team, "agent"),
    }
    assert it.run.streamed() == {"boss": "askingdone", "w": "draft", "e": "edit"}
    (task,) = it.run.of(model.Message)
    assert (it.run.name_of[task.lane], task.kind, task.content) == (team, "task", "work")


async def test_two_agents_as_tools_at_once() -> None:
    def make() -> RoundRobinGroupChat:
        tools = [AgentTool(agent(n, [n] * 20)) for n in "pq"]
        lead = boss(*tools, calls=[("p", {"task": "do p"}), ("q", {"task": "do q"})])
        return RoundRobinGroupChat([lead], max_turns=1)

    it = await both(make, parallel=True)
    assert it.run.lanes["p"] == it.run.lanes["q"] == ("boss", "tool")
    assert it.run.streamed() == {"boss": "askingdone", "p": "p" * 20, "q": "q" * 20}
    order = "".join(it.run.streamed_in_order())
    assert "pq" in order
    assert "qp" in order


async def test_one_agent_as_the_tool_of_two() -> None:
    tool = AgentTool(agent("sub", "for one", "for two"))
    callers = [agent(n, Turn(tools=[("sub", {"task": n})]), tools=[tool]) for n in ("one", "two")]
    run = FakeRun()
    await AutoGenStreamingAdapter(RoundRobinGroupChat(callers, max_turns=2)).run(run, "go")
    run.assert_all_closed()
    subs = [lane for lane in run.of(model.Lane) if lane.name == "sub"]
    assert [run.name_of[lane.parent] for lane in subs] == ["one", "two"]
    assert run.streamed() == {"sub": "for onefor two"}


def ledger(*, done: bool, speaker: str = "w", say: str = "") -> str:
    answers = {
        "is_request_satisfied": done,
        "is_progress_being_made": True,
        "is_in_loop": False,
        "instruction_or_question": say,
        "next_speaker": speaker,
    }
    return json.dumps({key: {"reason": "so", "answer": value} for key, value in answers.items()})


async def test_magentic_one() -> None:
    def make() -> MagenticOneGroupChat:
        plan = client("facts", "plan", ledger(done=False, say="write!"), ledger(done=True), "fin")
        return MagenticOneGroupChat([agent("w", "draft"), agent("v", "x")], plan)

    it = await both(make)
    manager = "MagenticOneOrchestrator"
    assert it.run.lanes[manager] == ("MagenticOneGroupChat", "manager")
    spoken = it.run.spoken()[manager]
    assert "facts" in spoken[0]
    assert spoken[1:] == ["write!", "fin"]
    assert it.run.streamed() == {"w": "draft"}


async def test_a_person_in_a_team() -> None:
    def make() -> RoundRobinGroupChat:
        human = UserProxyAgent("human", input_func=lambda _prompt: "fine")
        return RoundRobinGroupChat([agent("a", "is it good?"), human], max_turns=2)

    it = await both(make)
    assert it.run.lanes["human"] == ("RoundRobinGroupChat", "user")
    assert [r.content for r in it.run.of(model.InputReply)] == ["fine"]


async def test_a_person_in_a_team_is_asked_by_the_run() -> None:
    team = RoundRobinGroupChat([agent("a", "good?"), UserProxyAgent("human")], max_turns=2)
    run = FakeRun(answer=lambda _prompt: "fine")
    result = await AutoGenStreamingAdapter(team).run(run, "go")
    assert result.messages[-1].content == "fine"  # type: ignore[union-attr]
    (asked,) = run.of(model.InputRequest)
    assert run.name_of[asked.lane] == "human"


async def test_a_team_goes_on_without_a_task() -> None:
    team = RoundRobinGroupChat([agent("a", "one", "two")], max_turns=1)
    await AutoGenStreamingAdapter(team).run(FakeRun(), "go")
    run = FakeRun()
    await AutoGenStreamingAdapter(team).run(run, None)
    assert run.streamed() == {"a": "two"}


async def test_a_task_that_ends_the_team_at_once() -> None:
    def make() -> RoundRobinGroupChat:
        end = MaxMessageTermination(1)
        return RoundRobinGroupChat([agent("a", "never")], termination_condition=end)

    it = await both(make)
    assert it.run.streamed() == {}
    assert not [e for e in it.native if isinstance(e, SelectSpeakerEvent)]


async def test_state_can_be_saved_while_and_after_it_runs() -> None:
    team = RoundRobinGroupChat([agent("a", "one")], max_turns=1)
    run = FakeRun()
    states: list[Any] = []
    original = run.gate

    async def gate() -> None:
        await original()
        states.append(await team.save_state())

    run.gate = gate  # type: ignore[method-assign]
    await AutoGenStreamingAdapter(team).run(run, "go")
    fresh = RoundRobinGroupChat([agent("a", "two")], max_turns=1)
    await fresh.load_state(await team.save_state())
    assert len(states) > 1


async def test_a_runtime_of_the_users_own() -> None:
    """Its tasks do not know who called them; then the tree decides."""
    runtime = SingleThreadedAgentRuntime()
    runtime.start()
    inner = RoundRobinGroupChat([agent("x", "hello")], max_turns=1, name="inner", runtime=runtime)
    team = RoundRobinGroupChat(
        [inner, boss(AgentTool(agent("sub", "words")), calls=[("sub", {"task": "t"})])],
        max_turns=2,
        name="outer",
        runtime=runtime,
        emit_team_events=True,
    )
    run = FakeRun()
    await AutoGenStreamingAdapter(team).run(run, "go")
    await runtime.stop()
    assert run.lanes["x"] == ("inner", "agent")
    assert run.lanes["sub"] == ("boss", "tool")
    assert run.streamed() == {"x": "hello", "boss": "askingdone", "sub": "words"}
    assert selected(run) == [["inner"], ["boss"]]
