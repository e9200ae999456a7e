"""Cancel, stop, pause, fail: the run ends as it should and leaves the agents as they were."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from autogen_agentchat.agents import AssistantAgent, SocietyOfMindAgent
from autogen_agentchat.base import Team
from autogen_agentchat.messages import TextMessage
from autogen_agentchat.teams import (
    DiGraphBuilder,
    GraphFlow,
    MagenticOneGroupChat,
    RoundRobinGroupChat,
    SelectorGroupChat,
)
from autogen_core import CancellationToken  # noqa: TC002  (AutoGen reads annotations)
from autogen_core.tools import FunctionTool
from autogen_runs import assert_untouched, client
from fake_run import FakeRun
from stuck import SLEEPING, STUCK, Stuck, agent, blocker, calling, stalled

from swarm_stream.errors import SessionStateError, SourceError
from swarm_stream.events import model
from swarm_stream.sources.autogen import AutoGenStreamingAdapter
from swarm_stream.sources.autogen.tap import Tap
from swarm_stream.sources.autogen.walk import walk
from swarm_stream.sources.scripted import ScriptedClient, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio

LIMIT_S = 0.5


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def reached(run: FakeRun, kind: Stuck) -> Callable[[], bool]:
    """Whether a run is where it would stay for ever."""
    match kind.waits_for.split():
        case ["tool"]:
            return lambda: bool(run.of(model.ToolCall))
        case ["input"]:
            return lambda: bool(run.of(model.InputRequest))
        case ["calls", _]:
            return lambda: run.streamed().keys() >= {"a", "b"} and len(run.of(model.Delta)) >= 5
        case _:
            return lambda: run.streamed().get("a") == kind.said


@pytest.mark.leaves_threads
@pytest.mark.parametrize("way", ["request", "task"])
@pytest.mark.parametrize("name", [name for name in STUCK if name != "magentic"])
async def test_cancel_ends_a_run_at_once_and_keeps_what_was_said(name: str, way: str) -> None:
    kind = STUCK[name]
    SLEEPING.woken.clear()
    runner = kind.make()
    run = FakeRun()
    adapter = AutoGenStreamingAdapter(runner)
    task = asyncio.create_task(adapter.run(run, "go"))
    await until(reached(run, kind))
    await asyncio.sleep(0.01)  # a thread has to begin before it can be left behind

    adapter.request_cancel() if way == "request" else task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task

    assert adapter.leaked == (["tool 'blocker' of a"] if name == "sync-tool" else [])
    SLEEPING.woken.set()
    assert run.streamed()["a"] == "xy"
    run.assert_all_closed()
    if kind.waits_for not in ("tool", "input"):
        assert run.of(model.Close)[-1].partial
    if way == "task" and kind.bare != "ends" and isinstance(runner, Team):
        with pytest.raises(SessionStateError, match="was cancelled"):
            adapter.check("again")
    assert_untouched(runner)


@pytest.mark.parametrize("name", ["graph", "society", "team-deaf", "nested"])
async def test_autogens_noise_does_not_reach_the_user(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as ``task_done() called too many times`` (microsoft/autogen#7007)."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    run = FakeRun()
    adapter = AutoGenStreamingAdapter(STUCK[name].make())
    task = asyncio.create_task(adapter.run(run, "go"))
    await until(reached(run, STUCK[name]))
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del adapter, task
    for _ in range(3):
        await asyncio.sleep(0.01)
        gc.collect()  # asyncio complains of what nobody retrieved when it goes
    assert complaints == []
    assert [r.message for r in caplog.records if r.name.startswith("autogen_core")] == []


async def test_an_orchestrator_whose_model_is_deaf_is_cancelled() -> None:
    """Its model is asked by no agent: only the runtime's own tasks have hold of that call."""
    team = STUCK["magentic"].make()
    adapter = AutoGenStreamingAdapter(team)
    task = asyncio.create_task(adapter.run(FakeRun(), "go"))
    await until(lambda: bool(team._model_client.calls))
    adapter.request_cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert adapter.leaked == []
    assert_untouched(team)


