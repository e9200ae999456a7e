"""Settings are checked once, with a sentence that says what to do."""

from __future__ import annotations

import pytest

from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ConfigurationError


@pytest.mark.parametrize(
    "wrong",
    [
        {"buffer_size": 0},
        {"buffer_size": 2.5},
        {"buffer_size": True},
        {"max_tokens_per_second": -1},
        {"max_tokens_per_second": float("nan")},
        {"pause_at": 0},
        {"pause_at": 1.1},
        {"resume_at": 0.8},
        {"resume_at": -0.1},
        {"heartbeat_s": 0},
        {"heartbeat_s": 30.0},
        {"backoff_limit_s": 0.01},
        {"claim_timeout_s": "2"},
    ],
)
def test_a_setting_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        StreamingConfig(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_keywords_come_before_variables_and_variables_before_defaults() -> None:
    environ = {
        "SWARM_STREAM_BUFFER_SIZE": "50",
        "SWARM_STREAM_PAUSE_AT": "0.9",
        "SWARM_STREAM_PACE_LIVE": "yes",
        "SWARM_STREAM_URL": "http://elsewhere/",
    }
    config = StreamingConfig.load(environ, buffer_size=60)
    assert (config.buffer_size, config.pause_at, config.pace_live) == (60, 0.9, True)
    assert config.resume_at == StreamingConfig().resume_at


@pytest.mark.parametrize(
    ("name", "text"), [("BUFFER_SIZE", "many"), ("PAUSE_AT", "half"), ("PACE_LIVE", "maybe")]
)
def test_a_variable_that_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SWARM_STREAM_{name}.*{text}"):
        StreamingConfig.load({f"SWARM_STREAM_{name}": text})


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        StreamingConfig().buffer_size = 3  # type: ignore[misc]  # that is the test
