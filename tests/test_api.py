"""The public face: names, recording and replaying, the table of streams."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import swarm_stream as ss
from swarm_stream.errors import OffsetOutOfRangeError, StreamNameError
from swarm_stream.events import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _no_manager_left() -> Iterator[None]:
    """End what the process shares."""
    yield
    ss.manager().shut_down()


async def words() -> AsyncIterator[str]:
    for word in ("one ", "two ", "three"):
        yield word
        await asyncio.sleep(0)


def test_names_for_checkers_are_the_names_that_are_loaded() -> None:
    source = ast.parse((ROOT / "swarm_stream" / "__init__.py").read_text())
    block = next(node for node in source.body if isinstance(node, ast.If))
    typed = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == {(module, name) for name, module in ss._WHERE.items()}
    for name in ss.__all__:
        assert getattr(ss, name) is not None


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = ("autogen_core", "anywidget", "websockets", "msgspec")
    code = f"import sys, swarm_stream; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.asyncio
async def test_a_recorded_run_is_played_again_event_for_event(tmp_path: Path) -> None:
    run = ss.stream(words(), task="count", display=False)
    await run
    path = await ss.record(run, tmp_path / "run.jsonl")
    again = ss.replay(path, speed=None, display=False)
    await again
    first, second = run.transcript.snapshot(), again.transcript.snapshot()
    for name in ("task", "lanes", "items", "outcome", "deltas"):
        assert first[name] == second[name]
    assert b'"task":"count"' in ss.manager().runtime.local.log.info_now(again.id).meta
    other = ss.stream(str(path), task="count again", display=False)
    await other
    assert other.transcript.task == "count again"


@pytest.mark.asyncio
async def test_a_recording_of_a_failure_ends_as_a_failure(tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[str]:
        yield "so far"
        raise ValueError("that is it")

    run = ss.stream(breaks(), display=False)
    with pytest.raises(ValueError, match="that is it"):
        await run
    path = await ss.record(run, tmp_path / "run.jsonl")
    again = ss.replay(path, speed=None, display=False)
    end = await again
    assert isinstance(end, model.End)
    assert again.transcript.outcome == "failed"
    assert again.transcript.error is not None
    assert again.transcript.error.type == "ValueError"


@pytest.mark.asyncio
async def test_reading_is_counted_where_there_is_no_server() -> None:
    run = ss.stream(words(), display=False)
    await run
    attached = ss.attach(run.id, display=False)
    read = [event async for event in attached.events(start=2)]
    assert attached.counter == (len(read), 0, 0, 0) == (run.metrics.events - 2, 0, 0, 0)
    ss.manager().runtime.local.log.trim_now(run.id, before=1000)
    with pytest.raises(OffsetOutOfRangeError):
        async for _ in attached.events():
            raise AssertionError
    assert attached.counter == (0, run.metrics.events, 0, 0)


@pytest.mark.asyncio
async def test_a_session_is_attached_to_by_itself_and_a_name_is_a_text() -> None:
    run = ss.stream(words(), display=False)
    await run
    assert ss.attach(run, display=False).id == run.id
    for wrong in (None, 3, [run], "a/b"):
        with pytest.raises(StreamNameError, match="cannot name a stream"):
            ss.attach(wrong, display=False)
    with pytest.raises(StreamNameError, match="3 cannot name a stream"):
        ss.stream(words(), display=False, name=3)  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_the_table_lists_this_process_where_there_is_no_server() -> None:
    run = ss.stream(words(), display=False)
    await run
    table = ss.streams()
    assert run.id in [row["stream"] for row in table]
    assert "this process" in repr(table)
    assert run.id in table._repr_html_()
    row = next(row for row in table if row["stream"] == run.id)
    assert (row["viewers"], row["rate"]) == (0, None)
    assert row["bytes"] == run.metrics.bytes
    assert 0 <= row["age_s"] < 3600


def test_outside_of_a_loop_the_error_says_what_to_do() -> None:
    with pytest.raises(ss.SessionStateError, match=r"asyncio\.run"):
        ss.stream(words(), display=False)


@pytest.mark.asyncio
async def test_settings_are_given_as_keywords_and_checked() -> None:
    with pytest.raises(ss.ConfigurationError, match="below pause_at"):
        ss.stream(words(), display=False, pause_at=0.2, resume_at=0.5)
    with pytest.raises(ss.ConfigurationError, match=r"not dict.*by their names"):
        ss.stream(words(), display=False, config={"buffer_size": 3})  # type: ignore[arg-type]
    with pytest.raises(ss.ConfigurationError, match="no setting"):
        ss.stream(words(), display=False, bufer_size=3)
    run = ss.stream(words(), display=False, buffer_size=7)
    await run
    assert run.metrics.buffer_peak <= 8


@pytest.mark.asyncio
async def test_a_team_without_a_task_is_told_to_get_one() -> None:
    from autogen_agentchat.agents import AssistantAgent  # noqa: PLC0415  (slow; here only)

    agent = AssistantAgent("ann", ss.ScriptedClient(["hello"]), model_client_stream=True)
    with pytest.raises(ss.SourceError, match=r"task='\.\.\.'"):
        ss.stream(agent, display=False)
    await ss.stream(agent, task="say hello", display=False)
