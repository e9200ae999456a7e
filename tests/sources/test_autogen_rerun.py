"""A team that was cancelled or has failed, and a fresh one that goes on in its place."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent
from autogen_agentchat.base import Response
from autogen_agentchat.conditions import HandoffTermination
from autogen_agentchat.messages import HandoffMessage, TextMessage
from autogen_agentchat.teams import (
    DiGraphBuilder,
    GraphFlow,
    RoundRobinGroupChat,
    SelectorGroupChat,
    Swarm,
)
from autogen_core import CancellationToken
from autogen_runs import client
from fake_run import FakeRun

from swarm_stream.errors import SourceError
from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.autogen.state import without_dangling_calls
from swarm_stream.sources.scripted import ScriptedClient, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from autogen_core.models import LLMMessage

pytestmark = pytest.mark.asyncio

STALLS = Turn("half", stall_at=1)


def told(messages: list[LLMMessage]) -> list[str]:
    """What a model was given, without the system message."""
    return [str(m.content) for m in messages if type(m).__name__ != "SystemMessage"]


def agent(name: str, said: ScriptedClient, **settings: Any) -> AssistantAgent:
    return AssistantAgent(name, said, model_client_stream=True, **settings)


async def cut(
    adapter: AutoGenStreamingAdapter, run: FakeRun, when: Callable[[], bool] | None = None
) -> None:
    """Run until somebody says ``half``, or ``when`` it is to be cut, then cancel."""
    running = asyncio.create_task(adapter.run(run, "first task"))
    async with asyncio.timeout(5):
        while not (when() if when is not None else "half" in run.streamed_in_order()):
            await asyncio.sleep(0.001)
    for _ in range(50):
        await asyncio.sleep(0)  # what was said has reached everybody
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def continued(runner: Any, earlier: AutoGenStreamingAdapter) -> AutoGenStreamingAdapter:
    adapter = AutoGenStreamingAdapter(runner)
    adapter.continue_from(earlier)
    return adapter


async def test_bare_autogen_tells_the_task_twice_and_goes_on_with_the_wrong_agent() -> None:
    """The control: what save_state and load_state give after a cancelled turn."""
    first, second = client(Turn("one"), STALLS), client("other")
    team = RoundRobinGroupChat([agent("a", first), agent("b", second)])
    token = CancellationToken()

    async def consume() -> None:
        async for _ in team.run_stream(task="first task", cancellation_token=token):
            if len(second.calls) == 1:
                token.cancel()

    second._parts[""] = [STALLS]
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(consume(), 5)
    again = client("x"), client("y")
    fresh = RoundRobinGroupChat([agent("a", again[0]), agent("b", again[1])], max_turns=3)
    await fresh.load_state(await team.save_state())
    await fresh.run(task="second task")
    given = told(again[1].calls[0].messages)
    assert given.count("one") == 2  # b had it, and has it in its buffer again
    assert [len(said.calls) for said in again] == [1, 1]
    assert told(again[0].calls[0].messages)[-1] != "y"  # a spoke first, though it was b's turn


@pytest.mark.parametrize("how", ["cancelled", "failed"])
async def test_a_fresh_team_takes_over_and_the_turn_that_was_cut_is_begun_anew(how: str) -> None:
    broken = STALLS if how == "cancelled" else Turn("half", error=ConnectionError("gone"))

    def team(first: ScriptedClient, second: ScriptedClient) -> RoundRobinGroupChat:
        return RoundRobinGroupChat([agent("a", first), agent("b", second)], max_turns=2)

    earlier = AutoGenStreamingAdapter(team(client("one"), client(broken)))
    if how == "cancelled":
        await cut(earlier, FakeRun())
    else:
        with pytest.raises(ConnectionError):
            await earlier.run(FakeRun(), "first task")

    first, second = client("x"), client("y")
    run = FakeRun()
    await continued(team(first, second), earlier).run(run, "second task")
    assert told(second.calls[0].messages) == ["first task", "one", "second task"]
    assert told(first.calls[0].messages) == ["first task", "one", "second task", "y"]
    assert run.streamed() == {"b": "y", "a": "x"}


async def test_a_task_that_was_not_heard_yet_is_not_lost() -> None:
    def team(said: ScriptedClient) -> RoundRobinGroupChat:
        return RoundRobinGroupChat([agent("a", said)], max_turns=1)

    run = FakeRun()
    run.shut()  # the agent was chosen, and has not been given its messages
    earlier = AutoGenStreamingAdapter(team(client("never")))
    await cut(earlier, run, lambda: run.gate_calls > 0)

    said = client("x")
    await continued(team(said), earlier).run(FakeRun(), "second task")
    assert told(said.calls[0].messages) == ["first task", "second task"]


async def test_a_tool_call_without_a_result_is_left_out() -> None:
    async def sleeper() -> str:
        """Sleep for ever."""
        await asyncio.Event().wait()
        return ""

    def team(said: ScriptedClient) -> RoundRobinGroupChat:
        return RoundRobinGroupChat([agent("a", said, tools=[sleeper])], max_turns=1)

    earlier = AutoGenStreamingAdapter(team(client(Turn("half", tools=["sleeper"]))))
    run = FakeRun()
    await cut(earlier, run, lambda: bool(run.of(model.ToolCall)))

    said = client("x")
    await continued(team(said), earlier).run(FakeRun(), "second task")
    assert told(said.calls[0].messages) == ["first task", "second task"]


async def test_only_tool_calls_without_results_are_left_out() -> None:
    call = {"type": "AssistantMessage", "content": [{"id": "1"}]}
    result = {"type": "FunctionExecutionResultMessage", "content": []}
    said = {"type": "AssistantMessage", "content": "hi"}
    asked = {"type": "UserMessage", "content": ["parts", "of it"]}
    assert without_dangling_calls([asked, call, result, said]) == [asked, call, result, said]
    assert without_dangling_calls([call, asked, call, result, call]) == [asked, call, result]


async def test_a_nested_team_begins_its_turn_anew() -> None:
    def team(said: ScriptedClient, other: ScriptedClient) -> RoundRobinGroupChat:
        inner = RoundRobinGroupChat(
            [agent("a", said), agent("b", other)], name="inner", max_turns=2
        )
        return RoundRobinGroupChat([inner], name="outer", max_turns=1)

    earlier = AutoGenStreamingAdapter(team(client("one"), client(STALLS)))
    await cut(earlier, FakeRun())
    first, second = client("x"), client("y")
    run = FakeRun()
    await continued(team(first, second), earlier).run(run, "second task")
    assert told(second.calls[0].messages) == ["first task", "one", "second task"]
    assert list(run.streamed()) == ["b", "a"]


async def test_a_society_begins_its_turn_anew() -> None:
    def society(inner: ScriptedClient) -> SocietyOfMindAgent:
        team = RoundRobinGroupChat([agent("a", inner)], max_turns=1)
        return SocietyOfMindAgent("m", team, client("answer"))

    earlier = AutoGenStreamingAdapter(society(client(STALLS)))
    await cut(earlier, FakeRun())
    said = client("x")
    await continued(society(said), earlier).run(FakeRun(), "second task")
    assert told(said.calls[0].messages) == ["first task", "second task"]


async def test_the_nodes_of_a_graph_that_were_cut_are_ready_again() -> None:
    def flow(*said: ScriptedClient) -> GraphFlow:
        agents = [agent(name, one) for name, one in zip("sabe", said, strict=True)]
        s, a, b, e = agents
        build = DiGraphBuilder()
        for one in agents:
            build.add_node(one)
        edges = build.add_edge(s, a).add_edge(s, b).add_edge(a, e).add_edge(b, e)
        return GraphFlow(agents, edges.build())

    earlier = AutoGenStreamingAdapter(
        flow(client("go"), client("done"), client(STALLS), client("never"))
    )
    run = FakeRun()
    await cut(
        earlier,
        run,
        lambda: run.streamed().get("b") == "half" and run.streamed().get("a") == "done",
    )

    again = FakeRun()
    last = client("end")
    await continued(flow(client("no"), client("no"), client("bb"), last), earlier).run(
        again, "second task"
    )
    assert again.streamed() == {"b": "bb", "e": "end"}
    assert "done" in told(last.calls[0].messages)


async def test_a_selector_may_choose_the_one_that_was_cut_again() -> None:
    def team(chooser: ScriptedClient, *said: ScriptedClient) -> SelectorGroupChat:
        agents = [agent(name, one) for name, one in zip("abc", said, strict=True)]
        return SelectorGroupChat(agents, chooser, max_turns=2)

    earlier = AutoGenStreamingAdapter(
        team(client("a", "b"), client("one"), client(STALLS), client())
    )
    await cut(earlier, FakeRun())
    again = FakeRun()
    chooser = client("b", "c")
    fresh = team(chooser, client("no"), client("bb"), client("cc"))
    await continued(fresh, earlier).run(again, "second task")
    assert again.streamed() == {"b": "bb", "c": "cc"}


async def test_the_state_of_a_run_that_was_whole_is_taken_as_it_is() -> None:
    def team(said: ScriptedClient) -> RoundRobinGroupChat:
        return RoundRobinGroupChat([agent("a", said)], max_turns=1)

    earlier = AutoGenStreamingAdapter(team(client("one")))
    await earlier.run(FakeRun(), "first task")
    said = client("x")
    await continued(team(said), earlier).run(FakeRun(), "second task")
    assert told(said.calls[0].messages) == ["first task", "one", "second task"]
    # The same team knows what it knows; loading its own state into it would change nothing.
    third = client("y")
    bare = agent("b", third)
    one = AutoGenStreamingAdapter(bare)
    third._parts[""] = ["y", "z"]
    await one.run(FakeRun(), "1")
    await continued(bare, one).run(FakeRun(), "2")
    assert told(third.calls[1].messages) == ["1", "y", "2"]


@pytest.mark.parametrize("other", [object, lambda: AutoGenStreamingAdapter(agent("z", client()))])
async def test_the_state_of_something_else_is_refused(other: Callable[[], Any]) -> None:
    adapter = AutoGenStreamingAdapter(agent("a", client()))
    with pytest.raises(SourceError):
        adapter.continue_from(other())


async def test_a_handoff_to_the_user_is_answered_by_a_message() -> None:
    """As AutoGen's documentation has it: stop at the hand-off, go on with a HandoffMessage."""
    said = client(Turn(tools=["transfer_to_user"]), "thank you")
    alice = agent("alice", said, handoffs=["user"])
    team = Swarm([alice], termination_condition=HandoffTermination("user"), max_turns=3)
    run = FakeRun()
    result = await AutoGenStreamingAdapter(team).run(run, "book it")
    assert "Handoff to user" in (result.stop_reason or "")
    assert [h.target for h in run.of(model.Handoff)] == ["user"]

    again = FakeRun()
    answer = HandoffMessage(source="user", target="alice", content="the blue one")
    again.on_event = lambda event: (
        isinstance(event, model.Delta) and setattr(again, "stopping", True)
    )
    await AutoGenStreamingAdapter(team).run(again, answer)
    assert again.streamed() == {"alice": "thank you"}
    assert told(said.calls[1].messages)[-1] == "the blue one"


