"""A disk of its own, so small that a test can fill it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SmallDisk", "small_disk"]

PAGE_BYTES = 4096


class SmallDisk:
    """A file system that is full when the test wants it to be.

    Attributes:
        folder: Where it is.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Leave no more room than this, to a page."""
        found = os.statvfs(self.folder)
        more = max(0, found.f_bavail * found.f_frsize - leave_bytes)
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while more > 0:
                    more -= ballast.write(bytes(min(more, PAGE_BYTES))) or 0
            except OSError as error:
                # Somebody else has grown meanwhile: it is as full as it was to be.
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Give back what ``fill`` took."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, *, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount a small file system; skips the test where nobody lets us."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=700,uid={os.getuid()}", "tmpfs"]
    for as_root in ([], ["sudo", "-n"]):
        if as_root and shutil.which("sudo") is None:
            continue
        done = subprocess.run([*as_root, *mount, str(folder)], capture_output=True, check=False)
        if done.returncode == 0:
            try:
                yield SmallDisk(folder)
            finally:
                # Lazily, so that what a failed test left open does not keep it.
                subprocess.run([*as_root, "umount", "-l", str(folder)], check=True)
            return
    pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
