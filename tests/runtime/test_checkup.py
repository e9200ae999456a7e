"""What the doctor finds in an environment, and that it names the way to mend it."""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from swarm_stream._version import __version__
from swarm_stream.runtime import checkup
from swarm_stream.runtime.checkup import Finding, check_here

if TYPE_CHECKING:
    from pathlib import Path

PART = "jupyter_server_config.d/swarm_stream.json"


def put(folder: Path, name: str, body: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else json.dumps(body))


def extension(*, enabled: bool) -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_extension": enabled}}}


class Place:
    """Jupyter's folders, as the checkup sees them: the user's first."""

    def __init__(self, home: Path) -> None:
        self.user, self.env = home / "user", home / "env"
        self.data = home / "data"

    def in_order(self) -> None:
        put(self.env, PART, extension(enabled=True))
        put(self.data, "labextensions/swarm_stream/package.json", {"version": __version__})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    paths = "jupyter_core.paths."
    monkeypatch.setattr(paths + "jupyter_config_path", lambda: [str(place.user), str(place.env)])
    monkeypatch.setattr(paths + "jupyter_path", lambda name: [str(place.data / name)])
    monkeypatch.delenv("SWARM_STREAM_BUFFER_SIZE", raising=False)
    place.in_order()
    return place


def problems() -> list[Finding]:
    return [finding for finding in check_here() if finding.mark == "PROBLEM"]


def test_nothing_is_wrong_where_all_is_in_order(place: Place) -> None:
    assert problems() == []
    (first, *_) = check_here()
    assert first.what.startswith(f"swarm-stream {__version__} on Python 3.")


@pytest.mark.parametrize(
    ("where", "name", "enabled", "broken"),
    [
        ("user", "jupyter_server_config.json", False, True),
        ("user", "jupyter_server_config.d/a.json", False, True),
        ("env", "jupyter_server_config.json", False, True),
        ("env", "jupyter_server_config.d/a.json", False, False),  # what we ship comes after it
        ("user", "jupyter_server_config.json", True, False),
    ],
)
def test_who_has_the_last_word_on_the_extension_is_known(
    place: Place, where: str, name: str, *, enabled: bool, broken: bool
) -> None:
    put(getattr(place, where), name, extension(enabled=enabled))
    found = problems()
    assert bool(found) == broken
    if broken:
        assert "switched off" in found[0].what
        assert "jupyter server extension enable jupyter_extension" in found[0].next_step


def test_an_extension_that_nobody_knows_of_is_found(place: Place) -> None:
    (place.env / PART).write_text("{ no JSON")
    (found,) = problems()
    assert "do not know the extension" in found.what


def test_a_view_that_is_missing_old_or_switched_off_is_found(place: Place) -> None:
    package = place.data / "labextensions/swarm_stream/package.json"
    package.write_text(json.dumps({"version": "0.0.1"}))
    (old,) = problems()
    assert f"swarm-stream 0.0.1, not {__version__}" in old.what
    package.unlink()
    (missing,) = problems()
    assert "do not have the view" in missing.what
    place.in_order()
    put(place.user, "labconfig/page_config.json", {"disabledExtensions": {"swarm_stream": True}})
    (off,) = problems()
    assert off.next_step.startswith("jupyter labextension enable swarm_stream")


def test_packages_that_are_missing_or_too_old_are_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["msgspec>=0.19", "websockets>=9999", "no-such-package>=1", "redis>=1; extra == 'x'"]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    old, missing = problems()
    assert old.next_step == "pip install 'websockets>=9999'"
    assert missing.what.startswith("no no-such-package is installed")


def test_code_that_is_newer_than_what_was_installed_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup.metadata, "requires", lambda _: [])
    monkeypatch.setattr(checkup.metadata, "version", lambda _: "0.0.1")
    (found,) = problems()
    assert "installed as 0.0.1" in found.what

    def none(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(checkup.metadata, "version", none)
    (found,) = problems()
    assert "not installed" in found.what


def test_a_setting_that_is_out_of_range_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARM_STREAM_BUFFER_SIZE", "-3")
    (found,) = problems()
    assert "buffer_size" in found.what


def test_a_front_end_that_was_not_built_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checkup, "files", lambda _: tmp_path)
    (found,) = problems()
    assert "no view.js" in found.what
