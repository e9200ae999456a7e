"""A notebook that is executed without any server of ours keeps what was said, and no widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from swarm_stream.views.display import MIME_TYPE, WIDGET_TYPE

if TYPE_CHECKING:
    from pathlib import Path

FORMS = {MIME_TYPE, "text/html", "text/markdown", "text/plain"}
CELLS = (
    """\
import swarm_stream as ss

async def words():
    for word in "Day one: the **National Museum**.".split(" "):
        yield word + " "
""",
    "run = ss.stream(words(), name='awaited')\nawait run\nNone",
    "run = ss.stream(words(), name='left')",
    "await run\nNone",  # it has told its views by then
    "run.view",
    "view = ss.stream(words(), name='boxed', display=False).view\nview",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home: Path = tmp_path_factory.mktemp("executed")
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    with pytest.MonkeyPatch.context() as patch:
        # No server is found, and nothing of the user's is read.
        for name in ("DATA", "RUNTIME", "CONFIG"):
            patch.setenv(f"JUPYTER_{name}_DIR", str(home / name.lower()))
        for name in ("URL", "SECRET", "TOKEN"):
            patch.delenv(f"SWARM_STREAM_{name}", raising=False)
        NotebookClient(made, timeout=60, resources={"metadata": {"path": str(home)}}).execute()
    return made


def shown(executed: Any, cell: int) -> Any:
    (output,) = executed.cells[cell].outputs
    return output["data"]


@pytest.mark.parametrize("cell", [1, 2, 4], ids=["awaited", "left to go on", "view afterwards"])
def test_the_output_is_what_was_said(executed: Any, cell: int) -> None:
    data = shown(executed, cell)
    assert set(data) == FORMS
    for form in FORMS - {MIME_TYPE}:
        assert "National Museum" in data[form]


def test_a_view_of_a_run_that_goes_on_can_be_shown_anywhere(executed: Any) -> None:
    data = shown(executed, 5)
    # Not as our own type: that asks a server, and this kernel has none.
    assert set(data) == FORMS - {MIME_TYPE} | {WIDGET_TYPE}
    assert "boxed" in data["text/plain"]


def test_the_file_is_valid(executed: Any) -> None:
    nbformat.validate(executed)
    outputs = [output for cell in executed.cells for output in cell.outputs]
    assert {output["output_type"] for output in outputs} == {"display_data", "execute_result"}