async def test_a_tool_that_takes_no_notice_is_named_and_its_run_ends() -> None:
    released = asyncio.Event()

    async def stubborn() -> str:
        """Go on."""
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return ""

    adapter = AutoGenStreamingAdapter(RoundRobinGroupChat([calling(tool=stubborn)]))
    task = asyncio.create_task(adapter.run(run := FakeRun(cancel_timeout_s=0.1), "go"))
    await until(lambda: bool(run.of(model.ToolCall)))
    await asyncio.sleep(0.01)  # it has to begin before it can take no notice
    adapter.request_cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert "tool 'stubborn' of a" in adapter.leaked
    released.set()
    for _ in range(20):
        await asyncio.sleep(0)


async def test_two_runs_that_share_a_tool_both_have_it_as_it_was() -> None:
    tool = FunctionTool(blocker, "blocks")
    SLEEPING.woken.set()
    scripts = [[Turn(tools=["blocker"])] for _ in "ab"]
    agents = [
        AssistantAgent(name, client(*script), tools=[tool])
        for name, script in zip("ab", scripts, strict=True)
    ]
    runs = [AutoGenStreamingAdapter(one).run(FakeRun(), "go") for one in agents]
    await asyncio.gather(*runs)
    assert tool._func is blocker
    assert "run_json" not in vars(tool)


async def test_a_callback_that_fails_does_not_keep_a_run_from_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_set = asyncio.Event()

    async def trap(cancellation_token: CancellationToken) -> str:
        """Set a trap."""
        cancellation_token.add_callback(lambda: 1 // 0)
        is_set.set()
        await asyncio.sleep(3600)
        return ""

    adapter = AutoGenStreamingAdapter(RoundRobinGroupChat([calling(tool=trap)]))
    task = asyncio.create_task(adapter.run(run := FakeRun(), "go"))
    await is_set.wait()
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    run.assert_all_closed()
    assert "a callback of the cancellation token failed" in caplog.text


async def test_tools_of_any_shape_work_as_without_us() -> None:
    class Odd(FunctionTool):
        """Cannot be hashed, and takes ``call_id`` by name only."""

        __hash__ = None  # type: ignore[assignment]

        async def run_json(self, args: Any, token: Any, *, call_id: Any = None) -> Any:
            return await super().run_json(args, token, call_id=call_id)

    def work() -> str:
        """Work."""
        return "worked"

    one = AssistantAgent("a", client(Turn(tools=["work"])), tools=[Odd(work, "works")])
    result = await AutoGenStreamingAdapter(one).run(FakeRun(), "go")
    assert result.messages[-1].content == "worked"  # type: ignore[union-attr]


async def test_a_managers_model_that_takes_no_notice_is_named() -> None:
    released = asyncio.Event()

    async def choose(_thread: Any) -> str:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return "a"

    agents = [agent("a", "x"), agent("b", "y")]
    adapter = AutoGenStreamingAdapter(SelectorGroupChat(agents, client(), selector_func=choose))
    task = asyncio.create_task(adapter.run(FakeRun(cancel_timeout_s=0.2), "go"))
    await asyncio.sleep(0.05)
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "manager of SelectorGroupChat" in adapter.leaked
    released.set()
    for _ in range(50):
        await asyncio.sleep(0)


async def test_cancel_before_and_after_a_run_does_no_harm() -> None:
    adapter = AutoGenStreamingAdapter(agent("a", "hi"))
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await adapter.run(FakeRun(), "go")
    adapter.request_cancel()


class BoomError(Exception):
    """Raised by a model."""


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: one,
        lambda one: RoundRobinGroupChat([one]),
        lambda one: RoundRobinGroupChat([RoundRobinGroupChat([one], name="i")], name="o"),
        lambda one: RoundRobinGroupChat(
            [SocietyOfMindAgent("m", RoundRobinGroupChat([one]), client("no"))]
        ),
    ],
    ids=["agent", "team", "nested", "society"],
)
async def test_the_original_error_is_raised_and_all_tokens_are_there(wrap: Any) -> None:
    boom = BoomError("it broke")
    cause = OSError("the reason")
    boom.__cause__ = cause
    one = agent("a", Turn(chunks=list("0123456789"), error=boom, error_at=10))
    # A client that never yields to the loop: bare AutoGen delivers 2 of these 10.
    runner = wrap(one)
    run = FakeRun()
    with pytest.raises(BoomError) as raised:
        await AutoGenStreamingAdapter(runner).run(run, "go")
    assert raised.value is boom
    assert raised.value.__cause__ is cause
    assert run.streamed() == {"a": "0123456789"}
    assert run.of(model.Close)[-1].partial
    run.assert_all_closed()
    assert_untouched(runner)


