"""Directories that are removed even if the process that made them was killed: when the next one of their kind is made.

The process that makes a directory holds a lock on it, which the system releases when the process ends, however it ends. On a file
system that has no such locks, no directory can be told from one in use, so none is removed.

(A notebook's kernel is killed at its end if a process pool was used in it: ipykernel waits for Python's resource tracker, which
ignores SIGTERM.)
"""

import fcntl
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from .places import remove

PREFIX: Final = "bigdata-demos-run-"
_NEW: Final = 60.0  # seconds in which a directory may have no lock yet
_held: dict[Path, int] = {}  # file descriptors


def make(parent: str | None = None) -> Path:
    """Make a temporary directory (``parent`` None: where the system has them), and hold it; remove those of ended processes."""
    reclaim(Path(parent or tempfile.gettempdir()), f"{PREFIX}*")  # first: an interrupt meanwhile leaves nothing
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    hold(directory)
    return directory


def discard(directory: Path) -> None:
    """Remove a directory that :func:`make` returned."""
    remove(directory)
    release(directory)


def hold(directory: Path) -> None:
    """Keep a directory from :func:`reclaim` as long as this process lives, or until it is released."""
    with suppress(OSError):
        _held[directory] = _lock(directory)


def release(directory: Path) -> None:
    """Release a directory, which may have been renamed or removed."""
    if directory in _held:
        os.close(_held.pop(directory))


def reclaim(parent: Path, pattern: str) -> list[Path]:
    """Remove this user's directories that no process holds, by a pattern of their names; return them."""
    removed = []
    for directory in parent.glob(pattern):
        with suppress(OSError):  # in use, or removed meanwhile
            state = directory.lstat()
            if state.st_uid == os.getuid() and time.time() - state.st_mtime > _NEW:
                descriptor = _lock(directory)
                remove(directory)
                os.close(descriptor)
                removed.append(directory)
    return removed


def _lock(directory: Path) -> int:
    """Lock a directory. Raises OSError if a process has locked it, or this user may not."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
