"""A kernel of the soak: produces streams through the product's own runtime.

    python -m tests.faults.soak_kernel --url http://127.0.0.1:8000/

Takes commands on its standard input, a line each: ``run STREAM LABEL COUNT`` begins a run that
takes the stream over if there is one, and says ``COUNT`` payloads; ``block SECONDS`` blocks the
IO thread's loop. Tells on its standard output, a line each and at once, so that it is known also
if the process is killed:

* ``claimed STREAM LABEL TIME EPOCH NEXT`` and ``acked STREAM LABEL TIME NEXT``: what it was told
* ``over STREAM LABEL GIVEN OUTCOME NOTICE``: the run is over, how many payloads its model gave,
  and whether all was acknowledged (``completed``), another took over (``fenced``) or ended it
  (``closed``), the stream was not to be had (``refused``), or something else went wrong
  (``failed``)

``label`` names one run of one stream; producers' ids are the product's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import time
from typing import TYPE_CHECKING

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ProducerFencedError, StreamClosedError, SwarmStreamError
from swarm_stream.protocol import frames
from swarm_stream.protocol.producer import ProducerConnection, State
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.environment import Runtime
from swarm_stream.runtime.manager import StreamingManager
from tests.faults import planted
from tests.faults.soak_payloads import payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from swarm_stream.runtime.session import StreamingSession

CONFIG = StreamingConfig(
    buffer_size=2000,
    max_tokens_per_second=0,
    heartbeat_s=0.5,
    silence_limit_s=1.5,
    backoff_first_s=0.02,
    backoff_limit_s=0.3,
    connect_timeout_s=3.5,  # longer than a kernel sleeps
    claim_timeout_s=120.0,
    flush_timeout_s=600.0,
)
REST_S = 0.02
"""Now and then a model thinks, so that the buffer runs empty too."""


def tell(*words: object) -> None:
    """Write a line in one piece, past every buffer of this process."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def tap() -> None:
    """Have each connection tell what its server tells it."""
    receive = ProducerConnection.receive

    def telling(self: ProducerConnection, frame: frames.ServerFrame, *, now: float) -> None:
        receive(self, frame, now=now)
        label = json.loads(bytes(self._meta))["title"]
        if isinstance(frame, frames.ClaimReply) and self.state is State.LIVE:
            tell("claimed", self.stream, label, time.monotonic(), frame.epoch, frame.next)
        elif isinstance(frame, frames.Ack):
            tell("acked", self.stream, label, time.monotonic(), frame.next)

    ProducerConnection.receive = telling  # type: ignore[method-assign]


class Kernel:
    """Runs sessions, as a notebook does."""

    def __init__(self, address: ServerAddress) -> None:
        self._manager = StreamingManager(CONFIG, runtime=Runtime(CONFIG, address=address))
        self._given: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        tap()

    async def serve(self, commands: asyncio.StreamReader) -> None:
        """Obey until there are no more commands."""
        while line := (await commands.readline()).decode().split():
            match line:
                case ["run", stream, label, count]:
                    task = asyncio.create_task(self._run(stream, label, int(count)))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                case ["block", seconds]:
                    self._manager.runtime.io.post(time.sleep, float(seconds))
                case _:
                    raise ValueError(f"no command {line}")

    async def _model(self, stream: str, label: str, count: int) -> AsyncGenerator[str]:
        draw = random.Random(f"{stream}/{label}")  # noqa: S311  (no secret)
        for number in range(count):
            self._given[label] = number + 1
            yield payload(stream, label, number)
            await asyncio.sleep(REST_S if draw.random() < 0.02 else 0)

    async def _run(self, stream: str, label: str, count: int) -> None:
        self._given[label] = 0
        model = self._model(stream, label, count)
        model.__name__ = label  # type: ignore[attr-defined]  # which a stream's description gives as its title
        try:
            session = await asyncio.to_thread(
                self._manager.create,
                model,
                name=stream,
                take_over=True,
            )
        except (StreamClosedError, ProducerFencedError):
            tell("over", stream, label, 0, "refused")
            return
        except SwarmStreamError as error:
            tell("over", stream, label, 0, "failed", repr(error))
            return
        outcome, notice = await self._watch(session)
        tell("over", stream, label, self._given[label], outcome, notice.replace("\n", " "))

    async def _watch(self, session: StreamingSession) -> tuple[str, str]:
        session.start()
        try:
            await session
        except ProducerFencedError:
            return "fenced", ""
        except SwarmStreamError as error:
            return "failed", repr(error)
        while (state := session._channel.connection.state) is not State.DONE:
            if state is State.REFUSED:
                return _why(session._channel.connection.refusal)
            await asyncio.sleep(0.02)
        # What is acknowledged here and not by the server would be no acknowledgement.
        return "completed" if session.has_server else "failed", session.notice


def _why(refusal: BaseException | None) -> tuple[str, str]:
    match refusal:
        case ProducerFencedError():
            return "fenced", ""
        case StreamClosedError():
            return "closed", str(refusal)
        case _:
            return "failed", repr(refusal)


async def main() -> None:
    """Run sessions until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--authorization", default="")
    parser.add_argument("--plant", default="")
    options = parser.parse_args()
    planted.plant(options.plant)
    logging.basicConfig(level=logging.ERROR)  # what is broken here on purpose is no news
    kernel = Kernel(ServerAddress(options.url, options.authorization, may_view=False))
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    tell("ready")
    await kernel.serve(commands)


if __name__ == "__main__":
    asyncio.run(main())