async def test_an_agent_without_a_memory_is_told_again_what_it_was_told() -> None:
    class Forgetful(AssistantAgent):
        """Saves no state, as many an agent of its users' own does."""

        def __init__(self, given: list[list[str]], *, stays: bool) -> None:
            super().__init__("b", client())
            self.given, self.stays = given, stays

        async def save_state(self) -> dict[str, Any]:
            return {}

        async def load_state(self, state: Any) -> None:
            assert state == {}

        async def on_messages_stream(self, messages: Any, *_: Any) -> Any:
            self.given.append([message.content for message in messages])
            if self.stays:
                await asyncio.Event().wait()
            yield Response(chat_message=TextMessage(source="b", content="done"))

    given: list[list[str]] = []

    def team(*, stays: bool) -> RoundRobinGroupChat:
        return RoundRobinGroupChat(
            [agent("a", client("one")), Forgetful(given, stays=stays)], max_turns=2
        )

    earlier = AutoGenStreamingAdapter(team(stays=True))
    await cut(earlier, FakeRun(), lambda: bool(given))
    again = FakeRun()
    again.on_event = lambda event: (
        isinstance(event, model.Open) and setattr(again, "stopping", True)
    )
    await continued(team(stays=False), earlier).run(again, "second task")
    assert given == [["first task", "one"], ["first task", "one", "second task"]]


