"""Showing a run in the cell that started it, and leaving what it said in the notebook file.

The output holds our own MIME type, which the front-end extension renders straight from the
server, a widget for front ends without it, and plain forms for everybody else. When the run is
over the widget goes and the plain forms say it all.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from swarm_stream.views import markdown
from swarm_stream.views.static import to_html, to_markdown, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarm_stream.events.fold import Transcript
    from swarm_stream.runtime.session import StreamingSession

__all__ = ["MIME_TYPE", "WIDGET_TYPE", "bundle", "in_notebook", "show", "widget_view"]

MIME_TYPE: Final = "application/vnd.swarm-stream.v1+json"
WIDGET_TYPE: Final = "application/vnd.jupyter.widget-view+json"


def in_notebook() -> bool:
    """Tell whether this process is a kernel, so that there is a cell to show something in."""
    try:
        from IPython import get_ipython  # noqa: PLC0415  (slow, and absent in plain scripts)
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def bundle(
    stream: str, *, server: str, title: str, transcript: Transcript | None = None
) -> dict[str, Any]:
    """Give an output's MIME bundle, before the end (no transcript) or after it."""
    own = {"stream": stream, "server": server, "title": title, "version": 1}
    if transcript is None:
        says = f"swarm_stream run {stream}"
        return {
            MIME_TYPE: own,
            "text/html": f"<p><b>{escape(title)}</b> is being streamed as <code>{stream}</code>. "
            "This front end shows the conversation when the run is over, or at once with "
            "<code>session.view</code>.</p>",
            "text/markdown": f"**{title}** is being streamed as `{stream}`.",
            "text/plain": says,
        }
    return {
        MIME_TYPE: own,
        "text/html": to_html(transcript, markdown.Renderer()),
        "text/markdown": to_markdown(transcript),
        "text/plain": to_text(transcript),
    }


def widget_view(model: str) -> dict[str, object]:
    """Give what names a widget in an output."""
    return {"model_id": model, "version_major": 2, "version_minor": 0}


def show(session: StreamingSession) -> None:
    """Show a session in the running cell, and its transcript there when it is over."""
    from IPython.display import display  # noqa: PLC0415  (see in_notebook)

    title = session.source.title
    data = bundle(session.id, server=session.served_by, title=title)
    if not session.has_server:
        # Our own type asks the server. There is none, or it does not know us: the widget it is.
        del data[MIME_TYPE]
    view = session.view
    model = getattr(view, "model_id", None)
    if model is not None:
        data[WIDGET_TYPE] = widget_view(model)
    handle = display(data, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    if handle is None:
        return

    def finish() -> None:
        final = bundle(
            session.id, server=session.served_by, title=title, transcript=session.transcript
        )
        _say_twice(lambda: handle.update(final, raw=True))

    session.on_end(finish)


def _say_twice(say: Callable[[], None]) -> None:
    """Say something now, and once more when the next cell ends, if that is another one.

    What a run says when it ends belongs to the cell that started it. Who executes a notebook
    without a browser (nbclient, papermill) listens to one cell at a time, and misses it if that
    cell is over by then.
    """
    from IPython import get_ipython  # noqa: PLC0415  (see in_notebook)

    say()
    shell = get_ipython()
    if shell is None:
        return
    before = shell.parent_header

    def again(_result: object) -> None:
        shell.events.unregister("post_run_cell", again)
        if shell.parent_header != before:
            say()

    shell.events.register("post_run_cell", again)
