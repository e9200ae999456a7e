"""A script's run where the script runs: what it shows there, and which lines answer it."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import pytest

from swarm_stream.views import lines as module
from swarm_stream.views.lines import Lines

if TYPE_CHECKING:
    from pathlib import Path

ASKS = """
import asyncio, sys
import swarm_stream as ss

async def one(**limits):
    yield await ss.ask("One?", **limits)

async def two():
    yield " ".join(await asyncio.gather(ss.ask("Two?"), ss.ask("Three?")))

async def main():
"""
LIMIT_S = 30


def command(body: str) -> list[str]:
    code = ASKS + "".join(f"    {line}\n" for line in body.splitlines())
    return [sys.executable, "-c", f"{code}\nasyncio.run(main())"]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("SWARM_")}


def started(body: str) -> subprocess.Popen[str]:
    """Begin a script that is given its input later."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command(body), stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), text=True
    )


def script(body: str, stdin: IO[bytes] | int | str) -> subprocess.CompletedProcess[str]:
    """Run a script without a server whose output is no terminal."""
    typed = isinstance(stdin, str)
    return subprocess.run(
        command(body),
        **({"input": stdin} if typed else {"stdin": stdin}),  # type: ignore[call-overload]
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_piped_lines_answer_in_order_and_no_more_are_read_than_asked_for() -> None:
    body = "print(await ss.stream(one()))\nprint(await ss.stream(two()))\nprint(sys.stdin.read())"
    ran = script(body, "a\nb\nc\nthe rest")
    assert (ran.stdout, ran.returncode) == ("a\nb c\nthe rest\n", 0)
    assert ran.stderr == "one asks: One?\ntwo asks: Two?\ntwo asks: Three?\n"


def test_what_nobody_can_answer_is_an_error_of_the_one_who_asks() -> None:
    body = (
        "try:\n    await ss.stream(one())\nexcept ss.SessionStateError as error:\n    print(error)"
    )
    ran = script(body, subprocess.DEVNULL)
    assert "nobody can answer" in ran.stdout
    assert "display=False" in ran.stdout
    assert ran.stderr == "one asks: One?\n"


@pytest.mark.parametrize("limits", ["default='x'", "timeout_s=1.5, default='x'"])
def test_where_nobody_can_answer_a_default_is_taken(limits: str) -> None:
    ran = script(f"print(await ss.stream(one({limits})))", "")
    assert (ran.stdout, ran.returncode) == ("x\n", 0)


def test_a_program_may_answer_itself_where_nobody_else_can() -> None:
    body = """\
for display in (True, False):
    run = ss.stream(one(), display=display)
    while not run.questions.waiting:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0 if display else 1.5)
    run.reply("by code")
    print(await run)"""
    ran = script(body, subprocess.DEVNULL)
    assert (ran.stdout, ran.returncode) == ("by code\n" * 2, 0), ran.stderr


def test_a_terminal_is_asked_though_the_output_goes_elsewhere() -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"typed\n")
        ran = script("print(await ss.stream(one()))", theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert (ran.stdout, ran.stderr) == ("typed\n", "one asks: One?\n")


def test_a_terminal_is_not_read_from_the_background(tmp_path: Path) -> None:
    # A shell with job control, whose terminal is the one that it is given.
    (tmp_path / "asks.py").write_text(
        f"{ASKS}    await ss.stream(one())\n\ntry:\n    asyncio.run(main())\n"
        "except ss.SessionStateError:\n    print('not stopped')\n"
    )
    command = f"{sys.executable} {tmp_path}/asks.py > {tmp_path}/out 2>&1 & wait"
    spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))"
    shell = [sys.executable, "-c", spawn, "bash", "-mc", command]
    subprocess.run(shell, stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=True)
    assert "not stopped" in (tmp_path / "out").read_text()


class Slow(io.TextIOBase):
    """An input whose lines come when they are given."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._file = os.fdopen(self._read)

    def give(self, line: str) -> None:
        os.write(self._write, line.encode())

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return self._file.readline(size)

    def end(self) -> None:
        os.close(self._write)

    def close(self) -> None:
        self._file.close()


@pytest.mark.asyncio
async def test_a_line_that_nobody_wants_any_more_is_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = Slow()
    monkeypatch.setattr(module.sys, "stdin", given)
    found = Lines()
    first = asyncio.ensure_future(found.next())
    await asyncio.sleep(0)  # it wants one now
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    given.give("a\n")
    assert await found.next() == "a"
    both = asyncio.gather(found.next(), found.next())
    given.give("b\n\n")
    assert await both == ["b", ""]
    both = asyncio.gather(found.next(), found.next())
    given.end()
    assert await both == [None, None]
    given.close()
    assert await found.next() is None


def test_no_line_is_read_for_a_question_that_somebody_else_has_answered() -> None:
    body = (
        "run = ss.stream(two())\n"
        "while len(run.questions.waiting) < 2:\n    await asyncio.sleep(0.01)\n"
        "run.reply('by code', request=list(run.questions.waiting)[1])\n"
        "print('answered', flush=True)\n"
        "print(await run)\n"
        "print(sys.stdin.read())"
    )
    with started(body) as ran:
        assert ran.stdout is not None
        assert ran.stdout.readline() == "answered\n"
        said, _ = ran.communicate("a\nthe rest", timeout=LIMIT_S)
    assert said == "a by code\nthe rest\n"


def test_a_question_is_asked_although_the_beginning_of_the_run_is_gone() -> None:
    body = (
        "import os\n"
        "os.environ['SWARM_STREAM_HISTORY_BYTES'] = '100000'\n"
        "async def long():\n"
        "    for number in range(3000):\n"
        "        yield f'{number} ' * 50\n"
        "        await asyncio.sleep(0)\n"
        "    yield 'and ' + await ss.ask('Well?')\n"
        "run = ss.stream(long())\n"
        "print((await run)[-8:])"
    )
    ran = script(body, "fine\n")
    assert (ran.stdout, ran.returncode) == ("and fine\n", 0), ran.stderr
    assert "Well?" in ran.stderr
