"""Who holds a stream, and whether an append is let in: PROTOCOL.md, "Claim" and "Append".

The only copy of these rules in Python. Pure: a log calls these inside the transaction that
writes, and does what they say.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "Admitted",
    "BadEpoch",
    "Closed",
    "Fenced",
    "Gap",
    "Held",
    "Verdict",
    "admit",
    "epoch_for",
]


class Held(NamedTuple):
    """What a log holds of a stream when an append arrives."""

    epoch: int
    """The epoch last issued."""
    next: int
    """The offset that the next event will get."""
    closed: bool
    """Whether the stream has ended."""


class Admitted(NamedTuple):
    """The events from ``skip`` on are to be written; afterwards the stream's next is ``next``.

    With ``skip`` equal to the number of events offered nothing is written: a retry.
    """

    skip: int
    next: int


class Fenced(NamedTuple):
    """A higher epoch was issued since."""

    epoch: int


class BadEpoch(NamedTuple):
    """The epoch offered was never issued."""

    epoch: int


class Gap(NamedTuple):
    """The first event offered lies beyond ``next``."""

    next: int


class Closed(NamedTuple):
    """The stream has ended and something new was offered."""

    next: int


Verdict = Admitted | Fenced | BadEpoch | Gap | Closed


def admit(held: Held, *, epoch: int, offset: int, count: int) -> Verdict:
    """Decide on an append of ``count`` events from ``offset`` on, by a holder of ``epoch``."""
    end = offset + count
    new = end > held.next
    if held.closed and new:
        return Closed(held.next)
    if epoch < held.epoch:
        # Also when the stream has ended: what lies at these offsets may be another's, such as
        # the server's own end of an interrupted run. An ack would say that it is the caller's.
        return Fenced(held.epoch)
    if epoch > held.epoch and not held.closed:
        return BadEpoch(held.epoch)
    if not new:
        return Admitted(count, held.next)
    if offset > held.next:
        return Gap(held.next)
    return Admitted(held.next - offset, end)


def epoch_for(
    held: Held, *, holder: str | None, producer: str, epoch: int | None = None
) -> int | Closed | Fenced:
    """Give the epoch with which ``producer`` may write, while ``holder`` has the stream.

    The present holder keeps its epoch, so that a repeated claim costs nothing. Who comes back with
    an ``epoch`` that it held, and is not the holder any more, was fenced: it takes nothing back.
    An epoch that was never issued here is of a log that was lost since, or the next one, brought
    by who wants the stream only if nobody takes it before. For a new stream ``holder`` is None
    and ``held.epoch`` the highest epoch that any deleted stream had: a stream deleted and made
    again must not give out an epoch that an earlier producer may still use.
    """
    if held.closed:
        return Closed(held.next)
    if holder == producer:
        return held.epoch
    if epoch is not None and holder is not None and epoch <= held.epoch:
        return Fenced(held.epoch)
    return held.epoch + 1
