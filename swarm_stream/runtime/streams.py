"""The table of ``ss.streams()``: the streams of the server, or of this process."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from swarm_stream.errors import ServerUnavailableError
from swarm_stream.events.plain import shorten
from swarm_stream.runtime.discovery import ServerAddress, to_read
from swarm_stream.runtime.rest import ask

if TYPE_CHECKING:
    from swarm_stream.runtime.manager import StreamingManager

__all__ = ["StreamTable", "list_streams", "server_streams"]

_COLUMNS: Final = ("stream", "title", "state", "events", "viewers")
_CELL_CHARS: Final = 200  # a stream's name may be as long


class StreamTable(list[dict[str, Any]]):
    """Streams, one dictionary each; shown as a table.

    Attributes:
        where: Whose streams these are, for display.

    """

    def __init__(self, rows: list[dict[str, Any]], *, where: str) -> None:
        super().__init__(rows)
        self.where = where

    def __repr__(self) -> str:
        """Show a table in plain text."""
        lines = [[*_COLUMNS], *[[_cell(row, name) for name in _COLUMNS] for row in self]]
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
            "<tr>" + "".join(f"<td>{escape(_cell(row, name))}</td>" for name in _COLUMNS) + "</tr>"
            for row in self
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{len(self)} streams of {escape(self.where)}</p>"
        )


def _cell(row: dict[str, Any], name: str) -> str:
    """Give what a row says, which may be a stranger's text, for a terminal as well."""
    return shorten(str(row.get(name, "")), _CELL_CHARS)


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
    return StreamTable(
        [
            {
                "stream": row["stream"],
                "title": row.get("meta", {}).get("title", ""),
                "state": _state(row),
                "events": row["tail"],
                "viewers": row["viewers"],
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
