"""Saving a stream: all of what the server promised, or an error."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from swarm_stream.errors import ServerUnavailableError
from swarm_stream.runtime.discovery import ServerAddress
from swarm_stream.views import export as exporting
from swarm_stream.views.export import Exported, Format, export

ADDRESS = ServerAddress("http://127.0.0.1:9/")
SAID = [
    {"type": "start", "t": 1, "task": "\n Plan \nmore"},
    {"type": "lane", "t": 1, "lane": 0, "name": "ann"},
    {"type": "message", "t": 1, "lane": 0, "content": "hello"},
    {"type": "end", "t": 1, "outcome": "completed"},
]


class Answer(io.BytesIO):
    """The server's: lines, and how many there should be."""

    def __init__(self, body: bytes, promised: int, *, breaks: bool = False) -> None:
        super().__init__(body)
        self.headers = {"Swarm-Stream-Next": str(promised)}
        self.breaks = breaks

    def __next__(self) -> bytes:
        try:
            return super().__next__()
        except StopIteration:
            if self.breaks:
                raise TimeoutError from None
            raise


def body(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the server answer with this description and these lines; gives the paths asked for."""

    def answer(about: dict[str, Any], lines: Answer) -> list[str]:
        asked: list[str] = []

        def ask(_: ServerAddress, path: str, **__: object) -> dict[str, Any]:
            asked.append(path)
            return about

        def open_path(_: ServerAddress, path: str, **__: object) -> Answer:
            asked.append(path)
            return lines

        monkeypatch.setattr(exporting, "ask", ask)
        monkeypatch.setattr(exporting, "open_path", open_path)
        return asked

    return answer


def saved(form: Format) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = export(ADDRESS, "s", form, out.write)
    return out.getvalue(), done


def test_lines_are_as_the_server_has_them(serve: Any) -> None:
    asked = serve({"head": 7, "closed": False, "meta": {}}, Answer(body(*SAID), 11))
    assert saved("jsonl") == (body(*SAID), Exported(events=4, gone=7, over=False))
    assert asked == ["swarm-stream/api/streams/s", "swarm-stream/api/streams/s/events?from=7"]


def test_a_page_is_named_by_its_task_or_by_what_ran(serve: Any) -> None:
    about = {"head": 0, "closed": True, "meta": {"title": "Team"}}
    serve(about, Answer(body(*SAID), 4))
    assert b"<title>Plan</title>" in saved("html")[0]
    serve(about, Answer(body(*SAID[1:]), 3))
    assert b"<title>Team</title>" in saved("html")[0]
    serve({**about, "meta": {}}, Answer(body(*SAID[1:]), 3))
    assert b"<title>s</title>" in saved("html")[0]


@pytest.mark.parametrize("form", ["html", "md", "txt", "jsonl"])
@pytest.mark.parametrize(
    ("part", "breaks"),
    [
        (body(*SAID[:2]), False),  # it ends in order, but early
        (body(*SAID[:2]), True),
        (body(*SAID)[:-9], False),  # within the last line
    ],
    ids=["early", "broken", "within"],
)
def test_a_part_is_not_taken_for_the_whole(
    serve: Any, form: Format, part: bytes, *, breaks: bool
) -> None:
    serve({"head": 0, "closed": True, "meta": {}}, Answer(part, 4, breaks=breaks))
    with pytest.raises(ServerUnavailableError, match=r"broke off at event [23] of 4"):
        saved(form)


def test_nothing_yet_is_a_document_too(serve: Any) -> None:
    serve({"head": 0, "closed": False, "meta": {}}, Answer(b"", 0))
    text, done = saved("md")
    assert done == Exported(events=0, gone=0, over=False)
    assert b"not over" in text