async def test_an_error_of_a_branch_is_raised() -> None:
    agents = [agent("s", "go"), agent("a", Turn("ab", error=BoomError("a"))), agent("b", "bb" * 9)]
    s, a, b = agents
    build = DiGraphBuilder()
    for one in agents:
        build.add_node(one)
    flow = GraphFlow(agents, build.add_edge(s, a).add_edge(s, b).build())
    with pytest.raises(BoomError):
        await AutoGenStreamingAdapter(flow).run(run := FakeRun(), "go")
    run.assert_all_closed()
    assert_untouched(flow)


async def test_an_error_of_a_manager_is_raised_with_its_own_type() -> None:
    def choose(thread: Any) -> str | None:
        if len(thread) > 1:
            raise BoomError("cannot choose")
        return "a"

    team = SelectorGroupChat([agent("a", "hi"), agent("b", "ho")], client(), selector_func=choose)
    with pytest.raises(BoomError, match="cannot choose"):
        await AutoGenStreamingAdapter(team).run(run := FakeRun(), "go")
    assert run.streamed() == {"a": "hi"}
    assert_untouched(team)


async def test_an_error_of_the_orchestrator_is_raised() -> None:
    team = MagenticOneGroupChat([agent("a", "hi")], client("facts", BoomError("no plan")))
    with pytest.raises(BoomError, match="no plan"):
        await AutoGenStreamingAdapter(team).run(FakeRun(), "go")
    assert_untouched(team)


async def test_the_original_error_is_known_also_where_autogen_logs_nothing() -> None:
    log = logging.getLogger("autogen_core")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        team = RoundRobinGroupChat([agent("a", BoomError("quiet"))])
        with pytest.raises(BoomError):
            await AutoGenStreamingAdapter(team).run(FakeRun(), "go")
    finally:
        log.setLevel(level)


async def test_what_autogen_logs_of_a_failure_is_not_printed_beside_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    team = RoundRobinGroupChat([agent("a", BoomError("once"))])
    with pytest.raises(BoomError):
        await AutoGenStreamingAdapter(team).run(FakeRun(), "go")
    assert [r.message for r in caplog.records if r.name == "autogen_core"] == []


class Steps(AssistantAgent):
    """Counts how far it has come."""

    came = 0

    async def on_messages_stream(self, *_given: Any) -> Any:
        for word in ("one", "two"):
            self.came += 1
            yield TextMessage(source=self.name, content=word)


async def test_an_agent_goes_on_only_when_it_is_asked_for_more() -> None:
    one = Steps("a", client())
    tap = Tap(FakeRun(), walk(one))
    await tap.install([], told=True)
    said = one.on_messages_stream([], None)
    assert (await anext(said)).content == "one"
    for _ in range(50):
        await asyncio.sleep(0)
    assert one.came == 1
    await said.aclose()
    tap.restore()
    assert_untouched(one)


