"""Four bugs, kept to prove that the soak finds such: one each in producer, server, log and viewer.

Each module replaces a public method by one with the bug in it, in the process where that part
runs; nothing is planted unless its name is given (``--plant``). They are written against names
that PROTOCOL.md and DESIGN.md fix, so that they survive changes of the code.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

__all__ = ["NAMES", "plant"]

NAMES: Final = ("producer", "server", "log", "viewer")


def plant(name: str) -> None:
    """Plant the bug of that name in this process; an empty name plants none.

    Raises:
        ValueError: If there is no such bug.

    """
    if not name:
        return
    if name not in NAMES:
        raise ValueError(f"no bug is called {name!r}; there are {', '.join(NAMES)}")
    import_module(f"tests.faults.planted.{name}").plant()
