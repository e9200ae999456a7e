"""``%%stream team``: the cell's text is the task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm_stream.api import stream
from swarm_stream.errors import SourceError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add ``%%stream`` to a shell; ``%load_ext swarm_stream`` calls this."""

    def run_cell(line: str, cell: str) -> None:
        """Stream what the line gives, with the cell's text as its task.

        ``%%stream team`` or ``%%stream run = team`` to keep the session in ``run``.
        """
        target, _, expression = line.rpartition("=")
        if not expression.strip():
            raise SourceError("name what is to be run: %%stream team")
        source = shell.ev(expression.strip())  # type: ignore[no-untyped-call]
        shell.user_ns[target.strip() or "_stream"] = stream(source, task=cell.strip())

    # IPython wraps the method in a way that hides its real signature.
    shell.register_magic_function(run_cell, magic_kind="cell", magic_name="stream")  # type: ignore[call-arg, arg-type]
