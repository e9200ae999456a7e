"""Nobody reads, writes or controls a stream without the Jupyter server's leave."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import User
from tornado.httpclient import HTTPClientError
from tornado.web import RequestHandler

from jupyter_extension.identity import Identity
from jupyter_extension.socket import name_of
from tests.extension.site import asks, told

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from jupyter_server.base.handlers import JupyterHandler

    from tests.extension.conftest import MakeSite, Site

METHODS = ("get", "head", "post", "put", "patch", "delete")
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "swarm-stream.v1",
}


class ReadOnly(Authorizer):
    """Lets people look at things."""

    def is_authorized(
        self, handler: JupyterHandler, user: User, action: str, resource: str
    ) -> bool:
        return action == "read"


class Nobody(Authorizer):
    """Lets nobody do anything."""

    def is_authorized(
        self, handler: JupyterHandler, user: User, action: str, resource: str
    ) -> bool:
        return False


def routes(site: Site) -> list[tuple[str, str]]:
    """Give (method, path) of all that the extension serves, as the running server has it."""
    found = []
    assert site.app.serverapp is not None
    for group in site.app.serverapp.web_app.default_router.rules:
        for rule in getattr(group.target, "rules", ()):
            handler = rule.target
            if not getattr(handler, "__module__", "").startswith("jupyter_extension"):
                continue
            pattern = rule.matcher.regex.pattern.removesuffix("$")
            path = re.sub(r"\(\?P<stream>[^)]*\)", "demo", pattern).partition("swarm-stream")[2]
            found += [
                (method.upper(), f"swarm-stream{path}".replace("\\", ""))
                for method in METHODS
                if getattr(handler, method) is not getattr(RequestHandler, method)
            ]
    return sorted(set(found))


EXPECTED = [
    ("DELETE", "swarm-stream/api/streams/demo"),
    ("GET", "swarm-stream"),
    ("GET", "swarm-stream/"),
    ("GET", "swarm-stream/api/streams"),
    ("GET", "swarm-stream/api/streams/demo"),
    ("GET", "swarm-stream/api/streams/demo/events"),
    ("GET", "swarm-stream/info"),
    ("GET", "swarm-stream/page.js"),
    ("GET", "swarm-stream/s/demo"),
    ("GET", "swarm-stream/ws"),
]
PAGES = ("swarm-stream", "swarm-stream/", "swarm-stream/s/demo")


def turned_away(site: Site) -> dict[tuple[str, str], int]:
    """Give what each route answers to who is not known: pages send people to the login."""
    return {(method, path): 302 if path in PAGES else 403 for method, path in routes(site)}


async def statuses(site: Site, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    """Give the status of each route, asked once plainly and, if that is let in, no more."""
    return {
        (method, path): (
            await site.fetch(path, method, headers | (UPGRADE if path.endswith("/ws") else {}))
        ).code
        for method, path in routes(site)
    }


def test_the_walk_finds_the_routes(site: Site) -> None:
    assert routes(site) == EXPECTED


@pytest.fixture(params=[True, False], ids=["default", "strict"])
def guarded(
    make_site: MakeSite, jp_asyncio_loop: AbstractEventLoop, request: pytest.FixtureRequest
) -> Site:
    """A server under both of Jupyter's settings for handlers that forget to ask.

    Without its own XSRF check, which would refuse a DELETE before anybody asks who it is.
    """
    server = {"allow_unauthenticated_access": request.param, "disable_check_xsrf": True}
    return jp_asyncio_loop.run_until_complete(make_site(server=server))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "token wrong"},
        {"Authorization": "swarm-stream wrong"},
        {"Authorization": "swarm-stream "},
        {"Authorization": "Basic YTpi"},
    ],
)
async def test_every_route_refuses_who_is_not_known(guarded: Site, headers: dict[str, str]) -> None:
    assert await statuses(guarded, headers) == turned_away(guarded)


async def test_the_secret_opens_the_socket_and_no_other_route(guarded: Site) -> None:
    found = await statuses(guarded, guarded.with_secret | {"Origin": guarded.base})
    assert found == turned_away(guarded)  # from a page: nothing at all
    for method, path in routes(guarded):
        if not path.endswith("/ws"):
            answer = await guarded.fetch(path, method, guarded.with_secret)
            assert answer.code == turned_away(guarded)[method, path], (method, path)
    await guarded.ws(guarded.with_secret)


async def test_every_route_asks_the_authorizer(make_site: MakeSite) -> None:
    site = await make_site(server={"authorizer_class": Nobody})
    assert await statuses(site, site.with_token) == dict.fromkeys(routes(site), 403)


async def test_who_may_only_read_can_list_and_no_more(make_site: MakeSite) -> None:
    site = await make_site(server={"authorizer_class": ReadOnly})
    found = await statuses(site, site.with_token)
    refused = [route for route, status in found.items() if status == 403]
    assert refused == [EXPECTED[0], EXPECTED[-1]]


async def test_the_secret_may_claim_and_append_only(site: Site) -> None:
    socket = await site.ws(site.with_secret)
    assert (await asks(socket, "claim", producer="p"))["op"] == "claimed"
    append: dict[str, Any] = {"epoch": 1, "offset": 0, "events": [{"type": "delta", "t": 1}]}
    assert (await asks(socket, "append", **append))["op"] == "ack"
    for op, fields in {
        "subscribe": {"from": 0},
        "unsubscribe": {},
        "control": {"id": "c", "action": "stop"},
    }.items():
        error = await asks(socket, op, **fields)
        assert (error["code"], error["cause"]) == ("not_allowed", op)


async def test_a_login_may_do_both_and_is_named(site: Site) -> None:
    socket = await site.ws()
    await asks(socket, "claim", producer="p")
    assert (await asks(socket, "subscribe", **{"from": 0}))["op"] == "subscribed"
    await socket.write_message(
        json.dumps({"op": "control", "stream": "demo", "id": "c", "action": "stop"})
    )
    # Jupyter has a name for whoever has the token, each time another one.
    assert (await told(socket, "control"))["by"] == "a viewer"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (User("x1", "Anonymous Metis", "Anonymous Metis"), "a viewer"),
        (User("ann", "ann", "Ann B."), "Ann B."),
        (User("ann"), "ann"),
    ],
)
def test_people_are_called_by_their_names(user: User, name: str) -> None:
    assert name_of(user) == name


@pytest.mark.parametrize(
    ("origin", "status"), [("http://evil.example", 403), ("http://127.0.0.1:1", 403), (None, 101)]
)
async def test_pages_of_other_origins_are_refused(
    site: Site, origin: str | None, status: int
) -> None:
    # By cookie, as a page comes; a token in the header skips the check, as in all of Jupyter.
    login = await site.fetch(f"swarm-stream/info?token={site.token}", headers={})
    cookie = login.headers["Set-Cookie"].partition(";")[0]
    host = site.base.removesuffix("/").rpartition("/")[0]
    headers = {"Cookie": cookie, "Origin": origin or host}
    if status == 101:
        await site.ws(headers)
        return
    with pytest.raises(HTTPClientError) as refused:
        await site.ws(headers)
    assert refused.value.code == status


async def test_a_deletion_by_cookie_needs_the_pages_token(site: Site) -> None:
    socket = await site.ws()
    await asks(socket, "claim", producer="p")
    socket.close()
    await told(socket)
    login = await site.fetch(f"swarm-stream/info?token={site.token}", headers={})
    cookie = login.headers["Set-Cookie"].partition(";")[0]
    path = "swarm-stream/api/streams/demo"
    assert (await site.fetch(path, "DELETE", {"Cookie": cookie})).code == 403
    assert (await site.fetch(path, "GET", {"Cookie": cookie})).code == 200
    both = {"Cookie": f"{cookie}; _xsrf=abcd", "X-XSRFToken": "abcd"}
    assert (await site.fetch(path, "DELETE", both)).code == 204


async def test_a_kernel_that_comes_before_the_secret_was_read_is_not_turned_away_for_good(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = site.with_secret
    monkeypatch.setattr(site.app, "identity", Identity("", ""))  # as it is until the log is open
    monkeypatch.setattr(site.app, "hub", None)
    with pytest.raises(HTTPClientError) as refused:
        await site.ws(headers)
    assert refused.value.code == 503  # and not 403, which a kernel believes
    monkeypatch.undo()
    await site.ws(headers)


async def test_the_secret_is_written_nowhere(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    secret = site.app.identity.secret
    socket = await site.ws(site.with_secret)
    await asks(socket, "claim", producer="p")
    page = site.with_secret | {"Origin": "http://evil.example"}
    await site.fetch("swarm-stream/ws", headers=page | UPGRADE)
    for headers in (page, site.with_secret):
        await site.fetch("swarm-stream/info", headers=headers)
    info = await site.fetch("swarm-stream/info")
    await site.app.stop_extension()
    await site.fetch("swarm-stream/ws", headers=site.with_secret | UPGRADE)
    written = caplog.text + "".join(capfd.readouterr()) + info.body.decode() + repr(site.app)
    written += repr(site.app.identity) + json.dumps(site.app.settings, default=repr)
    assert len(secret) >= 32
    assert secret not in written
