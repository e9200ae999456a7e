"""Reading JSON that is no event of ours: of any shape, and with numbers that no double holds.

Servers let such numbers in, because they are JSON. They are infinite here, as in a browser.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

__all__ = ["as_time", "read_json"]

MAX_DIGITS: Final = 4300
"""Python refuses to read longer integers."""


def read_json(data: bytes | str | msgspec.Raw) -> object:
    """Give what a JSON text holds; None if it is none."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        text = data if isinstance(data, str) else bytes(data)
        body = json.loads(text, parse_int=_integer, parse_constant=_no_number)
        msgspec.json.encode(body)  # else it holds half a surrogate pair and cannot be passed on
    except (ValueError, RecursionError):
        return None
    return body


def as_time(value: object) -> float:
    """Give an event's ``t``, whatever there is in its place."""
    try:
        return float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return 0.0


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < MAX_DIGITS else float(digits)


def _no_number(word: str) -> object:
    raise ValueError(word)  # NaN and Infinity are no JSON
