"""The public face: what ``import swarm_stream as ss`` offers as functions."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ConfigurationError, OffsetOutOfRangeError, SwarmStreamError
from swarm_stream.events.model import encode_event
from swarm_stream.protocol.frames import check_stream_name
from swarm_stream.runtime.environment import check_loop
from swarm_stream.runtime.manager import NO_TASK, StreamingManager
from swarm_stream.runtime.session import StreamingSession
from swarm_stream.runtime.streams import StreamTable, list_streams
from swarm_stream.sources.asking import Question, as_input_func, ask_here
from swarm_stream.sources.recorded import RecordedSource
from swarm_stream.views.console import Console, has_terminal
from swarm_stream.views.display import in_notebook, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from swarm_stream.events.model import AnyEvent, Unknown

__all__ = ["ask", "attach", "manager", "record", "replay", "stream", "streams"]

ANSWER_IN_CODE_S: Final = 1.0
"""Seconds that a program has to answer its own question where nobody else can."""

NOBODY: Final = (
    "standard input has no line for it, and no server shows the run. Run this in a terminal, pipe "
    "a line for each question into it, or give ss.ask(..., timeout_s=..., default=...); a program "
    "that answers by session.reply says ss.stream(..., display=False)"
)
"""Why a question of a script cannot be answered."""

_lock = threading.Lock()
_manager: StreamingManager | None = None


def manager() -> StreamingManager:
    """Give the manager of this process, which makes all sessions of ``ss.stream``."""
    global _manager  # noqa: PLW0603  (one for each process, made when first needed)
    with _lock:
        if _manager is None:
            _manager = StreamingManager()
        return _manager


def stream(  # noqa: PLR0913
    source: object,
    *,
    task: object = NO_TASK,
    name: str | None = None,
    config: StreamingConfig | None = None,
    display: bool = True,
    take_over: bool = False,
    continue_from: StreamingSession | None = None,
    **settings: Any,  # noqa: ANN401
) -> StreamingSession:
    """Run something and stream what it says. Returns at once; the cell is free.

    Args:
        source: An AutoGen agent or team, a function without arguments that makes one, an async
            iterator of texts, dicts or events, a list of chat messages, or a recorded run.
        task: What it is asked to do. Agents and teams need one; None has a team that has stopped
            go on. Beside anything else it is only shown, as the run's task.
        name: The stream's name, for ``ss.attach``; a fresh one is made where it is left out.
        config: Settings; or give single ones as keyword arguments (``buffer_size=...``).
        display: Whether a live view appears in the cell; in a script, whether the run is shown in
            its terminal and asks its questions there: a typed or piped line is an answer. With
            False only views and ``session.reply`` answer.
        take_over: Whether a live producer of that ``name`` is fenced off instead of refused.
        continue_from: An earlier session, which is over: the agents begin with what its agents
            knew, for a fresh team in the place of one that was cancelled or has failed.
        **settings: Any setting of ``StreamingConfig``.

    Returns:
        The session. ``await`` it for the framework's own result.

    Raises:
        SourceError: If ``source`` is nothing that can be run, or the task does not fit it.
        ConfigurationError: If a setting is out of range, or ``config`` is no ``StreamingConfig``.
        StreamNameError: If the name has characters that are not allowed.
        StreamNameTakenError: If a live producer has the name.
        StreamClosedError: If a stream of that name has ended.
        SessionStateError: If no event loop is running, too many runs go on, or the team cannot
            run (again).

    """
    if config is not None and not isinstance(config, StreamingConfig):
        raise ConfigurationError(
            f"config= takes a StreamingConfig, not {type(config).__name__}. Settings are given by "
            "their names: ss.stream(..., buffer_size=5000)"
        )
    if settings:
        if config is not None:
            raise ConfigurationError("give either config= or single settings, not both")
        config = StreamingConfig.load(**settings)
    check_loop()
    shown = display and in_notebook()
    session = manager().create(
        source,
        task=task,
        name=name,
        config=config,
        take_over=take_over,
        continue_from=continue_from,
    )
    session.start()
    if shown:
        # Until the claim is answered nobody knows which server the view is to ask.
        manager().wait_for_server(session)
        show(session)
    elif display:
        _show_in_terminal(session)
    return session


def _show_in_terminal(session: StreamingSession) -> None:
    """Have a script's run shown where the script writes, and ask its questions there.

    Where that is no terminal, nothing is shown but what is asked, once something is.
    """

    async def reply(request: str, text: str) -> str:
        return session.questions.reply(text, request=request, by="you") or ""

    async def unheard(request: str) -> None:
        await asyncio.sleep(ANSWER_IN_CODE_S)
        if session.has_server and request in session.questions.waiting:
            sys.stderr.write(
                "(standard input has no answer; the server's pages take one, and so does: "
                f"swarm-stream reply {session.id} TEXT)\n"
            )
            with contextlib.suppress(SwarmStreamError):  # the stream is the kernel's own then
                await session.claimed()
        if not session.has_server:
            session.questions.give_up(request, NOBODY)

    quiet = not has_terminal()
    console = Console(_held(session), reply, unheard=unheard, quiet=quiet)

    def begin() -> None:
        session.questions.on_ask = lambda: None
        session.shown_by(asyncio.ensure_future(console.show()))

    if quiet:
        session.questions.on_ask = begin
    else:
        begin()


async def _held(session: StreamingSession) -> AsyncIterator[AnyEvent | Unknown]:
    """Give the events of a run that this process holds: the oldest of a long one are gone."""
    start = 0
    while True:
        try:
            async for event in session.events(start):
                yield event
        except OffsetOutOfRangeError as gone:
            start = gone.head
        else:
            return


@as_input_func
def ask(
    prompt: str,
    cancellation_token: object = None,
    *,
    timeout_s: float | None = None,
    default: str | None = None,
) -> Question:
    """Ask whoever watches the run that this is called from: ``answer = await ss.ask("Go?")``.

    For tools, agents and iterators that ``ss.stream`` runs, and as AutoGen's ``input_func``:
    ``UserProxyAgent("user", input_func=ss.ask)``. A box appears in every view; the first answer
    wins; ``session.reply`` answers where nobody looks. The run waits for days, over reloads and
    restarts of the server. A script takes lines of its standard input. Cancelling takes the
    question back.

    Args:
        prompt: The question, as Markdown.
        cancellation_token: AutoGen's; it takes the question back, too.
        timeout_s: Seconds to wait; ``StreamingConfig.input_timeout_s`` if None, for ever if 0.
        default: The answer when the time is up.

    Raises:
        SessionStateError: If this is called from outside of a run, or in a thread; or if nobody
            can answer: in a script whose standard input has ended, without a server.
        InputTimeoutError: If nobody answers in time and there is no default.

    """
    return ask_here(
        prompt, timeout_s=timeout_s, default=default, cancellation_token=cancellation_token
    )


def attach(stream: str | StreamingSession, *, display: bool = True) -> object:
    """Show a stream that lives elsewhere, or is over. Gives its view, for composing.

    Args:
        stream: Its name, or a session of this process.
        display: Whether the view appears in the cell.

    Raises:
        StreamNameError: If that cannot be a stream's name.

    """
    from swarm_stream.views.attached import AttachedStream  # noqa: PLC0415  (imports widgets)

    name = stream.id if isinstance(stream, StreamingSession) else stream
    attached = AttachedStream(check_stream_name(name), manager().runtime)
    if display and in_notebook():
        attached.show()
    return attached


def streams() -> StreamTable:
    """Give a table of the streams of this server, or of this process where there is none."""
    return list_streams(manager())


async def record(session: StreamingSession, path: str | PathLike[str]) -> Path:
    """Write a run to a file, one event a line; waits for its end. ``ss.replay`` plays it.

    Raises:
        OffsetOutOfRangeError: If this process no longer holds the run from its beginning.

    """
    target = Path(path)
    lines = [
        encode_event(event) if not hasattr(event, "data") else msgspec.json.encode(event.data)
        async for event in session.events()
    ]
    await asyncio.to_thread(target.write_bytes, b"\n".join(lines) + b"\n")
    return target


def replay(
    recorded: str | PathLike[str] | Iterable[Any],
    *,
    speed: float | None = 1.0,
    display: bool = True,
    name: str | None = None,
) -> StreamingSession:
    """Play a recorded run again, as a run of its own.

    Args:
        recorded: A path that ``ss.record`` wrote, or events.
        speed: How many times as fast as it was; None plays it at once.
        display: Whether a live view appears in the cell.
        name: The new stream's name.

    """
    source = Path(recorded) if isinstance(recorded, str | PathLike) else recorded
    return stream(RecordedSource(source, speed=speed), display=display, name=name)


def _make_view(session: StreamingSession) -> object:
    from swarm_stream.views.widget import StreamView  # noqa: PLC0415  (slow; only when shown)

    view = StreamView(
        manager().runtime,
        stream=session.id,
        server=session.served_by,
        title=session.source.title,
    )
    if session.done:
        view.keep(session.transcript)
    else:
        session.on_end(lambda: view.keep(session.transcript))
    return view


StreamingSession.view_factory = staticmethod(_make_view)
