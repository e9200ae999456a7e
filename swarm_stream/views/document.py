"""A transcript as a whole HTML document, to be saved as a file.

Twin of ``toDocument`` in ``frontend/src/document.ts``; both are held to
``tests/vectors/document``. Change them together.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from swarm_stream.events.plain import one_line
from swarm_stream.views import markdown
from swarm_stream.views.static import to_html

if TYPE_CHECKING:
    from swarm_stream.events.fold import Transcript

__all__ = ["to_document"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = 253_402_300_800_000
"""The end of the year 9999: later times are no dates to both twins."""

_DOCUMENT: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; img-src data:">
<meta http-equiv="x-dns-prefetch-control" content="off">
<title>{title}</title>
</head>
<body style="max-width:880px;margin:24px auto;padding:0 16px;font-family:system-ui,sans-serif">
<h1 style="font-size:22px;margin:0 0 4px;overflow-wrap:anywhere">{title}</h1>
<p style="font-size:13px;margin:0 0 16px;opacity:.75;overflow-wrap:anywhere">{facts}</p>
{body}</body>
</html>
"""


def to_document(transcript: Transcript, *, stream: str, title: str) -> str:
    """Give the conversation as an HTML file that needs nothing else and runs no script."""
    facts = [f"stream {stream}", *_begun(transcript.first_t or 0)]
    body = to_html(transcript, markdown.Renderer())
    return _DOCUMENT.format(
        title=_escape(one_line(title or stream)),
        facts=_escape(" · ".join(facts)),
        body=body,
    )


def _begun(ms: float) -> list[str]:
    """Say when, in UTC, so that a file says the same wherever it was made."""
    if not 0 < ms < _LAST_MS:
        return []
    return [f"begun {_EPOCH + timedelta(milliseconds=int(ms)):%Y-%m-%d %H:%M} UTC"]


def _escape(text: str) -> str:
    return escape(text).replace("&#x27;", "&#39;")
