"""Questions to people: who may ask, who answers first, and what becomes of the others."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import pytest
from autogen_agentchat.agents import (
    AssistantAgent,
    MessageFilterAgent,
    MessageFilterConfig,
    UserProxyAgent,
)
from autogen_agentchat.teams import RoundRobinGroupChat

import swarm_stream as ss
from swarm_stream.config import StreamingConfig
from swarm_stream.errors import InputTimeoutError, SessionStateError, StreamCancelledError
from swarm_stream.events import model
from swarm_stream.sources.autogen.human import _is_terminal
from swarm_stream.sources.scripted import ScriptedClient, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from swarm_stream.runtime.manager import StreamingManager
    from swarm_stream.runtime.session import StreamingSession

pytestmark = pytest.mark.asyncio


def started(manager: StreamingManager, source: Any, **given: Any) -> StreamingSession:
    session = manager.create(source, **given)
    session.start()
    return session


async def asked(session: StreamingSession) -> None:
    """Wait until the run waits for a person."""
    async with asyncio.timeout(5):
        while not session.questions.waiting:
            await asyncio.sleep(0.001)


def inputs(session: StreamingSession) -> list[dict[str, Any]]:
    return [item.data for item in session.transcript.items if getattr(item, "kind", "") == "input"]


def team(*human: UserProxyAgent) -> RoundRobinGroupChat:
    agent = AssistantAgent("a", ScriptedClient(["which one?"]), model_client_stream=True)
    return RoundRobinGroupChat([agent, *human], max_turns=2)


async def test_a_person_in_a_team_is_asked_by_ss_ask(manager: StreamingManager) -> None:
    session = started(manager, team(UserProxyAgent("human", input_func=ss.ask)), task="go")
    await asked(session)
    session.reply("the blue one", by="ann")
    result: Any = await session
    assert result.messages[-1].content == "the blue one"
    question = inputs(session)
    assert [(q["reply"], q["by"], q["elsewhere"]) for q in question] == [
        ("the blue one", "ann", False)
    ]
    lane = next(i.lane for i in session.transcript.items if getattr(i, "kind", "") == "input")
    assert session.transcript.lanes[lane or 0].name == "human"


async def test_the_first_answer_wins_and_the_second_is_told(manager: StreamingManager) -> None:
    session = started(manager, team(UserProxyAgent("human")), task="go")
    await asked(session)
    (request,) = session.questions.waiting
    session.reply("first", request=request)
    with pytest.raises(SessionStateError, match="nobody is waiting"):
        session.reply("second", request=request)
    result: Any = await session
    assert result.messages[-1].content == "first"


async def test_an_input_func_that_asks_in_turn_is_one_question(manager: StreamingManager) -> None:
    async def politely(prompt: str, token: Any) -> str:
        del token
        return (await ss.ask(f"Please: {prompt}")).upper()

    session = started(manager, team(UserProxyAgent("human", input_func=politely)), task="go")
    await asked(session)
    session.reply("blue")
    result: Any = await session
    assert result.messages[-1].content == "BLUE"
    (question,) = inputs(session)
    assert question["prompt"].startswith("Please: ")
    assert (question["reply"], question["elsewhere"]) == ("blue", False)


async def test_an_own_input_func_is_shown_and_takes_no_answer(manager: StreamingManager) -> None:
    released = asyncio.Event()

    async def own(prompt: str, token: Any) -> str:
        del prompt, token
        await released.wait()
        return "by letter"

    session = started(manager, team(UserProxyAgent("human", input_func=own)), task="go")
    async with asyncio.timeout(5):
        while not inputs(session):
            await asyncio.sleep(0.001)
    (question,) = inputs(session)
    assert question["elsewhere"]
    assert session.transcript.waiting == []
    with pytest.raises(SessionStateError):
        session.reply("by view", request=question["request"])
    released.set()
    await session
    assert inputs(session)[0]["reply"] == "by letter"


@pytest.mark.parametrize("given", [{"timeout_s": 0.02, "default": "no"}, {}])
async def test_a_limit_of_time_may_have_a_default_answer(
    make_manager: Callable[..., StreamingManager], given: dict[str, Any]
) -> None:
    settings = {} if given else {"input_timeout_s": 0.02, "input_default": "no"}
    manager = make_manager(config=StreamingConfig(max_tokens_per_second=0, **settings))
    human = UserProxyAgent("human", input_func=functools.partial(ss.ask, **given))
    result: Any = await started(manager, team(human), task="go")
    assert result.messages[-1].content == "no"
    (session,) = manager
    assert inputs(session)[0]["by"] == "the time limit of 0.02 s"


async def test_without_a_default_the_limit_is_an_error(manager: StreamingManager) -> None:
    async def asking() -> AsyncIterator[str]:
        yield await ss.ask("Well?", timeout_s=0.02)

    session = started(manager, asking())
    with pytest.raises(InputTimeoutError, match=r"within 0\.02 s"):
        await session
    assert inputs(session)[0]["withdrawn"]


async def test_an_answer_in_the_last_moment_is_taken(manager: StreamingManager) -> None:
    async def asking() -> AsyncIterator[str]:
        yield await ss.ask("Well?", timeout_s=0.01, default="late")

    session = started(manager, asking())
    await asked(session)
    # The answer is given while the loop is held, so that it and the limit are due at once.
    session.reply("in time")
    await asyncio.sleep(0.02)
    assert await session == "in time"


async def test_a_tool_asks_for_leave_in_the_lane_of_its_agent(manager: StreamingManager) -> None:
    async def pay(amount: int) -> str:
        """Pay."""
        answer = await ss.ask(f"Pay {amount}?")
        return f"paid {amount}" if answer == "yes" else "refused"

    client = ScriptedClient([Turn(tools=[("pay", {"amount": 7})])])
    agent = AssistantAgent("buyer", client, tools=[pay], model_client_stream=True)
    session = started(manager, agent, task="buy")
    await asked(session)
    item = next(i for i in session.transcript.items if getattr(i, "kind", "") == "input")
    assert session.transcript.lanes[item.lane or 0].name == "buyer"
    session.reply("yes")
    result: Any = await session
    assert result.messages[-1].content == "paid 7"


async def test_a_question_that_is_taken_back_says_so(manager: StreamingManager) -> None:
    async def asking() -> AsyncIterator[str]:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ss.ask("Quick?"), 0.01)
        yield "went on"

    session = started(manager, asking())
    assert await session == "went on"
    (question,) = inputs(session)
    assert question["withdrawn"]
    assert question["reply"] is None


@pytest.mark.parametrize("how", ["run", "token"])
async def test_a_run_that_waits_for_a_person_can_be_cancelled(
    manager: StreamingManager, how: str
) -> None:
    session = started(manager, team(UserProxyAgent("human", input_func=ss.ask)), task="go")
    await asked(session)
    assert session.idle_s == 0
    session.cancel() if how == "run" else session.source._token.cancel()  # type: ignore[attr-defined]
    if how == "token":
        session.cancel()
    with pytest.raises(StreamCancelledError):
        await session
    assert session.questions.waiting == ()
    assert inputs(session)[0]["withdrawn"]


async def test_the_input_func_of_a_session_asks_for_that_session(
    manager: StreamingManager,
) -> None:
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[str]:
        await gate.wait()
        yield "end"

    session = started(manager, slow())
    ask = asyncio.ensure_future(session.input_func("From outside?", None))
    await asked(session)
    session.reply("yes")
    assert await ask == "yes"
    gate.set()
    await session
    (question,) = inputs(session)
    assert question["prompt"] == "From outside?"


async def test_who_asks_outside_of_a_run_is_told_where_to_ask() -> None:
    with pytest.raises(SessionStateError, match="outside of a run"):
        await ss.ask("Anybody?")


async def test_the_questions_of_a_recording_take_no_answer(manager: StreamingManager) -> None:
    events = [
        model.Lane(lane=0, name="human"),
        model.InputRequest(request="r", lane=0, prompt="?"),
        model.InputReply(request="r", content="yes", by="ann"),
        model.End(outcome="completed"),
    ]
    session = started(manager, events)
    await session
    assert inputs(session)[0]["elsewhere"]


async def test_who_forgets_to_await_is_told_so_and_nobody_is_asked(
    manager: StreamingManager,
) -> None:
    async def asking() -> AsyncIterator[str]:
        with pytest.raises(TypeError, match="write await"):
            assert ss.ask("Pay?")
        with pytest.raises(TypeError, match="write await"):
            assert ss.ask("Pay?") == "yes"
        question = ss.ask("Pay?")
        assert "await ss.ask" in repr(question)
        question.close()
        yield "nobody was asked"

    session = started(manager, asking())
    assert await session == "nobody was asked"
    assert inputs(session) == []


async def test_a_plain_tool_that_asks_is_told_to_be_async(manager: StreamingManager) -> None:
    def pay() -> str:
        """Pay."""
        return "paid" if ss.ask("Pay?") else "refused"

    agent = AssistantAgent("a", ScriptedClient([Turn(tools=["pay"])]), tools=[pay])
    result: Any = await started(manager, agent, task="go")
    assert "write async def" in result.messages[-1].content


async def test_tasks_may_be_made_of_questions(manager: StreamingManager) -> None:
    async def asking() -> AsyncIterator[str]:
        answers = await asyncio.gather(ss.ask("One?"), asyncio.create_task(ss.ask("Two?")))
        yield " ".join(answers)

    session = started(manager, asking())
    async with asyncio.timeout(5):
        while len(session.questions.waiting) < 2:
            await asyncio.sleep(0.001)
    for question in inputs(session):
        session.reply(question["prompt"].lower(), request=question["request"])
    assert await session == "one? two?"


@pytest.mark.parametrize("answer", [True, 5, None])
async def test_an_answer_that_is_no_text_leaves_the_question_open(
    manager: StreamingManager, answer: Any
) -> None:
    session = started(manager, team(UserProxyAgent("human")), task="go")
    await asked(session)
    with pytest.raises(TypeError, match="an answer is a text"):
        session.reply(answer)
    session.reply("yes")
    result: Any = await session
    assert result.messages[-1].content == "yes"


async def test_a_default_that_is_no_text_is_refused_before_anybody_is_asked(
    manager: StreamingManager,
) -> None:
    async def asking() -> AsyncIterator[str]:
        with pytest.raises(TypeError, match="a default answer"):
            await ss.ask("Well?", timeout_s=1, default=3)  # type: ignore[arg-type]
        yield "ok"

    session = started(manager, asking())
    assert await session == "ok"
    assert inputs(session) == []


async def test_nobody_waits_for_an_answer_after_the_end(manager: StreamingManager) -> None:
    async def words() -> AsyncIterator[str]:
        yield "one"
        await asked(session)
        yield "two"

    session = started(manager, words())
    open_question = asyncio.ensure_future(session.input_func("Open?"))
    await session
    with pytest.raises(SessionStateError, match="is over"):
        await open_question
    assert inputs(session)[0]["withdrawn"]
    with pytest.raises(SessionStateError, match="is over"):
        await session.input_func("Late?")


async def test_what_a_person_could_not_be_asked_is_raised_as_it_was(
    manager: StreamingManager,
) -> None:
    async def own(prompt: str, token: Any) -> str:
        raise KeyError("mine")

    for human, error in (
        (UserProxyAgent("human", input_func=own), KeyError),
        (
            UserProxyAgent("human", input_func=functools.partial(ss.ask, timeout_s=0.01)),
            InputTimeoutError,
        ),
    ):
        session = started(manager, team(human), task="go")
        with pytest.raises(error):
            await session
        assert session.transcript.error is not None
        assert session.transcript.error.type == error.__name__


async def test_a_wrapper_around_ss_ask_is_called(manager: StreamingManager) -> None:
    @functools.wraps(ss.ask)
    async def louder(prompt: str, token: Any = None) -> str:
        return (await ss.ask(prompt)).upper()

    session = started(manager, team(UserProxyAgent("human", input_func=louder)), task="go")
    await asked(session)
    session.reply("blue")
    result: Any = await session
    assert result.messages[-1].content == "BLUE"


async def test_a_person_behind_a_filter_is_asked_by_the_run(manager: StreamingManager) -> None:
    human = MessageFilterAgent("human", UserProxyAgent("human"), MessageFilterConfig(per_source=[]))
    agent = AssistantAgent("a", ScriptedClient(["which?"]), model_client_stream=True)
    session = started(manager, RoundRobinGroupChat([agent, human], max_turns=2), task="go")
    await asked(session)
    session.reply("yes")
    await session


async def test_input_is_the_kernels_own_method_in_a_notebook() -> None:
    class Kernel:
        def raw_input(self, prompt: str = "") -> str:
            raise AssertionError(prompt)

    Kernel.raw_input.__module__ = "ipykernel.kernelbase"
    assert _is_terminal(Kernel().raw_input)
    assert not _is_terminal(print)