async def test_an_error_in_a_tool_is_no_error_of_the_run() -> None:
    def broken() -> str:
        """Fail."""
        raise BoomError("tool")

    one = agent("a", Turn(tools=["broken"]), tools=[broken])
    await AutoGenStreamingAdapter(RoundRobinGroupChat([one], max_turns=1)).run(
        run := FakeRun(), "go"
    )
    assert run.of(model.ToolResult)[0].is_error


async def test_a_paused_run_takes_nothing_more_from_the_model() -> None:
    said = client(["t"] * 50)
    team = RoundRobinGroupChat([AssistantAgent("a", said, model_client_stream=True)], max_turns=1)
    run = FakeRun()
    run.on_event = lambda event: (
        isinstance(event, model.Delta) and (len(run.of(model.Delta)) == 10 and run.shut())
    )
    task = asyncio.create_task(AutoGenStreamingAdapter(team).run(run, "go"))
    await until(lambda: len(run.of(model.Delta)) == 10)
    for _ in range(200):
        await asyncio.sleep(0)
    assert len(said.produced[0]) <= 11  # the one in flight
    assert len(run.of(model.Delta)) == 10
    run.reopen()
    await task
    assert run.streamed() == {"a": "t" * 50}


async def test_a_paused_run_does_not_ask_the_next_agent() -> None:
    first, second = client("one"), client("two")
    team = RoundRobinGroupChat(
        [AssistantAgent("a", first), AssistantAgent("b", second)], max_turns=2
    )
    run = FakeRun()
    run.on_event = lambda event: isinstance(event, model.Close) and run.shut()
    task = asyncio.create_task(AutoGenStreamingAdapter(team).run(run, "go"))
    await until(lambda: bool(run.of(model.Close)))
    for _ in range(200):
        await asyncio.sleep(0)
    assert second.calls == []
    run.on_event = lambda _event: None
    run.reopen()
    await task
    assert run.spoken() == {"a": ["one"], "b": ["two"]}


async def test_cancel_while_paused() -> None:
    run = FakeRun()
    run.shut()
    adapter = AutoGenStreamingAdapter(RoundRobinGroupChat([agent("a", "x")]))
    task = asyncio.create_task(adapter.run(run, "go"))
    await until(lambda: run.gate_calls > 0)
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("nested", [False, True])
async def test_stop_lets_the_speaking_agent_finish(*, nested: bool) -> None:
    agents = [agent("a", ["a"] * 20, "more"), agent("b", "never")]
    team: Any = RoundRobinGroupChat(agents, name="t")
    if nested:
        team = RoundRobinGroupChat([team], name="outer")
    run = FakeRun()
    adapter = AutoGenStreamingAdapter(team)
    run.on_event = lambda event: isinstance(event, model.Delta) and adapter.request_stop()
    result = await adapter.run(run, "go")
    assert run.streamed() == {"a": "a" * 20}
    assert result.stop_reason == "Stop requested"
    assert_untouched(team)
    if nested:
        return  # AutoGen's nested teams cannot go on without a task
    # Stopped, not spoiled: it goes on where it was.
    again = FakeRun()
    other = AutoGenStreamingAdapter(team)
    again.on_event = lambda event: isinstance(event, model.Delta) and other.request_stop()
    await other.run(again, None)
    assert len(again.streamed()) == 1


async def test_the_flag_of_the_run_stops_as_well() -> None:
    team = RoundRobinGroupChat([agent("a", "one", "two")])
    run = FakeRun()
    run.on_event = lambda event: isinstance(event, model.Delta) and setattr(run, "stopping", True)
    await AutoGenStreamingAdapter(team).run(run, "go")
    assert run.streamed() == {"a": "one"}


