"""Wrong credentials, and right ones used for what they are not for, against a real server.

``tests/extension/test_access.py`` walks our routes; here is everything around them.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.fuzz_raw import connected, upgraded
from tests.faults.fuzzing import check_log
from tests.faults.test_fuzz_server import web_line
from tests.servers.jupyter import TOKEN, jupyter_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.faults.test_fuzz_server import WebLine
    from tests.servers.jupyter import JupyterServer

pytestmark = pytest.mark.timeout(120)

ODD = {
    "no secret": "swarm-stream",
    "an empty one": "swarm-stream ",
    "a part": "swarm-stream {half}",
    "more than it": "swarm-stream {secret}x",
    "a space before": "swarm-stream  {secret}",
    "another scheme": "Bearer {secret}",
    "as Jupyter's token": "token {secret}",
    "as a password": "Basic {secret}",
    "no scheme": "{secret}",
    "the token as a secret": f"swarm-stream {TOKEN}",
    "odd bytes": "swarm-stream \xff\xfe\x80",
    "odd bytes as a token": "token \xff\xfe\x80",
    "quotes": 'swarm-stream "{secret}"',
    "very long": "swarm-stream " + "x" * 50_000,
    "a list": "swarm-stream {secret}, token x",
}
ELSEWHERE = (
    "api", "api/contents", "api/contents/x", "api/kernels", "api/kernelspecs", "api/sessions",
    "api/status", "api/me", "api/terminals", "api/config/x", "api/spec.yaml", "metrics", "lab",
    "tree", "files/x", "nbconvert/html/x", "lab/api/settings", "lab/api/workspaces", "view/x",
    "swarm-stream/info", "swarm-stream/api/streams", "swarm-stream/api/streams/private",
    "swarm-stream/api/streams/private/events", "swarm-stream/", "swarm-stream/s/private",
    "swarm-stream/page.js",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("server")) as made:
        yield made
        log, secret = made.log, made.secret
    check_log(log, secret, TOKEN)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def status(server: JupyterServer, path: str, method: str = "GET", **headers: str) -> int:
    """Give a route's answer to these headers and no others."""
    request = urllib.request.Request(  # noqa: S310  (our own loopback address)
        server.url + path, headers=headers, method=method, data=b"{}" if method != "GET" else None
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def cookie(server: JupyterServer) -> str:
    """Log in as a browser does."""
    request = urllib.request.Request(  # noqa: S310  (our own loopback address)
        f"{server.url}api/status?token={TOKEN}"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("given", ODD.values(), ids=ODD.keys())
async def test_what_is_not_the_secret_is_not_let_in(server: JupyterServer, given: str) -> None:
    secret = server.secret
    value = given.format(secret=secret, half=secret[: len(secret) // 2])
    async with upgraded(server, Authorization=value) as raw:
        assert raw.status == 403


@pytest.mark.asyncio
async def test_two_authorizations_are_not_the_secret(server: JupyterServer) -> None:
    both = f"swarm-stream x\r\nAuthorization: swarm-stream {server.secret}"
    async with upgraded(server, Authorization=both) as raw:
        assert raw.status == 403


@pytest.mark.asyncio
async def test_bytes_that_no_header_has(server: JupyterServer) -> None:
    async with upgraded(server, Authorization="swarm-stream a\x00b") as raw:
        assert raw.status in {0, 400, 403}  # Tornado's to say


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "origin",
    [
        "null", "x", "file://", "http://evil.example", "http://127.0.0.1:1", "{host}",
        "http://{host}.evil.example", "http://evil@{host}", "http://localhost:{port}",
        "http://[::1]:{port}",
    ],
)  # fmt: skip
async def test_pages_of_other_origins_have_no_socket(server: JupyterServer, origin: str) -> None:
    origin = origin.format(host=f"127.0.0.1:{server.port}", port=server.port)
    page = {"Authorization": "", "Cookie": cookie(server), "Origin": origin}
    async with upgraded(server, **page) as raw:
        assert raw.status == 403
    assert status(server, "swarm-stream/api/streams", Cookie=page["Cookie"], Origin=origin) != 200


@pytest.mark.asyncio
async def test_the_servers_own_page_has_one(server: JupyterServer) -> None:
    own = f"http://127.0.0.1:{server.port}"
    async with upgraded(server, Authorization="", Cookie=cookie(server), Origin=own) as raw:
        assert raw.status == 101


@pytest.mark.asyncio
async def test_the_secret_from_a_page_is_refused(server: JupyterServer) -> None:
    secret = {"Authorization": f"swarm-stream {server.secret}"}
    for origin in (f"http://127.0.0.1:{server.port}", "http://evil.example", "null"):
        for login in ("", cookie(server)):
            async with upgraded(server, **secret, Origin=origin, Cookie=login) as raw:
                assert raw.status == 403


def test_the_secret_opens_no_more_than_nothing_does(server: JupyterServer) -> None:
    secret = f"swarm-stream {server.secret}"
    asked = [("GET", path) for path in ELSEWHERE]
    for path in ELSEWHERE:
        if path.startswith(("api", "swarm-stream")):  # the others are pages
            asked += [(method, path) for method in ("POST", "PUT", "PATCH", "DELETE")]
    without = {each: status(server, each[1], each[0]) for each in asked}
    assert {
        each: status(server, each[1], each[0], Authorization=secret) for each in asked
    } == without
    # The walk means something: somebody who may is let in to most of these.
    token = f"token {TOKEN}"
    opened = [path for path in ELSEWHERE if status(server, path, Authorization=token) == 200]
    assert len(opened) > 10
    assert [path for path in opened if without["GET", path] == 200] == ["api"]


@pytest.mark.asyncio
async def test_the_secret_opens_no_kernels_socket(server: JupyterServer) -> None:
    kernel = server.get("api/kernels", "POST")["id"]
    try:
        for authorization, expected in (
            (f"swarm-stream {server.secret}", 403), ("", 403), (f"token {TOKEN}", 101),
        ):  # fmt: skip
            async with connected(server) as raw:
                path = f"/api/kernels/{kernel}/channels"
                await raw.upgrade(server, path=path, Authorization=authorization)
                assert raw.status == expected
    finally:
        server.get(f"api/kernels/{kernel}", "DELETE")


class Talk:
    """A socket that asks and is answered."""

    def __init__(self, line: WebLine) -> None:
        self._line = line

    async def ask(self, op: str, stream: str, **fields: Any) -> str:
        """Give the answer's ``op``, or its code if it is an error."""
        await self._line.send(json.dumps({"op": op, "stream": stream, **fields}))
        while True:
            got = await self._line.receive()
            if got["op"] not in {"heartbeat", "status", "events"}:
                return str(got.get("code", got["op"]))

    async def append(self, stream: str, *, epoch: int, offset: int = 0) -> str:
        return await self.ask("append", stream, epoch=epoch, offset=offset, events=[{"t": 1}])


@asynccontextmanager
async def talk(server: JupyterServer, *, may_view: bool) -> AsyncIterator[Talk]:
    line = await web_line(server, may_view=may_view)
    try:
        yield Talk(line)
    finally:
        await line.close()


@pytest.mark.asyncio
async def test_who_may_write_is_decided_by_the_epoch(server: JupyterServer) -> None:
    async with talk(server, may_view=False) as old, talk(server, may_view=False) as new:
        assert await old.append("fought", epoch=1) == "no_such_stream"
        assert await old.ask("claim", "fought", producer="old") == "claimed"
        assert await old.append("fought", epoch=2) == "bad_epoch"
        assert await new.ask("claim", "fought", producer="new") == "claimed"  # epoch 2
        for epoch, answer in ((1, "fenced"), (3, "bad_epoch"), (2**53 - 1, "bad_epoch")):
            assert await new.append("fought", epoch=epoch) == answer
        assert await new.append("fought", epoch=2) == "ack"
    async with talk(server, may_view=True) as page:
        # With the epoch of the other one, in both directions.
        assert await page.ask("claim", "peace", producer="page") == "claimed"  # epoch 1
        assert await page.append("peace", epoch=2) == "bad_epoch"
        assert await page.append("fought", epoch=1, offset=1) == "fenced"
        events = server.get("swarm-stream/api/streams/fought")["tail"]
        assert (events, server.get("swarm-stream/api/streams/peace")["tail"]) == (1, 0)


@pytest.mark.asyncio
async def test_the_secret_writes_and_neither_reads_nor_presses(server: JupyterServer) -> None:
    async with talk(server, may_view=False) as kernel, talk(server, may_view=True) as page:
        assert await page.ask("claim", "private", producer="page") == "claimed"
        assert await page.append("private", epoch=1) == "ack"
        for op, fields in {
            "subscribe": {"from": 0},
            "unsubscribe": {},
            "control": {"id": "c", "action": "cancel"},
        }.items():
            assert await kernel.ask(op, "private", **fields) == "not_allowed"
        for _ in range(2):  # claiming gives it nothing that it did not have
            assert await kernel.ask("subscribe", "private", **{"from": 0}) == "not_allowed"
            assert await kernel.ask("claim", "private", producer="kernel") == "claimed"
        assert await kernel.append("private", epoch=2, offset=1) == "ack"
