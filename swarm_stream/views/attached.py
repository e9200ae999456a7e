"""A view on a stream that somebody else produces, or that is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarm_stream.views.display import WIDGET_TYPE, bundle
from swarm_stream.views.widget import StreamView

if TYPE_CHECKING:
    from swarm_stream.runtime.environment import Runtime

__all__ = ["AttachedStream"]


class AttachedStream:
    """What ``ss.attach`` gives.

    Attributes:
        id: The stream's name.
        view: A widget that shows it, for composing.

    """

    def __init__(self, stream: str, runtime: Runtime) -> None:
        self.id = stream
        self.view = StreamView(runtime, stream=stream, server="", title=stream)

    def __repr__(self) -> str:
        """Show the stream, alike in every run."""
        return f"<AttachedStream {self.id}>"

    def show(self) -> None:
        """Show the view in the running cell."""
        from IPython.display import display  # noqa: PLC0415  (only a notebook has it)

        data = bundle(self.id, server="", title=self.id)
        data[WIDGET_TYPE] = {
            "model_id": self.view.model_id,
            "version_major": 2,
            "version_minor": 0,
        }
        display(data, raw=True)  # type: ignore[no-untyped-call]
