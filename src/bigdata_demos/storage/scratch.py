"""Temporary directories that outlive a function, and are removed even if their process was killed: when the next one is made.

The process that makes a directory holds a lock on a file in it, which the system releases when the process ends, however it ends.
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
_LOCK: Final = "lock"
_NEW: Final = 60.0  # seconds in which a directory may have no lock yet
_locks: dict[Path, int] = {}  # file descriptors


def make(parent: str | None = None) -> Path:
    """Make a directory (``parent`` None: where the system has temporary files), and remove this user's of ended processes.

    On a file system without locks, no directory can be told from one in use, so none is removed.
    """
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with suppress(OSError):
        _locks[directory] = _lock(directory)
    for other in directory.parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, or removed meanwhile
            state = other.lstat()
            if state.st_uid == os.getuid() and time.time() - state.st_mtime > _NEW:
                descriptor = _lock(other)
                remove(other)
                os.close(descriptor)
    return directory


def discard(directory: Path) -> None:
    """Remove a directory that :func:`make` returned."""
    remove(directory)
    if directory in _locks:
        os.close(_locks.pop(directory))


def _lock(directory: Path) -> int:
    """Lock a directory. Raises OSError if a process has locked it, or this user may not."""
    descriptor = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
