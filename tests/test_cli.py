"""The command line, against a real server: list, watch, answer, control."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from swarm_stream import cli
from swarm_stream.errors import ServerUnavailableError
from swarm_stream.runtime.streams import StreamTable
from tests.servers.jupyter import TOKEN, JupyterServer, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN = """
import asyncio, sys
import swarm_stream as ss

async def talk():
    yield "Hello. "
    yield "You said " + await ss.ask("Which colour?")

async def endless():
    while True:
        yield "more "
        await asyncio.sleep(0.01)

async def main():
    run = ss.stream({"talk": talk, "endless": endless}[sys.argv[1]], name=sys.argv[2])
    try:
        await run
    except ss.StreamCancelledError:
        pass

asyncio.run(main())
"""
LIMIT_S = 30
CTRL_C = b"\x03"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with jupyter_server(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture
def produce(server: JupyterServer) -> Iterator[Callable[[str, str], None]]:
    """Run one of the two kinds of runs in a process of its own."""
    running: list[subprocess.Popen[bytes]] = []

    def start(kind: str, name: str) -> None:
        secrets = {"SWARM_STREAM_URL": server.url, "SWARM_STREAM_SECRET": server.secret}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", RUN, kind, name],
                env=server.environment | secrets,
                stdin=subprocess.DEVNULL,
            )
        )
        wait_until(lambda: any(s["stream"] == name for s in streams(server)))

    yield start
    for process in running:
        process.kill()
        process.wait(10)


def streams(server: JupyterServer) -> list[dict[str, object]]:
    return list(server.get("swarm-stream/api/streams")["streams"])


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def environment(server: JupyterServer) -> dict[str, str]:
    return server.environment | {"SWARM_STREAM_URL": server.url, "SWARM_STREAM_TOKEN": TOKEN}


def command(
    server: JupyterServer, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "swarm_stream.cli", *arguments],
        env=environment(server) | variables,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def listed(server: JupyterServer, stream: str) -> str:
    """Give a stream's line of ``ls``."""
    (line,) = [one for one in command(server, "ls").stdout.splitlines() if one.startswith(stream)]
    return line


def test_a_script_without_input_says_who_may_answer(server: JupyterServer) -> None:
    secrets = {"SWARM_STREAM_URL": server.url, "SWARM_STREAM_SECRET": server.secret}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "talk", "unheard"],
        env=server.environment | secrets,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "talk asks: Which colour?\n"
        assert "swarm-stream reply unheard TEXT" in process.stderr.readline()
        assert command(server, "reply", "unheard", "blue").returncode == 0
        assert process.wait(LIMIT_S) == 0
    assert "You said blue" in command(server, "tail", "unheard").stdout


def test_a_run_is_listed_answered_and_shown_to_its_end(
    server: JupyterServer, produce: Callable[[str, str], None]
) -> None:
    produce("talk", "answered")
    wait_until(lambda: "waiting" in listed(server, "answered"))
    wait_until(lambda: command(server, "reply", "answered", "blue").returncode == 0)
    tail = command(server, "tail", "answered")
    assert tail.returncode == 0
    assert "[talk] Hello. " in tail.stdout
    assert "talk asks: Which colour?" in tail.stdout
    assert "answered: blue" in tail.stdout
    assert tail.stdout.endswith("You said blue\ncompleted\n")
    assert listed(server, "answered").split()[:3] == ["answered", "talk", "completed"]
    late = command(server, "reply", "answered", "red")
    assert late.returncode == 1
    assert "cannot reply" in late.stderr


def test_a_run_is_saved_in_four_forms(
    server: JupyterServer, produce: Callable[[str, str], None], tmp_path: Path
) -> None:
    produce("talk", "saved")
    wait_until(lambda: "waiting" in listed(server, "saved"))
    early = command(server, "export", "saved")
    assert "Which colour?" in early.stdout
    assert "the run goes on" in early.stderr
    wait_until(lambda: command(server, "reply", "saved", "blue").returncode == 0)
    wait_until(lambda: "completed" in listed(server, "saved"))

    page = tmp_path / "run.html"
    done = command(server, "export", "saved", "-o", str(page))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    html = page.read_text()
    assert html.startswith("<!doctype html>")
    assert "<title>talk</title>" in html
    assert "You said blue" in html
    assert "<script" not in html
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]  # no draft is left

    markdown = command(server, "export", "saved", "--format", "md").stdout
    assert markdown.startswith("#### talk\n\nHello.")
    text = command(server, "export", "saved", "--format", "txt").stdout
    assert text.startswith("[talk]\n\nHello.")
    assert command(server, "export", "saved").stdout == text
    lines = command(server, "export", "saved", "--format", "jsonl").stdout
    assert lines.encode() == server.read("swarm-stream/api/streams/saved/events")
    assert json.loads(lines.splitlines()[-1])["outcome"] == "completed"


def test_what_cannot_be_saved_leaves_nothing_behind(server: JupyterServer, tmp_path: Path) -> None:
    kept = tmp_path / "run.md"
    kept.write_text("an earlier one")
    missing = command(server, "export", "nothing-of-that-name", "-o", str(kept))
    assert missing.returncode == 3
    assert "no stream 'nothing-of-that-name' here; `swarm-stream ls`" in missing.stderr
    assert kept.read_text() == "an earlier one"
    nowhere = command(server, "export", "nothing", "-o", str(tmp_path / "no" / "run.md"))
    assert nowhere.returncode == 1
    assert "No such file or directory" in nowhere.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.md"]
    assert command(server, "export", "x", "--format", "pdf").returncode == 2


