"""What a server is known by: its id, and the secret of the kernels that it starts.

Both lie beside the log's file, so that a kernel that outlives a killed server is let in again
by the next one on the same log. The file is for this user's eyes only, like the one in which
Jupyter keeps the server's token.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

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
    if known is not None and known.secret:
        return known
    server = known.server if known is not None else f"srv-{uuid4().hex[:12]}"
    made = Identity(server, secrets.token_urlsafe(32))
    text = json.dumps({"server": made.server, "secret": made.secret})
    # Written aside and moved: a crash leaves the old file or the new one, never half of one.
    # A file of mkstemp is for this user's eyes only from its first moment.
    descriptor, aside = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return made


def _read(path: Path) -> Identity | None:
    try:
        stored = json.loads(path.read_text())
        server, secret = stored["server"], stored["secret"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(server, str) or not isinstance(secret, str) or len(secret) < 32:  # noqa: PLR2004
        return None
    if os.name == "posix" and path.stat().st_mode & 0o077:
        # Copied about, perhaps. Others may have read the secret, so it has had its day.
        return Identity(server, "")
    return Identity(server, secret)
