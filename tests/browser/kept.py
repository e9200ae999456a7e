"""Notebooks as runs leave them, and a day later: with a new kernel, trusted or not."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import nbformat
from nbformat.sign import NotebookNotary

from swarm_stream.events.fold import Transcript
from swarm_stream.events.model import decode_event
from swarm_stream.views.display import WIDGET_TYPE, bundle, widget_view
from tests.browser.conftest import Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers.jupyter import JupyterServer

__all__ = ["MARKDOWN", "WORDS", "cut", "cut_with_widget", "expect_no_error", "open_kept", "over"]

MARKDOWN: Final = "Day one: the **National Museum**."
WORDS: Final = "National Museum"
EVENTS: Final = (
    {"type": "start", "t": 1000, "source": "iterator"},
    {"type": "lane", "lane": 0, "name": "words"},
    {"type": "open", "seg": 0, "lane": 0, "channel": "text"},
    {"type": "delta", "seg": 0, "text": MARKDOWN, "t": 1500},
    {"type": "close", "seg": 0},
    {"type": "end", "t": 2000, "outcome": "completed"},
)
# Jupyter runs this in notebooks that it trusts, and takes it out of others.
TRUST: Final = {"text/html": "<script>window.trusted = true</script>", "text/plain": ""}

Bundle = dict[str, Any]


def over(stream: str) -> Bundle:
    """Give what a run that is over leaves in its output."""
    transcript = Transcript()
    transcript.extend(decode_event(json.dumps(event)) for event in EVENTS)
    return bundle(stream, server="of yesterday", title=stream, transcript=transcript)


def cut(stream: str) -> Bundle:
    """Give what a page that was closed during a run leaves in its output."""
    return bundle(stream, server="of yesterday", title=stream)


def cut_with_widget(stream: str) -> Bundle:
    """Give the same where no view was live through the server: with a dead kernel's widget."""
    return cut(stream) | {WIDGET_TYPE: widget_view(uuid4().hex)}


@contextmanager
def open_kept(
    browser: Any, server: JupyterServer, outputs: Mapping[str, Bundle], *, trusted: bool
) -> Iterator[Notebook]:
    """Open a notebook of these outputs, and wait until its new kernel is there."""
    path = server.home / "root" / f"kept-{uuid4().hex[:8]}.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3"}
    made = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for name, data in {**outputs, "trust": TRUST}.items():
        output = nbformat.v4.new_output("display_data", data)
        made.cells.append(nbformat.v4.new_code_cell(f"# {name}", outputs=[output]))
    nbformat.write(made, path)
    if trusted:
        NotebookNotary(data_dir=str(server.home / "data")).sign(nbformat.read(path, 4))
    context = browser.new_context(viewport={"width": 1200, "height": 1600})
    try:
        page = Notebook(context.new_page(), server, path)
        page.open()
        page.wait_kernel()
        assert page.page.evaluate("window.trusted === true") is trusted
        yield page
    finally:
        context.close()


def expect_no_error(page: Notebook) -> None:
    """Check that no cell shows an error, or waits for something that will never come."""
    shown = page.page.locator(".jp-Notebook").inner_text()
    for words in ("Error", "not found", "Loading widget"):
        assert words not in shown, shown
    assert page.page.locator("[data-mime-type$=stderr]").count() == 0
