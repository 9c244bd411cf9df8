"""Inputs and outputs: files, or ``-`` for standard input and output.

Inputs are read forwards, once, so they may be pipes. Outputs are written under another name and renamed at the end, so a failed
run leaves nothing, and an output may replace its own input.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from ..errors import InputError, OutputError, UsageError, printable
from ..storage.atomic import atomic, writing

CHUNK: Final = 1 << 20
"""The bytes that are read at once, so that a wrong length in a damaged file does not allocate its memory."""


class _ReadError(InputError, OSError):
    """A file cannot be read any further."""


def _no_progress(_count: int) -> None:
    """Ignore the progress."""


class Source:
    """An input with a buffer of the bytes ahead. ``name`` is for messages."""

    def __init__(
        self, file: BinaryIO, name: str, progress: Callable[[int], object] = _no_progress, *, offset: int | None = None
    ) -> None:
        """Read a file from its start, or, if it is seekable, from an offset."""
        self.file, self.name, self.progress = file, name, progress
        self.ahead = bytearray()
        self.offset = 0 if offset is None else file.seek(offset)
        self.searched = 0  # no sync marker starts between the current offset and this one
        self.ended = False

    def fill(self, size: int) -> int:
        """Fill the buffer with at least ``size`` bytes, fewer only at the end; return their number.

        Raises:
            ReadError: if the file cannot be read.

        """
        while len(self.ahead) < size and not self.ended:
            try:
                chunk = self.file.read(min(size - len(self.ahead), CHUNK))
            except OSError as error:
                at = self.offset + len(self.ahead)
                raise _ReadError(f"{self.name}: {error.strerror or error}, at offset {at}") from None
            self.ended = not chunk
            self.ahead += chunk
            self.progress(len(chunk))
        return len(self.ahead)

    def peek(self, size: int, start: int = 0) -> bytes:
        """Return bytes ahead, from the current offset plus ``start``; fewer only at the end."""
        self.fill(start + size)
        with memoryview(self.ahead) as view:  # which saves a copy
            return bytes(view[start : start + size])

    def read(self, size: int) -> bytes:
        """Read bytes; fewer only at the end."""
        found = self.peek(size)
        self.skip(len(found))
        return found

    def skip(self, size: int) -> None:
        """Skip bytes that are in the buffer."""
        del self.ahead[:size]  # without a copy
        self.offset += size

    def find(self, sync: bytes, limit: int) -> int:
        """Return the number of bytes before the next sync marker, -1 if none starts in the next ``limit`` bytes.

        No byte is searched twice.
        """
        while True:
            start = max(self.searched - self.offset, 0)
            found = self.ahead.find(sync, start)
            self.searched = self.offset + (found if found >= 0 else max(len(self.ahead) - len(sync) + 1, start))
            if found >= 0 or self.ended or len(self.ahead) >= limit:
                return found
            self.fill(len(self.ahead) + CHUNK)

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self.offset


@contextlib.contextmanager
def open_input(name: str, progress: Callable[[int], object] = _no_progress) -> Iterator[Source]:
    """Open a file, or standard input for ``-``.

    Raises:
        InputError: if it cannot be opened.

    """
    if name == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed")
        yield Source(sys.stdin.buffer, "stdin", progress)
        return
    try:
        file = open(name, "rb")
    except (OSError, ValueError) as error:
        raise InputError(f"{printable(name)}: {getattr(error, 'strerror', None) or error}") from None
    with file:
        yield Source(file, printable(name), progress)


@contextlib.contextmanager
def open_output(name: str, *, binary: bool, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file to be written, or standard output for ``-``.

    A device or a pipe is written to directly, without renaming.

    Raises:
        UsageError: if binary data would go to a terminal.
        OutputError: if the file exists and may not be replaced, or cannot be written.

    """
    if name == "-":
        if sys.stdout is None:
            raise OutputError("standard output is closed: name a file as `output`")
        if binary and sys.stdout.isatty():
            raise UsageError("Avro is no text for a terminal: name a file as `output`, or redirect standard output")
        with writing("standard output"):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        return
    target = os.path.realpath(name)
    with writing(printable(name)):
        if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as device:
                yield device
            return
        _check_free(name, overwrite=overwrite)
        with atomic(target) as file:
            yield file
            _check_free(name, overwrite=overwrite)


def _check_free(name: str, *, overwrite: bool) -> None:
    """Check that there is no file, unless ``overwrite`` is set."""
    if not overwrite and os.path.lexists(name):
        raise OutputError(f"{printable(name)} exists: set `overwrite=True` to replace it")
