"""Which model an agent or a manager calls, as far as AutoGen lets one see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from swarm_stream.sources.autogen.walk import unfiltered
from swarm_stream.sources.base import Model

__all__ = ["model_of"]

# By the client's class, or one that it is made from. The names are OpenTelemetry's, and say which
# protocol is spoken: OpenAI's client may well be talking to a server of somebody else.
_PROVIDERS: Final = {
    "AzureOpenAIChatCompletionClient": "azure.ai.openai",
    "BaseOpenAIChatCompletionClient": "openai",
    "AzureAIChatCompletionClient": "azure.ai.inference",
    "AnthropicBedrockChatCompletionClient": "aws.bedrock",
    "BaseAnthropicChatCompletionClient": "anthropic",
    "BaseOllamaChatCompletionClient": "ollama",
}


def model_of(runner: object) -> Model:
    """Give the model of an agent, or of a team's manager."""
    # AutoGen has no public way to either.
    client: Any = getattr(unfiltered(runner), "_model_client", None)
    client = getattr(client, "client", client)  # in a cache
    kinds = (kind.__name__ for kind in type(client).__mro__)
    provider = next((_PROVIDERS[name] for name in kinds if name in _PROVIDERS), "")
    settings = getattr(client, "_create_args", None)
    name = settings.get("model") if isinstance(settings, Mapping) else None
    return Model(provider, name if isinstance(name, str) else "")