async def test_a_team_that_runs_is_refused_before_anything_starts() -> None:
    team = RoundRobinGroupChat([stalled(deaf=False)])
    adapter = AutoGenStreamingAdapter(team)
    task = asyncio.create_task(adapter.run(run := FakeRun(), "go"))
    await until(lambda: run.streamed().get("a") == "xy")
    other = FakeRun()
    with pytest.raises(SessionStateError, match="already running"):
        await AutoGenStreamingAdapter(team).run(other, "go")
    assert other.seen == []
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_agent_that_runs_is_refused_and_stays_whole() -> None:
    one = stalled(deaf=False)
    adapter = AutoGenStreamingAdapter(one)
    task = asyncio.create_task(adapter.run(run := FakeRun(), "go"))
    await until(lambda: run.streamed().get("a") == "xy")
    for second in (one, RoundRobinGroupChat([agent("b", "x"), one])):
        with pytest.raises(SessionStateError, match="has not ended"):
            await AutoGenStreamingAdapter(second).run(FakeRun(), "go")
    adapter.request_cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_untouched(one)


@pytest.mark.parametrize("script", [Turn(error=BoomError()), Turn("x", stall_at=1)])
async def test_a_team_that_broke_says_what_to_do(script: Turn) -> None:
    team = RoundRobinGroupChat([agent("a", script)])
    adapter = AutoGenStreamingAdapter(team)
    task = asyncio.create_task(adapter.run(run := FakeRun(), "go"))
    if script.stall_at:
        await until(lambda: bool(run.of(model.Delta)))
        adapter.request_cancel()
    await asyncio.wait({task})
    with pytest.raises(SessionStateError, match="Make a fresh team"):
        AutoGenStreamingAdapter(team).check("go")
    assert task.cancelled() or task.exception()


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (42, "not int"),
        ({"a": 1}, "not dict"),
        ([], "is empty"),
        (["text", "another"], "item 0 of this list is str"),
        ((TextMessage(content="x", source="user"), 7), "item 1 of this list is int"),
        (b"bytes", "not bytes"),
    ],
)
async def test_a_task_that_is_none_is_refused(task: Any, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        AutoGenStreamingAdapter(agent("a", "x")).check(task)


async def test_tasks_that_are_accepted() -> None:
    message = TextMessage(content="x", source="user")
    for task in ("x", message, [message], (message,), None):
        AutoGenStreamingAdapter(agent("a", "x")).check(task)


async def test_what_is_no_agent_is_refused() -> None:
    with pytest.raises(SourceError, match="neither an AutoGen agent nor a team"):
        AutoGenStreamingAdapter(lambda: 42)  # type: ignore[arg-type,return-value]


async def test_a_factory_and_the_names_of_its_agents() -> None:
    adapter = AutoGenStreamingAdapter(
        lambda: RoundRobinGroupChat([agent("a", "x"), agent("b", "y")], name="pair")
    )
    assert (adapter.title, adapter.agents) == ("pair", ["a", "b"])


async def test_what_somebody_else_had_replaced_is_put_back() -> None:
    one = agent("a", "x")
    own = one.on_messages_stream
    one.on_messages_stream = own  # type: ignore[method-assign]
    before = dict(vars(one))
    await AutoGenStreamingAdapter(one).run(FakeRun(), "go")
    assert vars(one) == before


class Stubborn(ScriptedClient):
    """Ignores cancellation in every way that Python has."""

    def __init__(self) -> None:
        super().__init__([])
        self.release = asyncio.Event()

    async def create_stream(self, *_args: Any, **_settings: Any) -> Any:  # type: ignore[override]
        yield "x"
        while not self.release.is_set():
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                continue


async def test_what_cannot_be_ended_is_named() -> None:
    stubborn = Stubborn()
    one = AssistantAgent("mule", stubborn, model_client_stream=True)
    run = FakeRun(cancel_timeout_s=0.02)
    adapter = AutoGenStreamingAdapter(one)
    task = asyncio.create_task(adapter.run(run, "go"))
    await until(lambda: bool(run.of(model.Delta)))
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < LIMIT_S
    assert "mule" in adapter.leaked
    assert_untouched(one)
    stubborn.release.set()
    await until(lambda: len(asyncio.all_tasks()) == 1)
