"""``StreamingConfig``: every setting of a session, checked once, then frozen.

Values come from keyword arguments, else from ``SWARM_STREAM_*`` variables, else from the
defaults below. Nothing else in the package reads those variables, but for ``SWARM_STREAM_URL``
and ``SWARM_STREAM_SECRET``, which tell a kernel where its server is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from swarm_stream.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PREFIX", "StreamingConfig"]

PREFIX: Final = "SWARM_STREAM_"

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamingConfig:
    """Settings of one session.

    Attributes:
        buffer_size: Events that may wait for the log's acknowledgement before the agents are
            paused; at least 1. One streamed chunk is one event.
        buffer_bytes: The same limit in bytes of JSON, for large messages.
        max_tokens_per_second: Pace, in words a second, of text that arrives whole and is
            streamed word by word. 0 gives it at once.
        pace_live: Whether what a model streams is slowed to that pace as well.
        pause_at: Fraction of the buffer at which the agents are paused.
        resume_at: Fraction at which they may go on; below ``pause_at``.
        connect_timeout_s: Seconds to wait for a connection to the server to open.
        claim_timeout_s: Seconds that ``ss.stream(..., name=...)`` waits to hear whether the
            name is free.
        flush_timeout_s: Seconds that the end of a run waits for the last acknowledgement.
        cancel_timeout_s: Seconds that a cancelled run has to end, by ever harder means; a quarter
            more, and it is abandoned.
        input_timeout_s: Seconds that a question to a person waits; 0 waits for ever.
        input_default: The answer to a question whose time is up.
        idle_timeout_s: Seconds after which a run that says nothing is cancelled by the
            manager; 0 never does. A run that waits for a person is not idle.
        heartbeat_s: Seconds without a frame after which a heartbeat is sent.
        silence_limit_s: Seconds without a frame from the server after which it counts as gone.
        backoff_first_s: Upper bound of the first, random delay before connecting again.
        backoff_limit_s: Upper bound of all later ones, which double each time.
        max_streams: Sessions that may run at once in one process.
        history_bytes: Bytes of finished runs that this process keeps for its own views.
        telemetry: Whether OpenTelemetry is told of runs, where it is installed and set up.

    Raises:
        ConfigurationError: If a value is out of range or does not fit another.

    """

    buffer_size: int = 1000
    buffer_bytes: int = 8 * 2**20
    max_tokens_per_second: float = 50.0
    pace_live: bool = False
    pause_at: float = 0.8
    resume_at: float = 0.3
    connect_timeout_s: float = 10.0
    claim_timeout_s: float = 2.0
    flush_timeout_s: float = 5.0
    cancel_timeout_s: float = 0.32
    input_timeout_s: float = 0.0
    input_default: str = ""
    idle_timeout_s: float = 0.0
    heartbeat_s: float = 10.0
    silence_limit_s: float = 25.0
    backoff_first_s: float = 0.1
    backoff_limit_s: float = 5.0
    max_streams: int = 1000
    history_bytes: int = 64 * 2**20
    telemetry: bool = True

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("buffer_size", "buffer_bytes", "max_streams"):
            _check(name, getattr(self, name), low=1, whole=True)
        _check("history_bytes", self.history_bytes, low=0, whole=True)
        for name in (
            "max_tokens_per_second",
            "flush_timeout_s",
            "idle_timeout_s",
            "input_timeout_s",
        ):
            _check(name, getattr(self, name), low=0)
        if not isinstance(self.input_default, str):
            raise ConfigurationError(f"input_default must be a text; got {self.input_default!r}")
        for name in (
            "connect_timeout_s",
            "claim_timeout_s",
            "cancel_timeout_s",
            "heartbeat_s",
            "silence_limit_s",
            "backoff_first_s",
            "backoff_limit_s",
        ):
            _check(name, getattr(self, name), above=0)
        _check("pause_at", self.pause_at, above=0, high=1)
        _check("resume_at", self.resume_at, low=0)
        if self.resume_at >= self.pause_at:
            raise ConfigurationError(
                f"resume_at must be below pause_at, or agents at the limit would flap; got "
                f"resume_at={self.resume_at!r}, pause_at={self.pause_at!r}. Try resume_at=0.3, "
                "pause_at=0.8"
            )
        if self.silence_limit_s <= self.heartbeat_s:
            raise ConfigurationError(
                f"silence_limit_s must be above heartbeat_s, or healthy peers count as gone; got "
                f"silence_limit_s={self.silence_limit_s!r}, heartbeat_s={self.heartbeat_s!r}"
            )
        if self.backoff_limit_s < self.backoff_first_s:
            raise ConfigurationError(
                f"backoff_limit_s must not be below backoff_first_s; got "
                f"{self.backoff_limit_s!r} and {self.backoff_first_s!r}"
            )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **settings: Any) -> StreamingConfig:  # noqa: ANN401
        """Make a configuration from keyword arguments, then variables, then defaults.

        Args:
            environ: Where variables are looked up; the process's own when None.
            **settings: Any attribute of this class.

        Raises:
            ConfigurationError: If a name is not known, a variable cannot be read, or a value
                is out of range.

        """
        environ = os.environ if environ is None else environ
        known = {entry.name: entry for entry in fields(cls)}
        for name in settings:
            if name not in known:
                raise ConfigurationError(
                    f"{name!r} is no setting; there are {', '.join(sorted(known))}"
                )
        values = dict(settings)
        for name, entry in known.items():
            variable = PREFIX + name.upper()
            if name not in values and variable in environ:
                values[name] = _parse(variable, environ[variable], str(entry.type))
        return cls(**values)


def _parse(variable: str, text: str, kind: str) -> bool | int | float | str:
    if kind == "str":
        return text
    word = text.strip().lower()
    if kind == "bool":
        if word in _TRUE | _FALSE:
            return word in _TRUE
        raise ConfigurationError(f"{variable} must be one of 1, 0, true, false; got {text!r}")
    try:
        return int(word) if kind == "int" else float(word)
    except ValueError:
        what = "a whole number" if kind == "int" else "a number"
        raise ConfigurationError(f"{variable} must be {what}; got {text!r}") from None


def _check(  # noqa: PLR0913
    name: str,
    value: object,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    whole: bool = False,
) -> None:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value != value:  # noqa: PLR0124
        what = "a whole number" if whole else "a number"
        raise ConfigurationError(f"{name} must be {what}; got {value!r}")
    assert isinstance(value, int | float)  # noqa: S101  (said above, in a way mypy does not follow)
    if low is not None and value < low:
        raise ConfigurationError(f"{name} must be at least {low}; got {value!r}")
    if above is not None and value <= above:
        raise ConfigurationError(f"{name} must be above {above}; got {value!r}")
    if high is not None and value > high:
        raise ConfigurationError(f"{name} must be at most {high}; got {value!r}")
