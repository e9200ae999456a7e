"""The same over AutoGen's own OpenAI client and a real socket."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.servers.openai_sse import Count, Done, Finish, OpenAIServer, Say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Notebook

CELL = """\
import swarm_stream as ss
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_ext.models.openai import OpenAIChatCompletionClient

info = dict(vision=False, function_calling=True, json_output=True, structured_output=False,
            family="unknown")

def agent(name):
    client = OpenAIChatCompletionClient(
        model="m", base_url="{url}", api_key="none", model_info=info,
        stream_options={{"include_usage": True}},
    )
    return AssistantAgent(name, client, model_client_stream=True)

team = RoundRobinGroupChat(
    [agent(n) for n in ("ann", "bea", "cem")], termination_condition=MaxMessageTermination(4)
)
run = ss.stream(team, task="Plan")
"""


def answer(name: str) -> list[object]:
    chunks = [
        f"{name} says **{number}** {'ä🙂' if number % 7 == 0 else ''}\n" for number in range(40)
    ]
    return [*map(Say, chunks), Finish(), Count(7, 40), Done()]


@contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    """Run the server on a thread of its own: Playwright has this one."""
    ready: list[OpenAIServer] = []
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with OpenAIServer([answer(n) for n in ("ann", "bea", "cem")], pause_s=0.03) as server:
            ready.append(server)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert started.wait(10)
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


def test_a_team_over_a_socket_reloaded_in_the_middle(notebook: Callable[..., Notebook]) -> None:
    with openai_server() as server:
        page = notebook("openai", CELL.format(url=server.base_url))
        page.run(0)
        page.wait_state("running")
        page.reload()
        page.wait_state("running", "completed")
        page.wait_state("completed")
        assert page.lanes() == dict(zip(("ann", "bea", "cem"), server.sent, strict=True))
        assert page.counter()[1:] == (0, 0)
