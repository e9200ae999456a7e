"""What ``swarm-stream doctor`` finds in this environment, without asking any server."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from swarm_stream._version import __version__
from swarm_stream.config import StreamingConfig
from swarm_stream.errors import ConfigurationError

__all__ = ["Finding", "check_here", "note", "ok", "problem"]

_SHOWN: Final = ("autogen-agentchat", "jupyter-server", "jupyterlab", "notebook", "ipywidgets")
_BUILT: Final = ("view.js", "page.js")
_MODULE: Final = "jupyter_extension"
_LAB: Final = "swarm_stream"


class Finding(NamedTuple):
    """One line of the report."""

    mark: Literal["OK", "--", "PROBLEM"]
    what: str
    next_step: str = ""


def ok(what: str) -> Finding:
    """Say that something works."""
    return Finding("OK", what)


def note(what: str, next_step: str = "") -> Finding:
    """Say how something is that may be meant to be so."""
    return Finding("--", what, next_step)


def problem(what: str, next_step: str) -> Finding:
    """Say that something is broken, and how to mend it."""
    return Finding("PROBLEM", what, next_step)


def check_here() -> list[Finding]:
    """Look at the packages, at what Jupyter has of ours, and at the settings. Reads files only."""
    return [*_packages(), *_front_end(), _server_extension(), _lab_extension(), _settings()]


def _packages() -> list[Finding]:
    from packaging.requirements import Requirement  # noqa: PLC0415  (nothing else needs it)

    us = f"swarm-stream {__version__} on Python {sys.version.split()[0]}, {sys.executable}"
    try:
        installed = metadata.version("swarm-stream")
    except metadata.PackageNotFoundError:
        return [problem(f"{us}: found, but not installed", "pip install swarm-stream there")]
    found = [ok(us)]
    if installed != __version__:
        found.append(
            problem(
                f"it was installed as {installed}, and its code is {__version__} now",
                "install it again, so that Jupyter gets the same: pip install .",
            )
        )
    for line in metadata.requires("swarm-stream") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        has = _version(wanted.name)
        if has and wanted.specifier.contains(has, prereleases=True):
            continue
        what = f"{wanted.name} {has}" if has else f"no {wanted.name}"
        found.append(
            problem(
                f"{what} is installed, and swarm-stream needs {wanted.name}{wanted.specifier}",
                f"pip install '{wanted.name}{wanted.specifier}'",
            )
        )
    versions = [f"{name} {has}" for name in _SHOWN if (has := _version(name))]
    return [*found, note("with " + ", ".join(versions))]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _front_end() -> list[Finding]:
    static = files("swarm_stream") / "static"
    missing = [name for name in _BUILT if not (static / name).is_file()]
    if not missing:
        return []
    return [problem(f"the front end is not built: no {missing[0]}", "pip install . builds it")]


def _server_extension() -> Finding:
    """Tell whether a Jupyter server that starts from this environment would load us."""
    from jupyter_core.paths import jupyter_config_path  # noqa: PLC0415

    enabled: object = None
    # As Jupyter reads them: the first folder has the last word, and the main file in each.
    for folder in map(Path, reversed(jupyter_config_path())):
        parts = sorted((folder / "jupyter_server_config.d").glob("*.json"))
        for path in (*parts, folder / "jupyter_server_config.json"):
            listed = _json(path).get("ServerApp", {})
            extensions = listed.get("jpserver_extensions") if isinstance(listed, dict) else None
            if isinstance(extensions, dict):
                enabled = extensions.get(_MODULE, enabled)
    if enabled is True:
        return ok("Jupyter servers of this environment load the extension")
    if enabled is None:
        return problem(
            "Jupyter servers of this environment do not know the extension",
            "install swarm-stream again; pip puts a file for it beside Jupyter's settings",
        )
    return problem(
        "the extension is switched off in this environment",
        f"jupyter server extension enable {_MODULE}, and restart the server",
    )


def _lab_extension() -> Finding:
    """Tell whether JupyterLab and Notebook of this environment have the view."""
    from jupyter_core.paths import jupyter_config_path, jupyter_path  # noqa: PLC0415

    folders = [Path(path) / _LAB for path in jupyter_path("labextensions")]
    folder = next((path for path in folders if (path / "package.json").is_file()), None)
    if folder is None:
        return problem(
            "JupyterLab and Notebook of this environment do not have the view",
            "install swarm-stream again; until then views need a kernel that lives",
        )
    for path in jupyter_config_path():
        disabled = _json(Path(path) / "labconfig" / "page_config.json").get("disabledExtensions")
        if isinstance(disabled, dict) and disabled.get(_LAB) is True:
            return problem(
                "the view is switched off in JupyterLab and Notebook",
                f"jupyter labextension enable {_LAB}, and reload the page",
            )
    has = _json(folder / "package.json").get("version")
    if has != __version__:
        return problem(
            f"JupyterLab and Notebook have the view of swarm-stream {has}, not {__version__}",
            f"install swarm-stream again; if that changes nothing, remove {folder} first",
        )
    return ok("JupyterLab and Notebook of this environment have the view, of the same version")


def _settings() -> Finding:
    try:
        StreamingConfig.load()
    except ConfigurationError as error:
        return problem(str(error), "change or unset the SWARM_STREAM_ variable")
    return ok("the settings are in order")


def _json(path: Path) -> dict[str, Any]:
    """Read a settings file; one that is not there, or that Jupyter cannot read, says nothing."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}
