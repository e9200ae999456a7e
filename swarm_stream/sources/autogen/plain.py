"""AutoGen's messages as plain JSON, whatever is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autogen_core import Image
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fields_of", "parts", "plain"]


def plain(native: object) -> Any:  # noqa: ANN401
    """Give an object of AutoGen's as plain JSON that names its type.

    What has no JSON form becomes its ``repr``: an event that cannot be shown well is still shown.
    """
    shown = fields_of(native)
    if isinstance(shown, dict) and "type" not in shown:
        return {"type": type(native).__name__, **shown}
    return shown


def fields_of(native: object) -> Any:  # noqa: ANN401
    """Give the fields of an object of AutoGen's as plain JSON."""
    if not isinstance(native, BaseModel):
        return {"type": type(native).__name__, "repr": repr(native)}
    try:
        return native.model_dump(mode="json", fallback=repr)
    except Exception as error:  # noqa: BLE001  (serializers of users' types may raise anything)
        return {
            "type": type(native).__name__,
            "repr": repr(native),
            "not_shown": f"{type(error).__name__}: {error}",
        }


def parts(content: Sequence[str | Image]) -> list[dict[str, str]]:
    """Give the content of a multimodal message as our list of texts and images."""
    return [
        {"image": part.data_uri} if isinstance(part, Image) else {"text": part} for part in content
    ]
