"""Results as files, so that the next run can be compared with them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from tests.bench.machine import ROOT, machine, versions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.figures import Found

__all__ = ["FOLDER", "load", "store"]

FOLDER: Final = ROOT / "notebooks" / "results"


def store(group: str, found: Found, *, mode: str, folder: Path = FOLDER) -> Path:
    """Write a group's results, and of those that were there what they are compared with."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{group}.json"
    before = load(group, folder=folder)
    path.write_text(
        json.dumps(
            {
                "group": group,
                "mode": mode,
                "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "machine": machine(),
                "versions": versions(),
                "figures": [figure.as_json() for figure in found.figures],
                "notes": found.notes,
                "detail": found.detail,
                "last": _summary(before),
            },
            indent=1,
        )
        + "\n"
    )
    return path


def load(group: str, *, folder: Path = FOLDER) -> dict[str, Any]:
    """Read a group's stored results; empty where there are none."""
    path = folder / f"{group}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _summary(results: dict[str, Any]) -> dict[str, Any]:
    if not results:
        return {}
    medians = {figure["what"]: figure["median"] for figure in results["figures"]}
    return {key: results[key] for key in ("when", "machine", "versions")} | {"medians": medians}
