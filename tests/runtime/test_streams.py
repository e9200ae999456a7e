"""The table of ``ss.streams()``: what a server tells of its streams, and how it is shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from swarm_stream.runtime import streams
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.runtime.streams import StreamTable, server_streams

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StreamTable]:
    """Give the table of a server that tells these fields of one stream."""

    def table(**told: Any) -> StreamTable:
        row = {
            "stream": "demo", "head": 0, "tail": 1234, "closed": False, "producer": "live",
            "viewers": 2, "created": time.time() * 1000 - 90_000, "meta": {"title": "Trip"}, **told,
        }  # fmt: skip
        monkeypatch.setattr(streams, "ask", lambda *_: {"streams": [row]})
        return server_streams(ServerAddress("http://127.0.0.1:1/"))

    return table


def test_a_row_has_figures_and_a_table_shows_them(serve: Callable[..., StreamTable]) -> None:
    table = serve(bytes=88_123, rate=49.96)
    (row,) = table
    age_s = row.pop("age_s")
    assert age_s >= 90
    assert row == {
        "stream": "demo", "title": "Trip", "state": "live", "events": 1234, "bytes": 88_123,
        "viewers": 2, "rate": 49.96,
    }  # fmt: skip
    row["age_s"] = 7200.0
    head, line, _ = repr(table).splitlines()
    assert head.split() == ["stream", "title", "state", "events", "size", "viewers", "rate", "age"]
    assert line.split() == ["demo", "Trip", "live", "1234", "88.1", "kB", "2", "50.0/s", "2", "h"]
    assert "<td>88.1 kB</td><td>2</td><td>50.0/s</td><td>2 h</td>" in table._repr_html_()


def test_what_an_older_server_does_not_tell_stays_empty(
    serve: Callable[..., StreamTable],
) -> None:
    table = serve()
    (row,) = table
    assert row["bytes"] is row["rate"] is None
    assert "None" not in repr(table)
    assert "<td></td><td>2</td><td></td>" in table._repr_html_()


def test_a_stream_at_rest_shows_no_rate(serve: Callable[..., StreamTable]) -> None:
    assert "/s" not in repr(serve(rate=0.0))


def test_a_clock_that_is_behind_the_server_s_makes_no_age_below_zero(
    serve: Callable[..., StreamTable],
) -> None:
    (row,) = serve(created=time.time() * 1000 + 60_000)
    assert row["age_s"] == 0
