"""What must be in a log after its server was killed: a model that follows what the server said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from bisect import bisect_right
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.logs.appender import event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from swarm_stream.logs.base import StreamInfo

ROOT = Path(__file__).resolve().parents[2]

KILLED = {-signal.SIGKILL, -signal.SIGXFSZ}


@dataclass
class Call:
    """A call that the server was about to make.

    Attributes:
        answer: What it was answered, if it was: then the log has promised it.

    """

    words: list[str]
    answer: list[int] | None = None


@dataclass
class Life:
    """What one server said, from its start until it was killed."""

    opened: bool = False
    calls: list[Call] = field(default_factory=list)
    status: int = 0

    @property
    def promised(self) -> int:
        """How many calls were answered; they are the first ones."""
        answered = [call.answer is not None for call in self.calls]
        assert answered == sorted(answered, reverse=True)
        return sum(answered)


class Appender:
    """Runs ``tests.logs.appender``; ends it on the way out."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.logs.appender"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def run(self, job: dict[str, Any], *, lines: int, delay_s: float) -> Life:
        """Do a job, kill it some time after it has said some lines; gives what it had said."""
        pid = self.start(job)
        life = Life()
        while not life.status and lines > 0:
            self._hear(life)
            lines -= 1
        if not life.status:
            time.sleep(delay_s)
            self.kill(pid, life)
        return life

    def start(self, job: dict[str, Any]) -> int:
        """Begin a job; gives its process."""
        assert self.process.stdin is not None
        defaults = {"steady": False, "checkpoint_pages": 1000, "die_at_bytes": 0}
        self.process.stdin.write(json.dumps(defaults | job).encode() + b"\n")
        self.process.stdin.flush()
        word, number = self._line()
        assert word == "pid"
        return int(number)

    def hear(self, life: Life, calls: int) -> None:
        """Listen until so many calls were answered."""
        while sum(call.answer is not None for call in life.calls) < calls:
            self._hear(life)

    def kill(self, pid: int, life: Life) -> None:
        """Kill the job, and hear what it had still said."""
        with suppress(ProcessLookupError):  # it died by itself, in the middle of a write
            os.kill(pid, signal.SIGKILL)
        while not life.status:
            self._hear(life)

    def _line(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the appender died; its standard error says why"
        return line.decode().split()

    def _hear(self, life: Life) -> None:
        match self._line():
            case ["?", number, *words]:
                assert int(number) == len(life.calls)
                life.calls.append(Call(words))
            case ["!", number, *answer]:
                life.calls[int(number)].answer = [int(word) for word in answer]
            case ["open"]:
                life.opened = True
            case ["ended", status]:
                life.status = int(status)
                assert life.status in KILLED
            case words:
                raise AssertionError(f"the appender said {words}")


@dataclass
class Stream:
    """A stream as it must be, but for its head: how much a trim takes is the log's own affair.

    Attributes:
        head: Where it begins, at least.
        trimmed: Where it begins, at most.
        starts: The offsets from which on events were written under the epochs beside them.

    """

    epoch: int
    producer: str
    tail: int = 0
    closed: bool = False
    head: int = 0
    trimmed: int = 0
    starts: list[int] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def events(self, name: str, start: int, stop: int) -> bytes:
        """Give the events that must be there."""
        return b",".join(
            event(name, number, self.epochs[bisect_right(self.starts, number) - 1])
            for number in range(start, stop)
        )


@dataclass
class Model:
    """All streams, and the highest epoch of any that was deleted."""

    streams: dict[str, Stream] = field(default_factory=dict)
    floor: int = 0

    def take(self, call: Call) -> None:
        """Do what a call asks for; who made it knew what the log holds."""
        what, name, *arguments = call.words
        if what == "claim":
            self._claim(name, arguments[0])
            return
        held = self.streams[name]
        match what:
            case "append":
                epoch, start, stop, closes = map(int, arguments)
                assert (held.epoch, held.tail, held.closed) == (epoch, start, False)
                if not held.epochs or held.epochs[-1] != epoch:
                    held.starts.append(start)
                    held.epochs.append(epoch)
                held.tail, held.closed = stop, bool(closes)
            case "trim":
                held.trimmed = max(held.trimmed, int(arguments[0]))
                if call.answer is not None:
                    held.head = call.answer[0]
            case "delete":
                self.floor = max(self.floor, held.epoch)
                del self.streams[name]

    def _claim(self, name: str, producer: str) -> None:
        held = self.streams.get(name)
        if held is None:
            self.streams[name] = Stream(self.floor + 1, producer)
        elif not held.closed and held.producer != producer:
            held.epoch, held.producer = held.epoch + 1, producer

    def fits(self, infos: Sequence[StreamInfo]) -> bool:
        """Tell whether a log holds what it must."""
        return {info.stream for info in infos} == self.streams.keys() and all(
            (info.epoch, info.producer, info.tail, info.closed)
            == (held.epoch, held.producer, held.tail, held.closed)
            and held.head <= info.head <= max(held.head, held.trimmed)
            for info in infos
            for held in [self.streams[info.stream]]
        )


def survived(model: Model, life: Life, infos: Sequence[StreamInfo]) -> Model:
    """Give what a log must hold after a life.

    That is everything it had promised, and of the calls after that the first ones, or none.

    Raises:
        AssertionError: If it holds nothing of the kind.

    """
    model = deepcopy(model)
    for call in life.calls[: life.promised]:
        model.take(call)
    for call in [*life.calls[life.promised :], None]:
        if model.fits(infos):
            for info in infos:
                model.streams[info.stream].head = info.head
            return model
        if call is not None:
            model.take(call)
    raise AssertionError(f"promised {model}, but found {infos}")
