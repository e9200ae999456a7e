"""What PROTOCOL.md asks of a server for any message, told without the server's own code.

Read off the page, over Python's ``json``: no line here is shared with ``swarm_stream``. What the
hub makes of a good frame (an unknown stream, an old epoch) is not told, only whether it is good.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FAULTS", "OK", "Verdict", "judge"]

Verdict = frozenset[str]
"""What may happen: ``ok``, the code of an ``error`` (the socket stays open), or a close code."""

OK: Final = "ok"
FAULTS: Final = frozenset(
    {"bad_frame", "unknown_op", "not_allowed", "too_many_events", "meta_too_large"}
)
"""Codes of errors that only the frame itself can cause."""

FRAME_BYTES: Final = 2**20
MAX_EVENTS: Final = 1000
META_BYTES: Final = 16 * 2**10
LAST: Final = 2**53 - 1

NOT_JSON: Final = frozenset({"1007"})
BAD: Final = frozenset({"bad_frame"})
NAME: Final = re.compile(r"[A-Za-z0-9._~-]{1,200}")
SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
PRODUCER_OPS: Final = frozenset({"claim", "append", "controlled"})

Check = "Callable[[Any], bool]"


class _Huge:
    """A number that no double and no usual integer holds; JSON all the same."""


class _NotJSONError(Exception):
    """``NaN`` or ``Infinity``, which Python's parser would take."""


def _name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 200


def _text(value: object) -> bool:
    return isinstance(value, str)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _between(low: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= LAST


def _or_null(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or check(value)


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return abs(float(value)) < float("inf")
    except OverflowError:
        return False


def _start(value: object) -> bool:
    return value in {"head", "tail"} if isinstance(value, str) else _between(0)(value)


def _anything(_: object) -> bool:
    return True


_ACTIONS: Final = frozenset({"pause", "resume", "stop", "cancel", "reply"})
_OFFSET, _EPOCH = _between(0), _between(1)

REQUIRED: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "claim": {"stream": _name, "producer": _id},
    "append": {
        "stream": _name,
        "epoch": _EPOCH,
        "offset": _OFFSET,
        "events": lambda value: isinstance(value, list),
    },
    "controlled": {"stream": _name, "id": _id, "ok": _flag},
    "subscribe": {"stream": _name, "from": _start},
    "unsubscribe": {"stream": _name},
    "control": {
        "stream": _name,
        "id": _id,
        "action": lambda value: isinstance(value, str) and value in _ACTIONS,
    },
    "heartbeat": {"t": _number},
    "error": {"code": _text, "message": _text},
}
OPTIONAL: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "claim": {"epoch": _or_null(_EPOCH), "take_over": _flag, "meta": _anything},
    "append": {"ending": _flag},
    "controlled": {"message": _text},
    "subscribe": {"wait": _flag},
    "unsubscribe": {},
    "control": {"by": _text, "data": _anything},
    "heartbeat": {},
    "error": {"stream": _or_null(_text), "cause": _or_null(_text)},
}
UNREAD: Final = frozenset({"meta", "data", "events"})
"""Fields whose values the server carries and does not look into."""


def judge(message: str | bytes, *, may_view: bool = True) -> Verdict:
    """Tell what may be done about a message from a client that may produce."""
    if isinstance(message, bytes):
        return NOT_JSON
    if len(message.encode("utf-8", "surrogatepass")) > FRAME_BYTES:
        return frozenset({"1009"})
    doubled: list[str] = []
    huge: list[_Huge] = []
    try:
        body = _parse(message, doubled, huge)
    except (ValueError, RecursionError, _NotJSONError):
        return NOT_JSON
    if SURROGATE.search(message) and not _sound(body):
        return NOT_JSON
    verdict = _judge_frame(body, may_view=may_view)
    if huge and (OK not in verdict or _reads_huge(body)):
        # Half the world's parsers refuse such a number, and so may the server.
        verdict |= NOT_JSON | BAD
    if doubled:
        verdict |= FAULTS | {OK}
    return verdict


def _judge_frame(body: object, *, may_view: bool) -> Verdict:
    if not isinstance(body, dict) or not isinstance(body.get("op"), str):
        return BAD
    op = body["op"]
    if op not in REQUIRED:
        return frozenset({"unknown_op"} if len(op) <= 40 else {"bad_frame", "unknown_op"})
    for field, check in REQUIRED[op].items():
        if field not in body or not check(body[field]):
            return BAD
    if not all(check(body[f]) for f, check in OPTIONAL[op].items() if f in body):
        return BAD
    if op in {"heartbeat", "error"}:
        return frozenset({OK})
    if op not in PRODUCER_OPS and not may_view:
        return frozenset({"not_allowed"})
    return _judge_contents(op, body)


def _judge_contents(op: str, body: dict[str, Any]) -> Verdict:
    faults = set()
    if op == "append":
        events = body["events"]
        if not events or not all(isinstance(event, dict) for event in events):
            faults.add("bad_frame")
        if len(events) > MAX_EVENTS:
            faults.add("too_many_events")
        if body["offset"] + len(events) > LAST:
            faults.add("bad_frame")
    elif op == "claim":
        meta = body.get("meta", {})
        if not isinstance(meta, dict):
            faults.add("bad_frame")
        if len(json.dumps(meta, default=str)) > META_BYTES:
            faults.add("meta_too_large")
    return frozenset(faults or {OK})


def _parse(message: str, doubled: list[str], huge: list[_Huge]) -> object:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            doubled.append("")
        return made

    def too_much() -> _Huge:
        huge.append(_Huge())
        return huge[-1]

    def integer(digits: str) -> object:
        return int(digits) if len(digits) <= 4300 else too_much()

    def real(digits: str) -> object:
        value = float(digits)
        return value if abs(value) < float("inf") else too_much()

    def no_number(word: str) -> object:
        raise _NotJSONError(word)

    return json.loads(
        message,
        object_pairs_hook=pairs,
        parse_int=integer,
        parse_float=real,
        parse_constant=no_number,
    )


def _sound(value: object) -> bool:
    """Tell whether no string in it holds half a surrogate pair."""
    return json.dumps(value, ensure_ascii=False, default=str).isascii() or _encodes(value)


def _encodes(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _reads_huge(body: object) -> bool:
    return isinstance(body, dict) and any(
        isinstance(value, _Huge) for field, value in body.items() if field not in UNREAD
    )
