"""The table of ``ss.streams()``: the streams of the server, or of this process."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any, Final

from swarm_stream.errors import ServerUnavailableError
from swarm_stream.events.plain import shorten
from swarm_stream.runtime.discovery import ServerAddress, to_read
from swarm_stream.runtime.rest import ask
from swarm_stream.runtime.shown import bytes_text, duration_text

if TYPE_CHECKING:
    from swarm_stream.runtime.manager import StreamingManager

__all__ = ["StreamTable", "list_streams", "server_streams"]

_COLUMNS: Final = ("stream", "title", "state", "events", "size", "viewers", "rate", "age")
_CELL_CHARS: Final = 200  # a stream's name may be as long


class StreamTable(list[dict[str, Any]]):
    """Streams, one dictionary each; shown as a table.

    The keys of each: ``stream``, ``title``, ``state`` (``live``, ``stalled``, how the run ended),
    ``events`` and their ``bytes`` in the log, ``viewers`` who read it now, ``rate`` in events a
    second over the last seconds, ``age_s`` since it was made. What a server does not tell is None.

    Attributes:
        where: Whose streams these are, for display.

    """

    def __init__(self, rows: list[dict[str, Any]], *, where: str) -> None:
        super().__init__(rows)
        self.where = where

    def __repr__(self) -> str:
        """Show a table in plain text."""
        lines = [[*_COLUMNS], *map(_cells, self)]
        widths = [max(len(line[at]) for line in lines) for at in range(len(_COLUMNS))]
        shown = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return f"{shown}\n({len(self)} streams of {self.where})"

    def _repr_html_(self) -> str:
        """Show a table in a notebook."""
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>"
            for row in self
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{len(self)} streams of {escape(self.where)}</p>"
        )


def list_streams(manager: StreamingManager) -> StreamTable:
    """Give the streams of the server, where we may read them, else those of this process."""
    address, where = to_read(manager.runtime.address), "this process"
    if address is not None:
        try:
            return server_streams(address)
        except ServerUnavailableError as error:
            # What this process knows is better than an error; the table says why it is not more.
            where = f"this process; {error}"
    return StreamTable(
        [
            {
                "stream": line["stream"],
                "title": line["title"],
                "state": line["state"],
                "events": line["events"],
                "bytes": line["bytes"],
                "viewers": line["viewers"],
                "rate": None,
                "age_s": line["age_s"],
            }
            for line in manager.status()
        ],
        where=where,
    )


def server_streams(address: ServerAddress) -> StreamTable:
    """Give the streams of a server.

    Raises:
        ServerUnavailableError: If it cannot be asked, or does not let us.

    """
    listed = ask(address, "swarm-stream/api/streams").get("streams")
    now_ms = time.time() * 1000
    return StreamTable(
        [
            {
                "stream": row["stream"],
                "title": row.get("meta", {}).get("title", ""),
                "state": _state(row),
                "events": row["tail"],
                "bytes": row.get("bytes"),
                "viewers": row["viewers"],
                "rate": row.get("rate"),
                # By the server's clock and ours: not below 0 where they differ.
                "age_s": max(0.0, now_ms - row["created"]) / 1000,
            }
            for row in (listed if isinstance(listed, list) else [])
        ],
        where="this server",
    )


def _state(row: dict[str, Any]) -> str:
    """Say how a stream is; an older server does not tell how its run is."""
    run, producer = str(row.get("run", "")), str(row["producer"])
    if row["closed"]:
        return run or "ended"
    return run if run and producer == "live" else producer


def _cells(row: dict[str, Any]) -> list[str]:
    """Give what stands in a row's columns."""
    size, rate, age_s = row.get("bytes"), row.get("rate"), row.get("age_s")
    shown = {
        **row,
        "size": None if size is None else bytes_text(size),
        "rate": f"{rate:,.1f}/s" if rate else None,
        "age": None if age_s is None else duration_text(age_s),
    }
    cells = [shown.get(name) for name in _COLUMNS]
    # A title may be a stranger's text, and this is for terminals as well.
    return ["" if cell is None else shorten(str(cell), _CELL_CHARS) for cell in cells]
