"""What a server is known by: its id, and the secret of the kernels that it starts.

Both lie beside the log's file, so that a kernel that outlives a killed server is let in again
by the next one on the same log. The file is for this user's eyes only, like the one in which
Jupyter keeps the server's token.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Identity", "load_identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A server's id and secret.

    Attributes:
        server: Named in ``info`` and ``claimed``.
        secret: Lets a kernel claim and append. Never shown.

    """

    server: str
    secret: str = field(repr=False)


def load_identity(path: Path) -> Identity:
    """Read the identity that lies at ``path``, or make one there.

    Raises:
        OSError: If it can neither be read nor written.

    """
    known = _read(path)
    if known is not None:
        return known
    made = Identity(f"srv-{uuid4().hex[:12]}", secrets.token_urlsafe(32))
    text = json.dumps({"server": made.server, "secret": made.secret})
    # Written aside and moved: a crash leaves the old file or the new one, never half of one.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    aside.replace(path)
    return made


def _read(path: Path) -> Identity | None:
    try:
        stored = json.loads(path.read_text())
        server, secret = stored["server"], stored["secret"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(server, str) or not isinstance(secret, str) or len(secret) < 32:  # noqa: PLR2004
        return None
    return Identity(server, secret)
