"""Stream AutoGen agents into notebook cells: nothing lost, the view survives, the buttons work.

    import swarm_stream as ss

    run = ss.stream(team, task="Plan three days in Oslo")
    result = await run

Names are loaded when they are first used, so that importing this costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from swarm_stream._version import __version__

if TYPE_CHECKING:
    from swarm_stream.api import ask, attach, manager, record, replay, stream, streams
    from swarm_stream.config import StreamingConfig
    from swarm_stream.errors import (
        BackpressureError,
        ConfigurationError,
        FlushTimeoutError,
        InputTimeoutError,
        NoSuchStreamError,
        ProducerFencedError,
        SessionStateError,
        SourceError,
        StreamCancelledError,
        StreamClosedError,
        StreamNameError,
        StreamNameTakenError,
        SwarmStreamError,
    )
    from swarm_stream.events.fold import Transcript
    from swarm_stream.magic import load_ipython_extension
    from swarm_stream.runtime.buffer import TokenBuffer
    from swarm_stream.runtime.manager import StreamingManager, slug
    from swarm_stream.runtime.session import StreamingSession
    from swarm_stream.runtime.states import SessionState
    from swarm_stream.sources.autogen.adapter import AutoGenStreamingAdapter
    from swarm_stream.sources.scripted import ScriptedClient, Turn

_HOME = {
    "swarm_stream.api": ("ask", "attach", "manager", "record", "replay", "stream", "streams"),
    "swarm_stream.config": ("StreamingConfig",),
    "swarm_stream.errors": (
        "BackpressureError",
        "ConfigurationError",
        "FlushTimeoutError",
        "InputTimeoutError",
        "NoSuchStreamError",
        "ProducerFencedError",
        "SessionStateError",
        "SourceError",
        "StreamCancelledError",
        "StreamClosedError",
        "StreamNameError",
        "StreamNameTakenError",
        "SwarmStreamError",
    ),
    "swarm_stream.events.fold": ("Transcript",),
    "swarm_stream.magic": ("load_ipython_extension",),
    "swarm_stream.runtime.buffer": ("TokenBuffer",),
    "swarm_stream.runtime.manager": ("StreamingManager", "slug"),
    "swarm_stream.runtime.session": ("StreamingSession",),
    "swarm_stream.runtime.states": ("SessionState",),
    "swarm_stream.sources.autogen.adapter": ("AutoGenStreamingAdapter",),
    "swarm_stream.sources.scripted": ("ScriptedClient", "Turn"),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [  # noqa: PLE0604  (every name is in the table above; tests compare it with the block)
    "__version__",
    *sorted(_WHERE),
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    try:
        module = _WHERE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Give the public names, loaded or not."""
    return sorted({*globals(), *__all__})
