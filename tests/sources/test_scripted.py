"""The scripted model does what its script says, each time the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, SystemMessage, UserMessage
from hypothesis import given
from hypothesis import strategies as st

from swarm_stream.errors import ConfigurationError
from swarm_stream.sources.scripted import ScriptedClient, ScriptExhaustedError, Turn, chunked

pytestmark = pytest.mark.asyncio

ASK = [UserMessage(content="hello there", source="user")]


async def stream(client: ScriptedClient, **settings: Any) -> tuple[list[str], CreateResult]:
    items = [item async for item in client.create_stream(ASK, **settings)]
    result = items.pop()
    assert isinstance(result, CreateResult)
    return items, result  # type: ignore[return-value]


@given(text=st.text(), chars=st.integers(1, 9))
async def test_chunks_are_the_text(text: str, chars: int) -> None:
    chunks = chunked(text, chars=chars)
    assert "".join(chunks) == text
    assert "" not in chunks
    assert chunks == chunked(text, chars=chars)


async def test_text_is_streamed_and_given_whole() -> None:
    text = "One  two,\n\n\tthree."
    client = ScriptedClient([text, text])
    chunks, result = await stream(client)
    assert "".join(chunks) == result.content == text
    assert (await client.create(ASK)).content == text
    assert client.produced == [chunks, [text]]
    assert [call.streamed for call in client.calls] == [True, False]
    assert client.calls[0].finished


async def test_a_thought_is_streamed_between_markers() -> None:
    chunks, result = await stream(ScriptedClient([Turn("so", thought="hm hm")]))
    assert "".join(chunks) == "<think>hm hm</think>so"
    assert (result.thought, result.content) == ("hm hm", "so")


async def test_tool_calls_follow_the_text() -> None:
    turn = {"text": "wait", "tools": [("add", {"a": 1}), "now", {"name": "x", "id": "7"}]}
    chunks, result = await stream(ScriptedClient([turn]))
    assert ("".join(chunks), result.thought) == ("wait", "wait")
    assert isinstance(result.content, list)
    assert [(c.name, c.arguments) for c in result.content] == [
        ("add", '{"a": 1}'),
        ("now", "{}"),
        ("x", "{}"),
    ]
    assert result.content[2] == FunctionCall(id="7", name="x", arguments="{}")
    assert result.finish_reason == "function_calls"


async def test_usage_and_finish_reason() -> None:
    client = ScriptedClient([Turn("a b", usage=(3, 4), finish_reason="length"), "c d"])
    _, result = await stream(client)
    assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (3, 4)
    assert result.finish_reason == "length"
    await stream(client)
    assert client.total_usage().prompt_tokens == 3 + 2


@pytest.mark.parametrize(("at", "left"), [(0, 0), (2, 2), (4, 4), (9, 4), (None, 4)])
async def test_an_error_comes_after_that_many_chunks(at: int | None, left: int) -> None:
    client = ScriptedClient([Turn(chunks=list("abcd"), error=OSError("x"), error_at=at)])
    with pytest.raises(OSError, match="x"):
        await stream(client)
    assert client.produced == [list("abcd")[:left]]
    assert not client.calls[0].finished


async def test_an_error_comes_from_create_as_well() -> None:
    with pytest.raises(OSError, match="x"):
        await ScriptedClient([OSError("x")]).create(ASK)


@pytest.mark.parametrize("delay_s", [0.0, 60.0])
async def test_cancelling_the_token_ends_it_at_once(delay_s: float) -> None:
    turn = "word" if delay_s else Turn(chunks=["a"] * 5, stall_at=2)
    client = ScriptedClient([turn], delay_s=delay_s)
    token = CancellationToken()
    task = asyncio.create_task(stream(client, cancellation_token=token))
    for _ in range(20):
        await asyncio.sleep(0)
    token.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(token._callbacks) == 1  # not one for each chunk


async def test_a_deaf_client_goes_on() -> None:
    token = CancellationToken()
    token.cancel()
    chunks, _ = await stream(ScriptedClient(["a b"], deaf=True), cancellation_token=token)
    assert "".join(chunks) == "a b"
    with pytest.raises(asyncio.CancelledError):
        await stream(ScriptedClient(["a b"]), cancellation_token=token)


async def test_other_tasks_run_between_chunks() -> None:
    client = ScriptedClient([["a"] * 9, ["b"] * 9])
    order: list[str] = []

    async def read() -> None:
        async for item in client.create_stream(ASK):
            if isinstance(item, str):
                order.append(item)

    await asyncio.gather(read(), read())
    assert client.produced == [["a"] * 9, ["b"] * 9]
    assert "".join(order) == "ab" * 9


async def test_a_part_of_the_script_for_each_agent() -> None:
    client = ScriptedClient({"poet": ["roses"], "critic": ["weak"], "": ["else", "again"]})

    async def ask(system: str) -> Any:
        return (await client.create([SystemMessage(content=system), *ASK])).content

    assert await ask("You are a critic.") == "weak"
    assert await ask("You are a poet.") == "roses"
    assert await ask("You are nobody.") == "else"
    with pytest.raises(ScriptExhaustedError, match="'poet'"):
        await ask("You are a poet.")
    with pytest.raises(ConfigurationError, match="no part of the script"):
        await ScriptedClient({"poet": ["x"]}).create(ASK)


async def test_a_function_may_answer() -> None:
    client = ScriptedClient(lambda messages: f"you said {messages[-1].content}")
    assert (await client.create(ASK)).content == "you said hello there"
    mixed = ScriptedClient([lambda _messages: Turn("made"), "fixed"])
    assert [(await mixed.create(ASK)).content for _ in range(2)] == ["made", "fixed"]


async def test_the_end_of_the_script() -> None:
    client = ScriptedClient(["a"])
    await client.create(ASK)
    with pytest.raises(ScriptExhaustedError, match="loop=True"):
        await client.create(ASK)
    looping = ScriptedClient(["a", "b"], loop=True)
    assert [(await looping.create(ASK)).content for _ in range(5)] == list("ababa")


async def test_random_delays_come_from_the_seed() -> None:
    async def delays(seed: int) -> list[float]:
        client = ScriptedClient(["a b c"], delay_s=(0.1, 0.9), seed=seed)
        row = client._delays(0, Turn())
        return [row.next() for _ in range(5)]

    assert await delays(1) == await delays(1) != await delays(2)
    assert all(0.1 <= delay <= 0.9 for delay in await delays(3))


@pytest.mark.parametrize(
    ("script", "settings", "says"),
    [
        ("just text", {}, "list of turns"),
        ([42], {}, "int is no turn"),
        ([{"txt": "x"}], {}, "no 'txt'"),
        ([Turn], {}, None),
        (["x"], {"delay_s": -1}, "delay_s"),
        (["x"], {"delay_s": (2, 1)}, "delay_s"),
    ],
)
async def test_what_cannot_be_played_is_refused(
    script: Any, settings: Any, says: str | None
) -> None:
    if says is None:
        ScriptedClient(script, **settings)  # a function, which is asked when its turn comes
        return
    with pytest.raises(ConfigurationError, match=says):
        ScriptedClient(script, **settings)


async def test_a_turn_checks_itself() -> None:
    for wrong in ({"text": "a", "chunks": ["b"]}, {"error_at": 1}, {"tools": [42]}):
        with pytest.raises(ConfigurationError):
            Turn(**wrong)  # type: ignore[arg-type]


async def test_what_the_model_says_it_can() -> None:
    client = ScriptedClient([], model_info={"vision": False})
    assert client.model_info["function_calling"]
    assert client.model_info["structured_output"]
    assert not client.model_info["vision"]
