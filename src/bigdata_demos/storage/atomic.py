"""Atomic writing: a file is written under another name beside its target, and renamed when it is complete."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError


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
