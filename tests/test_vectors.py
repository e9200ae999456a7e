"""Python and TypeScript are held to the same vectors; vitest runs these files, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import decode_event
from swarm_stream.protocol import frames
from swarm_stream.protocol.subscriber import Missing, Phase, Shown, SubscriberConnection
from swarm_stream.views import markdown
from swarm_stream.views.document import to_document
from swarm_stream.views.static import to_html, to_markdown, to_text

VECTORS = Path(__file__).parent / "vectors"


def vectors(folder: str) -> list[Any]:
    paths = sorted((VECTORS / folder).glob("*.json"))
    assert paths
    return [pytest.param(json.loads(path.read_text()), id=path.stem) for path in paths]


def folded(events: list[Any]) -> Transcript:
    transcript = Transcript()
    transcript.extend(decode_event(json.dumps(event)) for event in events)
    return transcript


@pytest.mark.parametrize("vector", vectors("fold"))
def test_fold(vector: dict[str, Any]) -> None:
    assert folded(vector["events"]).snapshot() == vector["snapshot"]


@pytest.mark.parametrize("vector", vectors("static"))
def test_static(vector: dict[str, Any]) -> None:
    transcript = folded(vector["events"])
    assert to_markdown(transcript) == vector["markdown"]
    assert to_html(transcript) == vector["html"]
    if "text" in vector:
        assert to_text(transcript) == vector["text"]


@pytest.mark.parametrize("vector", vectors("document"))
def test_document(vector: dict[str, Any]) -> None:
    transcript = folded(vector["events"])
    made = to_document(transcript, stream=vector["stream"], title=vector["title"])
    # What is in it is held by the vectors above.
    body = to_html(transcript, markdown.Renderer())
    assert made.replace(body, "BODY\n").splitlines() == vector["document"]


@pytest.mark.parametrize("vector", vectors("subscriber"))
def test_subscriber(vector: dict[str, Any]) -> None:
    first = vector["initial"]
    viewer = SubscriberConnection(first["stream"], start=first["next"], wait=first["wait"])
    for step in vector["steps"]:
        given, before = step["input"], viewer.phase
        match given["type"]:
            case "connected":
                viewer.connected()
            case "lost":
                viewer.lost()
            case "frame":
                receive(viewer, given["frame"])
            case "control":
                pass  # buttons are the page's: this end has none
        assert said(viewer) == [a for a in step["actions"] if is_ours(a)]
        ended = viewer.phase is Phase.CLOSED and before is not Phase.CLOSED
        assert ended == ({"type": "end"} in step["actions"])
        failed = viewer.phase is Phase.FAILED and before is not Phase.FAILED
        codes = [a["code"] for a in step["actions"] if a["type"] == "fail"]
        assert codes == ([viewer.failure[0]] if failed and viewer.failure else [])
        state = step["state"]
        assert viewer.phase.value == state["is"]
        for name in ("next", "tail", "received", "missing", "doubled", "holes", "strikes"):
            assert getattr(viewer, name) == state[name], name
        assert (viewer.producer, viewer.notice) == (state["producer"], state["notice"])


def receive(viewer: SubscriberConnection, frame: dict[str, Any]) -> None:
    try:
        decoded = frames.decode_server_frame(json.dumps(frame))
    except frames.FrameError:
        return  # of a newer server: a driver passes over it
    viewer.receive(decoded)


def is_ours(action: dict[str, Any]) -> bool:
    if action["type"] == "send":
        return bool(action["frame"]["op"] == "subscribe")
    return action["type"] in {"show", "missing"}


def said(viewer: SubscriberConnection) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = []
    for what in viewer.take():
        match what:
            case Shown(offset=offset, events=events):
                shown = [msgspec.json.decode(event) for event in events]
                actions.append({"type": "show", "offset": offset, "events": shown})
            case Missing(first=first, last=last):
                actions.append({"type": "missing", "from": first, "to": last + 1})
    for frame in viewer.frames_to_send():
        actions.append({"type": "send", "frame": json.loads(frames.encode(frame))})
    return actions
