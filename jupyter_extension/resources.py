"""How many sockets this process can hold, by what the system lets it open."""

from __future__ import annotations

import sys

__all__ = ["sockets_at_most"]


def sockets_at_most(wanted: int) -> int:
    """Give how many of ``wanted`` sockets there may be, so that a quarter of all files stays free.

    Tornado cannot accept a connection without a free file descriptor. It then tries again at once,
    for as long as there is none, and logs a traceback each time: a busy core and a full disk.
    """
    if sys.platform == "win32":  # sockets are no files there
        return wanted
    import resource  # noqa: PLC0415  (there is none on Windows)

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, files * 3 // 4))
