"""The REST interface: lists, descriptions, exports and deletions."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from typing import TYPE_CHECKING, Any

import pytest
from tornado.simple_httpclient import HTTPStreamClosedError

from swarm_stream._version import __version__
from swarm_stream.errors import LogError
from tests.extension.site import END, asks, claim_and_append, delta, told

if TYPE_CHECKING:
    from tests.extension.conftest import Site

STREAMS = "swarm-stream/api/streams"
DEMO = f"{STREAMS}/demo"
ASKS = {"type": "input_request", "t": 1, "request": "r", "lane": 0, "prompt": "Go?"}


async def get(site: Site, path: str, status: int = 200) -> Any:
    answer = await site.fetch(path)
    assert answer.code == status, answer.body
    assert answer.headers["Content-Type"].startswith("application/json")
    return json.loads(answer.body)


async def test_info_names_the_server_and_the_versions(site: Site) -> None:
    socket = await site.ws()
    claimed = await asks(socket, "claim", producer="p")
    info = await get(site, "swarm-stream/info")
    assert info.pop("free_bytes") > 0
    assert info == {
        "server": claimed["server"], "version": __version__, "protocol": 1, "problem": ""
    }  # fmt: skip
    assert re.fullmatch(r"srv-[0-9a-f]{12}", claimed["server"])


async def test_streams_are_listed_the_last_changed_first(site: Site) -> None:
    assert await get(site, STREAMS) == {"streams": []}
    socket = await site.ws()
    for name in ("one", "two", "three"):
        await claim_and_append(socket, delta(0), stream=name)
    listed = await get(site, STREAMS)
    assert [entry["stream"] for entry in listed["streams"]] == ["three", "two", "one"]
    await asks(socket, "append", "one", epoch=1, offset=1, events=[ASKS])
    await asks(socket, "append", "two", epoch=1, offset=1, events=[END])
    listed = await get(site, STREAMS)
    runs = {entry["stream"]: entry["run"] for entry in listed["streams"]}
    assert runs == {"one": "waiting", "two": "completed", "three": ""}


async def test_a_stream_is_described(site: Site) -> None:
    socket, viewer = await site.ws(), await site.ws()
    await claim_and_append(socket, delta(0), delta(1))
    await asks(viewer, "subscribe", **{"from": 0})
    described = await get(site, DEMO)
    assert described["created"] > 1e12
    assert described["updated"] >= described["created"]
    assert described["bytes"] > 20
    assert described["rate"] > 0
    for changing in ("created", "updated", "bytes", "rate"):
        del described[changing]
    assert described == {
        "stream": "demo", "head": 0, "tail": 2, "closed": False, "epoch": 1,
        "producer": "live", "run": "", "viewers": 1, "meta": {"title": "T"},
    }  # fmt: skip
    socket.close()
    await told(viewer, "status")  # its own coming ...
    assert (await told(viewer, "status"))["producer"] == "stalled"  # ... the producer's going
    assert (await get(site, DEMO))["producer"] == "stalled"
    again = await site.ws()
    await asks(again, "claim", producer="p")
    await asks(again, "append", epoch=1, offset=2, events=[END])
    described = await get(site, DEMO)
    assert (described["producer"], described["closed"]) == ("none", True)
    assert described["run"] == "completed"
    assert described["rate"] == 0


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", 0, 2500), ("?from=0", 0, 2500), ("?from=2498", 2498, 2500), ("?from=2500", 0, 0),
        ("?limit=1", 0, 1), ("?from=900&limit=1200", 900, 2100),
        ("?from=2400&limit=500", 2400, 2500),
    ],
)  # fmt: skip
async def test_events_come_as_lines(site: Site, query: str, first: int, last: int) -> None:
    socket = await site.ws()
    await claim_and_append(socket, *map(delta, range(2500)))
    answer = await site.fetch(f"{DEMO}/events{query}")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = answer.body.decode().splitlines()
    assert [json.loads(line) for line in lines] == [*map(delta, range(first, last))]
    assert answer.headers["Swarm-Stream-Next"] == str(last or 2500)


async def test_events_of_a_trimmed_stream_begin_at_its_head(site: Site) -> None:
    socket = await site.ws()
    await claim_and_append(socket, *map(delta, range(1500)))
    assert site.app.hub is not None
    await site.app.hub.log.trim("demo", before=1000)
    answer = await site.fetch(f"{DEMO}/events")
    assert json.loads(answer.body.splitlines()[0]) == delta(1000)
    gone = await get(site, f"{DEMO}/events?from=3", 410)
    assert "holds offsets 1000 to 1499" in gone["message"]
    beyond = await get(site, f"{DEMO}/events?from=1501", 416)
    assert "holds offsets 1000 to 1499" in beyond["message"]


@pytest.mark.timeout(180)
async def test_a_long_export_is_not_held_in_memory(site: Site) -> None:
    socket = await site.ws()
    event = {"type": "delta", "t": 1, "seg": 0, "text": "x" * 100_000}
    claimed = await asks(socket, "claim", producer="p")
    for first in range(0, 300, 10):
        batch: dict[str, Any] = {"epoch": claimed["epoch"], "offset": first, "events": [event] * 10}
        assert (await asks(socket, "append", **batch))["op"] == "ack"
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = 0

    def take(chunk: bytes) -> None:
        nonlocal read
        read += len(chunk)

    await site.http.fetch(
        f"{site.base}{DEMO}/events",
        headers=site.with_token,
        streaming_callback=take,
        request_timeout=150,
    )
    assert read > 30_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 15_000


async def test_an_export_that_cannot_go_on_is_cut_and_not_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await site.ws()
    await claim_and_append(socket, *map(delta, range(2500)))
    assert site.app.hub is not None
    log = site.app.hub.log
    read = log.read

    async def fail_later(stream: str, offset: int, **limits: Any) -> Any:
        if offset:
            raise LogError("the disk is gone")
        return await read(stream, offset, **limits)

    monkeypatch.setattr(log, "read", fail_later)
    with pytest.raises(HTTPStreamClosedError):
        await site.fetch(f"{DEMO}/events")


async def test_who_stops_reading_an_export_does_no_harm(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await site.ws()
    claimed = await asks(socket, "claim", producer="p")
    event = {"type": "delta", "t": 1, "seg": 0, "text": "x" * 100_000}
    for first in range(0, 300, 10):
        await asks(socket, "append", epoch=claimed["epoch"], offset=first, events=[event] * 10)
    host, _, path = site.base.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    head = f"GET /{path}{DEMO}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: token {site.token}"
    writer.write(f"{head}\r\n\r\n".encode())
    assert b"200 OK" in await reader.read(1000)
    writer.transport.abort()
    await get(site, "swarm-stream/info")
    await asyncio.sleep(0.1)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "query", ["from=-1", "from=x", "from=1.5", "limit=0", "limit=", f"from={'9' * 5000}", "from=٣"]
)
async def test_bad_parameters_are_named(site: Site, query: str) -> None:
    socket = await site.ws()
    await claim_and_append(socket, delta(0))
    path = f"{DEMO}/events?{query}".encode().decode("latin-1")
    message = (await get(site, path, 400))["message"]
    assert message.startswith(query.partition("=")[0])


@pytest.mark.parametrize("path", [STREAMS + "/nobody", STREAMS + "/nobody/events"])
async def test_what_is_not_there_is_404_with_a_sentence(site: Site, path: str) -> None:
    assert "no stream 'nobody' here" in (await get(site, path, 404))["message"]


@pytest.mark.parametrize("name", ["a%20b", "a%2Fb", "x" * 201, "..%2F..%2Fetc"])
async def test_what_cannot_be_a_name_is_404(site: Site, name: str) -> None:
    assert (await site.fetch(f"{STREAMS}/{name}")).code == 404


async def test_a_stream_is_deleted_once_nobody_writes_to_it(site: Site) -> None:
    socket, viewer = await site.ws(), await site.ws()
    await claim_and_append(socket, delta(0))
    await asks(viewer, "subscribe", **{"from": 0})
    answer = await site.fetch(DEMO, "DELETE")
    assert answer.code == 409
    assert "cancel it first" in json.loads(answer.body)["message"]
    await asks(socket, "append", epoch=1, offset=1, events=[END])
    assert (await site.fetch(DEMO, "DELETE")).code == 204
    await get(site, DEMO, 404)
    assert (await site.fetch(DEMO, "DELETE")).code == 404
    late = await site.ws()
    assert (await asks(late, "subscribe", **{"from": 0}))["code"] == "no_such_stream"


@pytest.mark.parametrize("path", [STREAMS, DEMO, DEMO + "/events"])
async def test_a_log_that_fails_is_503_with_its_sentence(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await site.ws()
    await claim_and_append(socket, delta(0))
    assert site.app.hub is not None

    async def fail(*_: object) -> None:
        raise LogError("the disk is gone; bring it back")

    monkeypatch.setattr(site.app.hub.log, "list", fail)
    monkeypatch.setattr(site.app.hub.log, "info", fail)
    assert (await get(site, path, 503))["message"] == "the disk is gone; bring it back"
