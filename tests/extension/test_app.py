"""Starting and stopping: what is published, what a server that cannot serve says, the last ack."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tornado.httpclient import HTTPClientError
from traitlets import TraitError

from jupyter_extension import app as extension
from jupyter_extension.app import SwarmStreamApp
from swarm_stream.errors import LogError, LogLockedError
from swarm_stream.logs.sqlite import SQLiteLog
from swarm_stream.runtime.discovery import find_server
from tests.extension.site import asks, claim_and_append, delta, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.extension.conftest import MakeSite, Site

SERVER = {"ip": "localhost", "port": 8888, "base_url": "/", "sock": "", "certfile": ""}


async def test_kernels_are_told_where_and_with_what(site: Site) -> None:
    found = find_server()
    assert found is not None
    assert (found.url, found.found_by, found.may_view) == (site.base, "environment", False)
    assert {"Authorization": found.authorization} == site.with_secret
    await site.ws({"Authorization": found.authorization})


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:8888/"),
        ({"ip": "0.0.0.0"}, "http://127.0.0.1:8888/"),  # noqa: S104  (a setting to be understood)
        ({"ip": "::"}, "http://127.0.0.1:8888/"),
        ({"ip": ""}, "http://127.0.0.1:8888/"),
        ({"ip": "::1", "port": 1}, "http://[::1]:1/"),
        ({"ip": "10.0.0.7", "base_url": "/user/ann/"}, "http://10.0.0.7:8888/user/ann/"),
        ({"sock": "/run/jupyter.sock"}, ""),
        ({"certfile": "own.pem"}, ""),
    ],
)
def test_the_address_is_one_that_kernels_can_use(settings: dict[str, Any], url: str) -> None:
    assert extension._own_url(SimpleNamespace(**SERVER | settings)) == url  # type: ignore[arg-type]


async def test_a_given_address_is_published_as_it_is(make_site: MakeSite) -> None:
    await make_site(publish_url="https://jupyter.example/base/")
    assert os.environ["SWARM_STREAM_URL"] == "https://jupyter.example/base/"


async def test_the_log_and_the_secret_are_for_this_user_only(site: Site, jp_data_dir: Path) -> None:
    files = sorted((jp_data_dir / "swarm_stream").iterdir())
    assert [path.suffix for path in files if path.suffix in {".db", ".id"}] == [".db", ".id"]
    private = [path for path in files if path.suffix != ".lock"]
    assert [oct(path.stat().st_mode & 0o777) for path in private] == ["0o600"] * len(private)
    assert str(jp_data_dir) not in site.app.identity.server


async def explained(site: Site, *words: str) -> None:
    """Check that every route says why nothing is served, and that Jupyter goes on."""
    answer = json.loads((await site.fetch("swarm-stream/info")).body)
    assert all(word in answer["problem"] for word in words), answer
    for path in ("", "/demo", "/demo/events"):
        refused = await site.fetch(f"swarm-stream/api/streams{path}")
        assert (refused.code, json.loads(refused.body)["message"]) == (503, answer["problem"])
    with pytest.raises(HTTPClientError) as closed:
        await site.ws()
    assert closed.value.code == 404  # so that kernels do without, and do not wait
    assert (await site.fetch("api/status")).code == 200
    assert "SWARM_STREAM_URL" not in os.environ


async def test_a_file_of_another_server_is_refused(
    make_site: MakeSite, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = SQLiteLog(tmp_path / "mine.db")
    await other.open()
    site = await make_site(database_path=str(tmp_path / "mine.db"))
    await explained(site, "another server has the log", "mine.db")
    assert "cannot serve streams: another server has the log" in capfd.readouterr().err
    await other.aclose()


async def test_a_file_of_a_newer_version_is_refused(make_site: MakeSite, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    log = SQLiteLog(path)
    await log.open()
    await log.aclose()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    site = await make_site(database_path=str(path))
    await explained(site, "newer swarm_stream", "new.db")


async def test_a_file_that_cannot_be_written_is_refused(
    make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    site = await make_site(database_path=str(tmp_path / "file" / "streams.db"))
    await explained(site, "file", "Give the server a file")


async def test_a_secret_that_cannot_be_written_is_refused_and_the_log_let_go(
    make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "streams.db.id").mkdir()
    site = await make_site(database_path=str(tmp_path / "streams.db"))
    await explained(site, "streams.db.id")
    log = SQLiteLog(tmp_path / "streams.db")
    await log.open()  # nobody holds it
    await log.aclose()


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("heartbeat_s", 0), ("silence_limit_s", -1), ("max_connections", 0),
        ("max_frame_bytes", 2**20 - 1), ("heartbeat_s", float("nan")), ("synchronous", "OFF"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(trait: str, value: float | str) -> None:
    with pytest.raises(TraitError, match=trait):
        SwarmStreamApp(**{trait: value})


async def test_stopping_acks_what_arrived_then_tells_peers_to_come_back(
    site: Site, jp_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    producer, viewer = await site.ws(), await site.ws()
    await claim_and_append(producer, delta(0))
    await asks(viewer, "subscribe", **{"from": 0})
    hub = site.app.hub
    assert hub is not None
    path, append, hold = site.app._log_file.path, hub.log.append, asyncio.Event()  # type: ignore[union-attr]

    async def slow(*args: Any, **batch: Any) -> Any:
        await hold.wait()
        return await append(*args, **batch)

    monkeypatch.setattr(hub.log, "append", slow)
    batch = {"op": "append", "stream": "demo", "epoch": 1, "offset": 1, "events": [delta(1)]}
    await producer.write_message(json.dumps(batch))
    while not hub.producers._appends:
        await asyncio.sleep(0.01)
    stopping = asyncio.ensure_future(site.app.stop_extension())
    with pytest.raises(HTTPClientError) as refused:  # no new sockets
        await site.ws()
    assert refused.value.code == 503
    assert producer.close_code is None
    hold.set()
    assert (await told(producer, "ack"))["next"] == 2
    await told(producer)
    await told(viewer)
    await stopping
    for socket in (producer, viewer):
        assert (socket.close_code, socket.close_reason) == (1012, "the server restarts; come back")
    assert not {"SWARM_STREAM_URL", "SWARM_STREAM_SECRET"} & set(os.environ)
    assert (await site.fetch("swarm-stream/api/streams")).code == 503
    log = SQLiteLog(path)
    await log.open()  # it was closed: nobody holds its lock
    assert (await log.info("demo")).tail == 2
    await log.aclose()
    await site.app.stop_extension()  # twice does nothing


async def test_stopping_ends_though_nothing_else_does(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(extension, "STOP_STEP_S", 0.05)
    socket = await site.ws()
    await asks(socket, "claim", producer="p")
    hub, log = site.app.hub, site.app._log_file
    assert hub is not None
    assert log is not None
    close = log.aclose

    async def never(*_: Any, **__: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(hub.log, "append", never)
    monkeypatch.setattr(log, "aclose", never)
    monkeypatch.setattr(hub, "closed", never)
    batch = {"op": "append", "stream": "demo", "epoch": 1, "offset": 0, "events": [delta(0)]}
    await socket.write_message(json.dumps(batch))
    while not hub.producers._appends:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        await site.app.stop_extension()
    for step in ("appends", "sockets", "the log"):
        assert f"{step} did not end in time" in caplog.text
    await close()
    for append in hub.producers._appends:
        append.cancel()


async def test_somebody_elses_variables_are_left_alone(site: Site) -> None:
    os.environ["SWARM_STREAM_URL"] = "http://elsewhere/"
    await site.app.stop_extension()
    assert os.environ["SWARM_STREAM_URL"] == "http://elsewhere/"
    assert "SWARM_STREAM_SECRET" not in os.environ


def test_a_locked_log_is_an_error_that_the_start_understands() -> None:
    assert issubclass(LogLockedError, LogError)
    assert issubclass(LogError, OSError)
