"""Atomic writing: a file is written under another name beside its target, and renamed when it is complete."""

import contextlib
import ctypes
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError, UsageError


@contextlib.contextmanager
def atomic(path: str | Path, *, sync: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that replaces ``path`` when the context ends, or is removed if an exception ends it.

    With ``sync``, the data are flushed to the disk before the file is renamed.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


_NO_REPLACE, _EXCHANGE = 1, 2  # flags of renameat2(2)
_CURRENT_DIRECTORY = -100  # AT_FDCWD of Linux
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def rename_new(source: Path, target: Path) -> bool:
    """Rename a file or a directory, unless something is at ``target``; returns whether it was renamed.

    On systems without Linux's renameat2 there is a moment between looking and renaming.
    """
    try:
        if not _renameat2(source, target, _NO_REPLACE):
            if os.path.lexists(target):
                return False
            source.rename(target)
    except FileExistsError:
        return False
    return True


def exchange(first: Path, second: Path) -> bool:
    """Exchange two files or directories in one step; returns False on systems and file systems that cannot."""
    return _renameat2(first, second, _EXCHANGE)


def _renameat2(source: Path, target: Path, flag: int) -> bool:
    """Call renameat2(2); returns False where it is not supported, and raises OSError if it fails."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return False
    if function(_CURRENT_DIRECTORY, os.fsencode(source), _CURRENT_DIRECTORY, os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(target))


def check_new(to: str, *, overwrite: bool) -> None:
    """Raise UsageError if something is at ``to``, a command's parameter of this name, that may not be replaced."""
    if os.path.lexists(to) and not overwrite:
        raise UsageError(f"{to} exists already: name another file by `to`, or set `overwrite=True`")


@contextlib.contextmanager
def writing(name: str | Path) -> Iterator[None]:
    """Convert OSError, except for BrokenPipeError, to an OutputError that names the file.

    Raises OutputError instead of OSError.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {name}: {error.strerror or error}") from None
