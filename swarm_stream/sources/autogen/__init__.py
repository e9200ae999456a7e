"""AutoGen's agents and teams as a source."""

from swarm_stream.sources.autogen.adapter import AutoGenStreamingAdapter

__all__ = ["AutoGenStreamingAdapter"]
