"""What agents say, made up: events of runs that are like real ones, and of runs that are not.

The same seed gives the same events. A token is about four characters, as with most models.
"""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CASES", "Event", "Run", "prose", "tokens_of"]

Event = dict[str, Any]

LANES: Final = ("planner", "critic", "coder", "writer")
WORDS: Final = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "that",
    "we",
    "it",
    "is",
    "for",
    "with",
    "as",
    "on",
    "be",
    "this",
    "by",
    "from",
    "at",
    "which",
    "not",
    "are",
    "or",
    "can",
    "agent",
    "plan",
    "model",
    "token",
    "stream",
    "answer",
    "result",
    "table",
    "query",
    "index",
    "cache",
    "event",
    "offset",
    "reader",
    "should",
    "could",
    "would",
    "because",
    "however",
    "therefore",
    "first",
    "second",
    "finally",
    "perhaps",
    "already",
    "between",
    "measure",
    "compare",
    "deliver",
    "recover",
    "explain",
    "consider",
    "latency",
    "throughput",
    "transcript",
    "connection",
    "Oslo",
    "museum",
    "ferry",
    "harbour",
    "ticket",
    "weather",
    "evening",
    "train",
    "budget",
    "schedule",
    "alternative",
]
TOKEN: Final = re.compile(r"\s?[^\s]{1,5}|\s+")


def tokens_of(text: str) -> list[str]:
    """Cut a text as a model would give it."""
    return TOKEN.findall(text)


def sentence(rng: random.Random) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.randint(6, 18))]
    if rng.random() < 0.15:
        words[rng.randrange(len(words))] = f"**{rng.choice(WORDS)}**"
    if rng.random() < 0.1:
        words[rng.randrange(len(words))] = f"`{rng.choice(WORDS)}_{rng.choice(WORDS)}`"
    if rng.random() < 0.04:
        words.append(f"([source](https://example.org/{rng.choice(WORDS)}))")
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}. "


def prose(rng: random.Random) -> str:
    return "".join(sentence(rng) for _ in range(rng.randint(2, 6))).rstrip() + "\n\n"


def bullets(rng: random.Random) -> str:
    lines = [f"- {sentence(rng).rstrip()}\n" for _ in range(rng.randint(3, 7))]
    return "".join(lines) + "\n"


def steps(rng: random.Random) -> str:
    lines = [f"{n}. {sentence(rng).rstrip()}\n" for n in range(1, rng.randint(4, 7))]
    return "".join(lines) + "\n"


def code(rng: random.Random) -> str:
    lines = [
        f"    {rng.choice(WORDS)}_{n} = {rng.choice(WORDS)}({rng.randint(0, 999)}, {n})\n"
        for n in range(rng.randint(4, 16))
    ]
    return f"```python\ndef {rng.choice(WORDS)}():\n{''.join(lines)}```\n\n"


def table(rng: random.Random, rows: int | None = None) -> str:
    head = "| step | what | cost |\n|---|---|---|\n"
    lines = [
        f"| {n} | {rng.choice(WORDS)} {rng.choice(WORDS)} | {rng.randint(1, 999)} |\n"
        for n in range(rows or rng.randint(3, 8))
    ]
    return head + "".join(lines) + "\n"


BLOCKS: Final[tuple[Callable[[random.Random], str], ...]] = (
    prose, prose, prose, prose, bullets, steps, code, table,
)  # fmt: skip


def turn(rng: random.Random, tokens: int) -> list[str]:
    """Give the tokens of one turn: paragraphs, lists, code and tables."""
    said = [f"## {sentence(rng).rstrip()}\n\n"] if rng.random() < 0.3 else []
    held = tokens_of("".join(said))
    while len(held) < tokens:
        held += tokens_of(rng.choice(BLOCKS)(rng))
    return held[:tokens]