async def test_a_lone_agent_that_was_cut_in_a_tool_call_can_run_again() -> None:
    async def sleeper() -> str:
        """Sleep for ever."""
        await asyncio.Event().wait()
        return ""

    said = client(Turn("half", tools=["sleeper"]), "fine")
    one = agent("a", said, tools=[sleeper])
    run = FakeRun()
    await cut(AutoGenStreamingAdapter(one), run, lambda: bool(run.of(model.ToolCall)))
    await AutoGenStreamingAdapter(one).run(FakeRun(), "again")
    assert told(said.calls[1].messages) == ["first task", "again"]


async def test_an_agent_that_was_cut_in_a_tool_call_can_join_a_fresh_team() -> None:
    async def sleeper() -> str:
        """Sleep for ever."""
        await asyncio.Event().wait()
        return ""

    said = client(Turn("half", tools=["sleeper"]), "fine")
    one = agent("a", said, tools=[sleeper])
    run = FakeRun()
    earlier = AutoGenStreamingAdapter(RoundRobinGroupChat([one], max_turns=1))
    await cut(earlier, run, lambda: bool(run.of(model.ToolCall)))
    await AutoGenStreamingAdapter(RoundRobinGroupChat([one], max_turns=1)).run(FakeRun(), "again")
    assert told(said.calls[1].messages) == ["first task", "again"]


async def test_a_chain_of_continued_runs_keeps_none_but_the_last() -> None:
    def team() -> RoundRobinGroupChat:
        return RoundRobinGroupChat([agent("a", client("one"))], max_turns=1)

    adapters = [AutoGenStreamingAdapter(team())]
    await adapters[0].run(FakeRun(), "task")
    known = [weakref.ref(adapters[0].runner)]
    for _ in range(3):
        adapters = [continued(team(), adapters[0])]
        await adapters[0].run(FakeRun(), "task")
        known.append(weakref.ref(adapters[0].runner))
    gc.collect()
    assert [ref() is not None for ref in known] == [False, False, False, True]