def test_the_doctor_finds_nothing_where_all_is_well(server: JupyterServer) -> None:
    done = command(server, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nNo problems.\n")
    for line in (
        f"OK       {server.url} (from SWARM_STREAM_URL)",
        "OK       it has the extension, and lets us read",
        "OK       a WebSocket to it opens",
        f"OK       runs that are started here stream to {server.url}",
    ):
        assert line in done.stdout
    assert TOKEN not in done.stdout


def test_the_doctor_says_what_is_broken_and_never_a_secret(server: JupyterServer) -> None:
    secrets = {"SWARM_STREAM_TOKEN": "", "SWARM_STREAM_SECRET": "s3cret-of-a-kernel"}
    kernel = command(server, "doctor", **secrets)
    assert kernel.returncode == 1
    assert "PROBLEM  runs that are started here stream to" in kernel.stdout
    assert "→ check SWARM_STREAM_URL" in kernel.stdout
    assert kernel.stdout.endswith("\n1 problem.\n")  # it may read by the runtime file
    away = command(server, "doctor", "--url", "http://me:pa55@127.0.0.1:9/lab")
    assert away.returncode == 1
    assert "OK       http://127.0.0.1:9/ (given)" in away.stdout
    assert "PROBLEM  the Jupyter server does not answer" in away.stdout
    old = {"SWARM_STREAM_TOKEN": "t0ken-that-is-old"}
    token = command(server, "doctor", **old)
    assert "PROBLEM  the Jupyter server does not let us read" in token.stdout
    said = "".join(done.stdout + done.stderr for done in (kernel, away, token))
    for secret in (TOKEN, server.secret, "s3cret-of-a-kernel", "pa55", "t0ken-that-is-old"):
        assert secret not in said


def test_the_buttons_have_commands(
    server: JupyterServer, produce: Callable[[str, str], None]
) -> None:
    produce("endless", "pressed")
    for action in ("pause", "resume", "stop"):
        done = command(server, action, "pressed")
        assert (done.returncode, done.stderr) == (0, "")
    shown = command(server, "tail", "pressed").stdout
    said = [shown.index(words) for words in ("paused by", "resumed by", "asked to stop by")]
    assert said == sorted(said)


def test_errors_have_a_status_and_tell_the_next_step(server: JupyterServer) -> None:
    missing = command(server, "tail", "nothing-of-that-name")
    assert (missing.returncode, missing.stdout) == (3, "")
    assert "`swarm-stream ls` lists" in missing.stderr
    assert command(server, "cancel", "no spaces!").returncode == 2
    assert command(server, "fly", "x").returncode == 2
    away = command(server, "--url", "http://127.0.0.1:9/", "ls")
    assert away.returncode == 5
    assert "is it running?" in away.stderr


def test_a_question_is_answered_by_a_line_and_ctrl_c_leaves_the_run_alone(
    server: JupyterServer, produce: Callable[[str, str], None]
) -> None:
    produce("talk", "typed")
    shown, code = in_terminal(server, "tail", "typed", at="Which colour?", then=b"green\n")
    assert "You said green" in shown
    assert code == 0

    produce("endless", "left")
    shown, code = in_terminal(server, "tail", "left", at="more", then=CTRL_C)
    assert "The run goes on" in shown
    assert code == 130
    assert not server.get("swarm-stream/api/streams/left")["closed"]

    shown, code = in_terminal(server, "tail", "left", at="more", then=CTRL_C, again=CTRL_C)
    wait_until(lambda: server.get("swarm-stream/api/streams/left")["closed"])
    assert "cancelled by" in command(server, "tail", "left").stdout


def in_terminal(
    server: JupyterServer, *arguments: str, at: str, then: bytes, again: bytes = b""
) -> tuple[str, int]:
    """Run a command in a terminal, type something when ``at`` is shown; gives text and status."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "swarm_stream.cli", *arguments],
        env=environment(server),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + LIMIT_S
    try:
        while time.monotonic() < deadline:
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break  # it has ended
            if then and at.encode() in shown:
                type_in(process, ours, then)
                then = b""
            elif again and b"goes on" in shown:
                type_in(process, ours, again)
                again = b""
        return shown.decode(errors="replace"), process.wait(10)
    finally:
        process.kill()
        process.wait(10)
        os.close(ours)


def type_in(process: subprocess.Popen[bytes], terminal: int, what: bytes) -> None:
    if what == CTRL_C:
        process.send_signal(signal.SIGINT)  # what a terminal makes of it
    else:
        os.write(terminal, what)


def test_it_is_told_which_servers_there_are(
    server: JupyterServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SWARM_STREAM_URL", "SWARM_STREAM_TOKEN", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.home / "runtime"))
    assert cli.main(["ls"]) == 0
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.home / "nowhere"))
    assert cli.main(["ls"]) == 5
    assert "--url" in capsys.readouterr().err


def test_nothing_that_a_server_says_reaches_the_terminal_as_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"stream": "a", "title": "\x1b[2J\u202eb\nc", "state": "live", "events": 1}
    monkeypatch.setattr(cli, "server_to_read", lambda _url: None)
    monkeypatch.setattr(cli, "server_streams", lambda _address: StreamTable([row], where="here"))
    assert cli.main(["ls"]) == 0
    listed = capsys.readouterr().out
    assert "\ufffd[2J\ufffdb c" in listed
    assert len(listed.splitlines()) == 3

    def refuse(_address: object) -> None:
        raise ServerUnavailableError("no \x1b]0;title\x07")

    monkeypatch.setattr(cli, "server_streams", refuse)
    assert cli.main(["ls"]) == 5
    assert capsys.readouterr().err == "swarm-stream: no \ufffd]0;title\ufffd\n"