class Run:
    """Events of a run, with ids and times as a kernel would give them."""

    def __init__(self, *, tokens_per_second: float = 200) -> None:
        self._step_ms = 1000 / tokens_per_second
        self._t = 1_700_000_000_000.0
        self._seg = 0
        self._call = 0

    def event(self, type_: str, **fields: Any) -> Event:
        return {"type": type_, "t": round(self._t), **fields}

    def begin(self) -> list[Event]:
        lanes = [
            self.event("lane", lane=n, name=name, parent=None, kind="agent")
            for n, name in enumerate(LANES)
        ]
        return [self.event("start", task="Plan three days", source="autogen", caps=[]), *lanes]

    def open(self, lane: int, channel: str = "text") -> tuple[int, Event]:
        self._seg += 1
        return self._seg, self.event("open", seg=self._seg, lane=lane, channel=channel)

    def delta(self, seg: int, text: str) -> Event:
        self._t += self._step_ms
        return self.event("delta", seg=seg, text=text)

    def say(self, lane: int, tokens: list[str], channel: str = "text") -> Iterator[Event]:
        seg, opened = self.open(lane, channel)
        yield opened
        for token in tokens:
            yield self.delta(seg, token)
        yield self.event("close", seg=seg)

    def call(self, lane: int, result: str) -> Iterator[Event]:
        self._call += 1
        call = f"call-{self._call}"
        arguments = json.dumps({"query": f"number {self._call}", "limit": 10})
        yield self.event("tool_call", call=call, lane=lane, name="search", arguments=arguments)
        yield self.event("tool_result", call=call, content=result)

    def end(self) -> list[Event]:
        return [self.event("end", outcome="completed")]


def agents_talk(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """Four agents take turns of 200 to 2,000 tokens, think now and then, and call tools."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    said = 0
    while said < tokens:
        lane = rng.randrange(len(LANES))
        if rng.random() < 0.3:
            thoughts = tokens_of("".join(sentence(rng) for _ in range(rng.randint(3, 10))))
            thoughts = thoughts[: tokens - said]
            said += len(thoughts)
            yield from run.say(lane, thoughts, "reasoning")
        if rng.random() < 0.5:
            for _ in range(rng.randint(1, 3)):
                yield from run.call(lane, json.dumps({"rows": [sentence(rng)] * 3}))
        words = turn(rng, min(rng.randint(200, 2000), tokens - said))
        said += len(words)
        yield from run.say(lane, words)


def agents_talk_at_once(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """Four agents talk at the same time, a token each in turn."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    said = 0
    held: list[tuple[int, list[str]]] = [(0, [])] * len(LANES)
    while said < tokens:
        for lane in range(len(LANES)):
            seg, words = held[lane]
            if not words:
                if seg:
                    yield run.event("close", seg=seg)
                seg, opened = run.open(lane)
                yield opened
                words = turn(rng, rng.randint(200, 2000))[::-1]
                held[lane] = (seg, words)
            yield run.delta(seg, words.pop())
        said += len(LANES)


def one_paragraph(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """One segment without a line's end."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    words = [f" {rng.choice(WORDS)}"[:5] for _ in range(tokens)]
    yield from run.say(0, words)


def one_code_block(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    words = ["```python\n"]
    while len(words) < tokens:
        words += tokens_of(f"    {rng.choice(WORDS)} = {rng.choice(WORDS)}({rng.random():.6f})\n")
    yield from run.say(0, words[:tokens])


def one_table(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """At 100,000 tokens a table of some 8,000 rows."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    words = tokens_of(table(rng, tokens // 8))
    while len(words) < tokens:
        words += tokens_of(f"| 0 | {rng.choice(WORDS)} {rng.choice(WORDS)} | 1 |\n")
    yield from run.say(0, words[:tokens])


def one_list(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """One list, items without end."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    words: list[str] = []
    while len(words) < tokens:
        words += tokens_of(f"- {sentence(rng).rstrip()}\n")
    yield from run.say(0, words[:tokens])


def short_turns(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """Ten tokens a turn: 10,000 turns at 100,000 tokens."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    for number in range(tokens // 10):
        yield from run.say(number % len(LANES), turn(rng, 10))


def tool_calls(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """Nothing but tool calls: 5,000 where others have 100,000 tokens."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    for number in range(tokens // 20):
        yield from run.call(number // 10 % len(LANES), json.dumps({"rows": [sentence(rng)] * 3}))


def thoughts(tokens: int, *, seed: int = 1) -> Iterator[Event]:
    """One chain of thought, half as long as the other cases."""
    rng = random.Random(seed)  # noqa: S311 - made up, not secret
    run = Run()
    yield from run.begin()
    words: list[str] = []
    while len(words) < tokens // 2:
        words += tokens_of(prose(rng))
    yield from run.say(0, words[: tokens // 2], "reasoning")


CASES: Final[dict[str, Callable[[int], Iterator[Event]]]] = {
    "talk": agents_talk,
    "at once": agents_talk_at_once,
    "paragraph": one_paragraph,
    "code": one_code_block,
    "table": one_table,
    "list": one_list,
    "turns": short_turns,
    "tools": tool_calls,
    "thoughts": thoughts,
}
