"""The plain page as the server gives it: an empty document that lets one script run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from jupyter_extension import page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.extension.conftest import Site

PATHS = ("swarm-stream", "swarm-stream/", "swarm-stream/s/demo-1.a_~b")


def policy(header: str) -> dict[str, str]:
    """Give a Content-Security-Policy by its directives."""
    return dict(part.strip().partition(" ")[::2] for part in header.split(";"))


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_lets_only_its_own_script_run(site: Site, path: str) -> None:
    answer = await site.fetch(path)
    text = answer.body.decode()
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    rules = policy(answer.headers["Content-Security-Policy"])
    assert {name: rules[name] for name in rules if name not in {"script-src", "report-uri"}} == {
        "frame-ancestors": "'self'",
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    (script,) = re.findall(r"<script[^>]*>[^<]*</script>", text)
    (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", rules["script-src"])
    assert rules["script-src"] == f"'nonce-{nonce}'"
    assert script == (
        f'<script type="module" nonce="{nonce}" src="/a%40b/swarm-stream/page.js"></script>'
    )
    again = await site.fetch(path)
    assert nonce not in again.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"


async def test_a_page_is_told_where_the_server_is_and_which_stream_it_shows(site: Site) -> None:
    listed = (await site.fetch(PATHS[1])).body.decode()
    assert '<body data-base-url="/a%40b/" data-stream="">' in listed
    shown = (await site.fetch(PATHS[2])).body.decode()
    assert '<body data-base-url="/a%40b/" data-stream="demo-1.a_~b">' in shown
    for name in ("a%22b", "a%20b", "%3Cscript%3E", "x" * 201, "a/b"):
        assert (await site.fetch(f"swarm-stream/s/{name}")).code == 404


async def test_a_page_brings_the_cookie_that_deleting_needs(site: Site) -> None:
    answer = await site.fetch(PATHS[1], headers=site.with_token)
    (cookie,) = [
        line for line in answer.headers.get_list("Set-Cookie") if line.startswith("_xsrf=")
    ]
    assert "Path=/a%40b/" in cookie
    assert "HttpOnly" not in cookie  # its script has to read it


async def test_who_is_not_logged_in_comes_back_after_the_login(site: Site) -> None:
    answer = await site.fetch(PATHS[2], headers={})
    assert answer.code == 302
    assert answer.headers["Location"] == (
        "/a%40b/login?next=%2Fa%2540b%2Fswarm-stream%2Fs%2Fdemo-1.a_~b"
    )
    assert answer.body == b""


async def test_the_script_is_sent_once(site: Site) -> None:
    answer = await site.fetch("swarm-stream/page.js")
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.body == page.SCRIPT.read_bytes()
    known = {"If-None-Match": answer.headers["Etag"]}
    again = await site.fetch("swarm-stream/page.js", headers=site.with_token | known)
    assert (again.code, again.body) == (304, b"")


async def test_a_script_that_was_not_built_is_said_to_be_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "SCRIPT", tmp_path / "page.js")
    answer = await site.fetch("swarm-stream/page.js")
    assert answer.code == 404
    assert "install swarm-stream anew" in answer.body.decode()
