"""Messages that no good client sends, made from a seed: bad frames, broken JSON, odd orders.

``Fuzzer`` writes frames as JSON texts, field by field, so that it can put in what no encoder
would write: ``1e400``, half a surrogate pair, a field twice. About a third of what it makes is
good; the rest goes wrong in one place or in several. ``tests.faults.fuzz_oracle`` tells what a
server has to do about each.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FRAMES", "SEED", "Fuzzer", "Growth", "check_log"]

FRAMES: Final = int(os.environ.get("SWARM_STREAM_FUZZ_FRAMES", "20000"))
SEED: Final = int(os.environ.get("SWARM_STREAM_FUZZ_SEED", "1"))

Fields = dict[str, str]
"""A frame: the JSON text of each field."""

NASTY: Final = (
    "null", "true", "false", "0", "-1", "-0", "1", "2", "1.0", "0.5", "-1e5", "1E308", "1e-400",
    str(2**31), str(2**53 - 1), str(2**53), str(2**63 - 1), str(2**63), str(2**64), str(-(2**63)),
    "9" * 400, "-" + "9" * 400, '""', '"head"', '"tail"', '"a"', '"0"', '"\\u0000"',
    '"\\ud83d\\ude00"', '"é"', '"a b"', '"../x"', '"a/b"', '"a\\nb"', '"' + "a" * 201 + '"', '"😀"',
    "[]", "{}", "[[]]", "[{}]", '{"a":1}', "[null]", '{"":{"":[]}}', '"stop"', '"claim"',
    "[" * 50 + "]" * 50,
)  # fmt: skip
"""Values that are JSON, of every type and at every edge."""

UGLY: Final = (
    "1e400", "-1e400", "9" * 5000, "NaN", "Infinity", "-Infinity", "nan", '"\\ud800"', '"\\udc00"',
    '"\\ud800\\ud800"', '"\\x"', "01", "+1", ".5", "1.", "'a'", "undefined", "tru", "[1,]", "", " ",
    '{"a":}', '"', "{", "]", "\x00", '"\x00"', '"\n"', "[" * 100_000, "[" * 5000 + "]" * 5000,
    '{"a":' * 3000 + "1" + "}" * 3000,
)  # fmt: skip
"""Values that are no JSON, or that programs do not agree on."""

OPS: Final = (
    "claim", "append", "append", "append", "controlled", "subscribe", "unsubscribe", "control",
    "heartbeat", "error",
)  # fmt: skip

SERVER_FRAMES: Final = (
    '{"op":"ack","stream":"s0","next":1}', '{"op":"claimed","stream":"s0","epoch":1,"next":0}',
    '{"op":"events","stream":"s0","offset":0,"events":[{}]}',
    '{"op":"closed","stream":"s0","tail":1}',
    '{"op":"subscribed","stream":"s0","from":0,"head":0,"tail":0,"closed":false,"producer":"live"}',
    '{"op":"fenced","stream":"s0","epoch":1}', '{"op":"gone","stream":"s0","head":1,"tail":2}',
    '{"op":"gap","stream":"s0","next":1}',
    '{"op":"status","stream":"s0","producer":"none","viewers":1}',
)  # fmt: skip

CHARACTERS: Final = '{}[]",:0\\\x00\x1f é\ud7ff\uffff😀aeE+-.u'

SIGNS: Final = (
    "Traceback", "never retrieved", "never awaited", "Exception in callback", "Uncaught exception",
    "[E ", "Task was destroyed", "Error:",
)  # fmt: skip


class Fuzzer:
    """An endless supply of messages; the same ones for the same seed.

    Args:
        seed: Decides everything.
        streams: How many streams the good frames are about.

    Attributes:
        random: Where its choices come from.

    """

    def __init__(self, seed: int, *, streams: int = 20) -> None:
        self.random = random.Random(seed)  # noqa: S311  (made to be repeated)
        self.streams = [f"s{number}" for number in range(streams)]
        self._kinds = {
            self.good: 34,
            self.wrong: 34,
            self.out_of_place: 10,
            self.no_object: 8,
            self.over_limit: 3,
            self.mangled: 5,
            self.ugly: 4,
            self.noise: 2,
        }

    def messages(self, count: int) -> Iterator[str]:
        """Give this many text messages."""
        kinds, weights = tuple(self._kinds), tuple(self._kinds.values())
        for kind in self.random.choices(kinds, weights, k=count):
            yield kind()

    def good(self) -> str:
        """Give a frame without a fault, if not always one that makes sense now."""
        return self._text(self._fields())

    def wrong(self) -> str:
        """Give a frame with values of wrong types, or with fields that lack or come twice."""
        fields, pick = self._fields(), self.random
        for _ in range(pick.choice((1, 1, 1, 2, 3))):
            name = pick.choice((*fields, "op", "x"))
            match pick.randrange(6):
                case 0:
                    fields.pop(name, None)
                case 1:
                    fields[name + " "] = fields.get(name, "1")
                case 2:  # the same name again, with an escape that hides it from a dictionary
                    fields[f"\\u{ord(name[0]):04x}{name[1:]}"] = pick.choice(NASTY)
                case _:
                    fields[name] = pick.choice(NASTY)
        return self._text(fields)

    def out_of_place(self) -> str:
        """Give a frame that servers send, one that nobody sends, or a name that cannot be."""
        pick = self.random
        match pick.randrange(3):
            case 0:
                return pick.choice(SERVER_FRAMES)
            case 1:
                fields = self._fields()
                fields["op"] = json.dumps(pick.choice(("hello", "Claim", "", "x" * 50, "\x00")))
                return self._text(fields)
            case _:
                fields = self._fields()
                name = "".join(pick.choices("ab/\\ \x00é😀%\n.", k=pick.randrange(5)))
                fields["stream"] = json.dumps(name)
                return self._text(fields)

    def no_object(self) -> str:
        """Give JSON that is no object."""
        return self.random.choice(("[]", '"claim"', "0", "null", "true", "[{}]", *NASTY[:20]))

    def over_limit(self) -> str:
        """Give a frame that is too much in one way but not too long."""
        pick, stream = self.random, self.random.choice(self.streams)
        match pick.randrange(4):
            case 0:
                meta = json.dumps({"m": "x" * 20_000})
                return f'{{"op":"claim","stream":"{stream}","producer":"p","meta":{meta}}}'
            case 1:
                events = ",".join(['{"t":1}'] * 1001)
            case 2:
                events = ",".join(pick.choice((["{}", value], [value]))[-1] for value in NASTY)
            case _:
                events = pick.choice(("", "1", '"{}"', "[{}]", "{},null"))
        return f'{{"op":"append","stream":"{stream}","epoch":1,"offset":0,"events":[{events}]}}'

    def mangled(self) -> str:
        """Give a frame with characters put in, taken out and changed; or half of one."""
        text, pick = self.good(), self.random
        if pick.random() < 0.3:
            return text[: pick.randrange(len(text))]
        for _ in range(pick.choice((1, 1, 2, 5))):
            at, kind = pick.randrange(len(text) + 1), pick.randrange(3)
            put = "" if kind == 0 else pick.choice(CHARACTERS)
            text = text[:at] + put + text[at + (kind != 1) :]
        return text

    def ugly(self) -> str:
        """Give a frame with something in it that is no JSON, or barely."""
        pick = self.random
        if pick.random() < 0.2:
            return pick.choice(UGLY)
        fields = self._fields()
        if fields.get("op") == '"append"' and pick.random() < 0.5:
            fields["events"] = f'[{{"type":"raw","t":1,"native":{pick.choice(UGLY)}}}]'
        else:
            fields[pick.choice((*fields, "x"))] = pick.choice(UGLY)
        return self._text(fields)

    def noise(self) -> str:
        """Give random characters."""
        pick = self.random
        return "".join(pick.choices(CHARACTERS, k=pick.choice((0, 1, 3, 30, 300))))

    def huge(self) -> str:
        """Give a message of 10 MB, or one just over the limit; rare, because it takes long."""
        pick = self.random
        size = pick.choice((2**20, 10 * 2**20))
        return pick.choice(
            ("[" * size + "]", '{"op":"heartbeat","t":1,"x":"' + "é" * (size // 2) + '"}')
        )

    def _fields(self) -> Fields:
        pick = self.random
        op = pick.choice(OPS)
        fields: Fields = {"op": f'"{op}"'}
        if op not in {"heartbeat", "error"}:
            fields["stream"] = json.dumps(pick.choice(self.streams))
        fields |= getattr(self, f"_{op}")()
        return fields

    def _claim(self) -> Fields:
        pick = self.random
        fields = {"producer": json.dumps(f"p{pick.randrange(3)}"), "meta": '{"title":"T"}'}
        if pick.random() < 0.3:
            fields["take_over"] = pick.choice(("true", "false"))
        if pick.random() < 0.3:
            fields["epoch"] = pick.choice(("null", "1", "2", str(2**53 - 1)))
        return fields

    def _append(self) -> Fields:
        pick = self.random
        event = json.dumps({"type": "delta", "t": 1, "seg": 0, "text": "x" * pick.randrange(60)})
        return {
            "epoch": str(pick.choice((1, 1, 2, 3, 9, 2**53 - 1))),
            "offset": str(pick.choice((0, 0, 1, 2, 5, 10, 2**31, 2**53 - 1))),
            "events": f"[{','.join([event] * pick.choice((1, 1, 2, 20)))}]",
        }

    def _controlled(self) -> Fields:
        return {"id": json.dumps(f"c{self.random.randrange(50)}"), "ok": "true", "message": '"m"'}

    def _subscribe(self) -> Fields:
        pick = self.random
        fields = {"from": pick.choice(("0", "1", "5", '"head"', '"tail"', str(2**53 - 1)))}
        if pick.random() < 0.5:
            fields["wait"] = pick.choice(("true", "false"))
        return fields

    def _unsubscribe(self) -> Fields:
        return {}

    def _control(self) -> Fields:
        pick = self.random
        data = pick.choice(("null", '{"text":"yes"}', pick.choice(NASTY)))
        action = pick.choice(("pause", "resume", "stop", "cancel", "reply"))
        return {"id": json.dumps(f"c{pick.randrange(50)}"), "action": f'"{action}"', "data": data}

    def _heartbeat(self) -> Fields:
        return {"t": self.random.choice(("0", "1.5", "1730000000000"))}

    def _error(self) -> Fields:
        return {"code": '"c"', "message": '"m"', "stream": '"s0"'}

    def _text(self, fields: Fields) -> str:
        names = list(fields)
        if self.random.random() < 0.3:
            self.random.shuffle(names)
        return "{" + ",".join(f'"{name}":{fields[name]}' for name in names) + "}"


class Growth:
    """Watch a process's memory over a long run; by default this one's.

    Args:
        pid: The process.

    Attributes:
        mib: Its resident memory each time that was looked, in MiB.

    """

    def __init__(self, pid: int | str = "self") -> None:
        self._statm = Path(f"/proc/{pid}/statm")
        self.mib: list[float] = []

    def look(self, number: int, *, of: int) -> None:
        """Look, at twenty places of a run."""
        if number % max(1, of // 20) == 0:
            pages = int(self._statm.read_text().split()[1])
            self.mib.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def check(self, *, mib: float) -> None:
        """Fail if the last third of the run took more than ``mib`` beyond the one before.

        What a process takes once (caches, the first large message) it has taken by then.
        """
        third = len(self.mib) // 3
        before, after = self.mib[third : 2 * third], self.mib[2 * third :]
        assert median(after) - median(before) < mib, [round(size, 1) for size in self.mib]


def check_log(log: str, *secrets: str) -> None:
    """Fail if a server's log tells of a bug (a traceback, a lost exception) or holds a secret."""
    lines = log.splitlines()
    bad = [number for number, line in enumerate(lines) if any(sign in line for sign in SIGNS)]
    if bad:
        raise AssertionError("\n".join(lines[max(0, bad[0] - 5) : bad[0] + 60]))
    assert not any(secret in log for secret in secrets)
