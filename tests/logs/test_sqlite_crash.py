"""Whatever was acknowledged is there after a crash, dense and in order, and nothing is torn."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from swarm_stream.errors import LogLockedError
from swarm_stream.logs.base import Claimed
from swarm_stream.logs.sqlite import SQLiteLog

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

ROUNDS = 12

# Appends to three streams in bursts of every size, as fast as the log lets it, and prints each
# acknowledgement. Each event says where it belongs. Now and then one is large, so that the
# write-ahead log is carried into the file (every 4 MB) in some of the rounds.
PRODUCER = """
import asyncio, os, random, sys
from swarm_stream.logs.sqlite import SQLiteLog

async def main(path, seed):
    rng = random.Random(seed)
    log = SQLiteLog(path)
    await log.open()
    streams = {}
    for name in "abc":
        streams[name] = list(await log.claim(name, producer=f"p{seed}", meta=None))
        os.write(1, b"%s %d\\n" % (name.encode(), streams[name][1]))

    def acked(name, answer):
        os.write(1, b"%s %d\\n" % (name.encode(), answer.result().next))

    while True:
        futures = []
        for _ in range(rng.choice([1, 1, 3, 30])):
            name = rng.choice("abc")
            epoch, start = streams[name]
            stop = streams[name][1] = start + rng.choice([1, 1, 1, 20, 200])
            fill = b"x" * (2000 if rng.random() < 0.05 else 0)
            events = [b'{"s":"%s","n":%d,"x":"%s"}' % (name.encode(), n, fill)
                      for n in range(start, stop)]
            future = log.append(name, epoch=epoch, offset=start, events=events, closes=False)
            future.add_done_callback(lambda answer, name=name: acked(name, answer))
            futures.append(future)
        await asyncio.gather(*futures)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def run_and_kill(path: Path, rng: random.Random, seed: int) -> Counter[str]:
    """Run a producer, kill it at a random moment; gives what it had heard of each stream."""
    acked: Counter[str] = Counter()
    with subprocess.Popen(
        [sys.executable, "-c", PRODUCER, path, str(seed)], stdout=subprocess.PIPE
    ) as producer:
        assert producer.stdout is not None
        for _ in range(rng.choice([1, 3, 10, 60, 250])):
            stream, _, tail = producer.stdout.readline().decode().partition(" ")
            acked[stream] = int(tail)
        time.sleep(rng.random() * 0.01)
        producer.kill()
        for line in producer.stdout:  # what it still got to say
            stream, _, tail = line.decode().partition(" ")
            acked[stream] = int(tail)
    return acked


async def contents(log: SQLiteLog, stream: str, offset: int = 0) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    while True:
        part = await log.read(stream, offset, max_events=1000, max_bytes=2**20)
        assert part.offset == offset
        if not part.count:
            return events
        events += json.loads(b"[%b]" % part.body)
        offset += part.count


@pytest.mark.timeout(60)
async def test_a_killed_server_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(11)  # noqa: S311 - a test's dice
    path = tmp_path / "log.db"
    checked: Counter[str] = Counter()
    for seed in range(ROUNDS):
        acked = run_and_kill(path, rng, seed)
        # Each time on the file as the last crash left it.
        log = SQLiteLog(path)
        await log.open()
        infos = {info.stream: info for info in await log.list()}
        assert acked.keys() <= infos.keys()
        for stream, info in infos.items():
            assert info.tail >= max(acked[stream], checked[stream])
            # The last round looks at everything, the others at what is new.
            start = checked[stream] if seed < ROUNDS - 1 else 0
            events = await contents(log, stream, start)
            assert [(e["s"], e["n"]) for e in events] == [
                (stream, n) for n in range(start, info.tail)
            ]
            checked[stream] = info.tail
        await log.aclose()
    assert checked.total() > 1000  # else it was killed before it did anything


async def test_a_torn_write_ahead_log_gives_a_prefix(tmp_path: Path) -> None:
    """As after a power cut: the end of the last writes is missing, or is something else."""
    rng = random.Random(12)  # noqa: S311 - a test's dice
    path = tmp_path / "log.db"
    log = SQLiteLog(path)
    await log.open()
    claimed = await log.claim("s", producer="p", meta=None)
    assert isinstance(claimed, Claimed)
    for n in range(0, 300, 3):
        events = [b'{"n":%d}' % i for i in range(n, n + 3)]
        await log.append("s", epoch=1, offset=n, events=events, closes=False)
    for name in ("log.db", "log.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"copy-{name}")
    await log.aclose()
    wal = (tmp_path / "copy-log.db-wal").read_bytes()
    tails = set()
    for number in range(12):
        torn = tmp_path / f"torn-{number}.db"
        shutil.copy(tmp_path / "copy-log.db", torn)
        cut = rng.randrange(len(wal))
        noise = rng.randbytes(min(rng.choice([0, 100, 10_000]), len(wal) - cut))
        tail = wal[cut + len(noise) :] if noise else b""
        torn.with_name(torn.name + "-wal").write_bytes(wal[:cut] + noise + tail)
        for _ in range(2):  # recovering twice is as good as once
            log = SQLiteLog(torn)
            await log.open()
            infos = await log.list()
            events = await contents(log, "s") if infos else []
            assert [e["n"] for e in events] == list(range(len(events)))
            assert [info.tail for info in infos] in ([], [len(events)])
            await log.aclose()
        tails.add(len(events))
    assert len(tails) > 3  # else nothing was torn


async def test_the_file_of_a_living_server_stays_locked(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with subprocess.Popen(  # noqa: ASYNC220 - a test may wait
        [sys.executable, "-c", PRODUCER, path, "1"], stdout=subprocess.PIPE
    ) as producer:
        assert producer.stdout is not None
        producer.stdout.readline()
        for _ in range(3):
            with pytest.raises(LogLockedError):
                await SQLiteLog(path).open()
        producer.kill()
        producer.stdout.read()
    log = SQLiteLog(path)
    await log.open()
    await log.aclose()
