"""Inputs and outputs: files, or ``-`` for standard input and output.

Inputs are read forwards and once, so pipes work. Outputs are written to a temporary file beside the target and renamed at the
end: a failed run leaves no output, and an input may be replaced by its own output.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from ..errors import InputError, OutputError, UsageError, printable
from ..storage.atomic import atomic, writing

CHUNK: Final = 1 << 20  # bytes per read: a length in a damaged file must not allocate that much memory at once


class _ReadError(InputError, OSError):
    """A file cannot be read any further."""


def _no_progress(_count: int) -> None:
    pass


class Source:
    """An input with lookahead. ``name`` is used in messages."""

    def __init__(
        self, file: BinaryIO, name: str, progress: Callable[[int], object] = _no_progress, *, offset: int | None = None
    ) -> None:
        """Read a file from its current position, which counts as offset 0, or from an offset in a seekable file."""
        self.file, self.name, self.progress = file, name, progress
        self.ahead = bytearray()
        self.offset = 0 if offset is None else file.seek(offset)
        self.searched = 0  # no sync marker starts before this offset and after the current one
        self.ended = False

    def fill(self, size: int) -> int:
        """Buffer at least ``size`` bytes and return how many are buffered, which is fewer only at the end.

        Raises InputError if the file cannot be read.
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
        """Return bytes from ``start`` bytes ahead without consuming them; fewer only at the end."""
        self.fill(start + size)
        with memoryview(self.ahead) as view:  # saves a copy
            return bytes(view[start : start + size])

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer only at the end."""
        data = self.peek(size)
        self.skip(len(data))
        return data

    def skip(self, size: int) -> None:
        """Skip bytes that are buffered."""
        del self.ahead[:size]  # copies nothing
        self.offset += size

    def find(self, sync: bytes, limit: int) -> int:
        """Return how many bytes precede the next sync marker, or -1 if none starts in the next ``limit`` bytes."""
        while True:
            start = max(self.searched - self.offset, 0)
            size = self.ahead.find(sync, start)
            self.searched = self.offset + (size if size >= 0 else max(len(self.ahead) - len(sync) + 1, start))
            if size >= 0 or self.ended or len(self.ahead) >= limit:
                return size
            self.fill(len(self.ahead) + CHUNK)

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self.offset


@contextlib.contextmanager
def open_input(name: str, progress: Callable[[int], object] = _no_progress) -> Iterator[Source]:
    """Open a file, or standard input for ``-``. Raises InputError if it cannot be opened."""
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
    """Open a file for writing, or standard output for ``-``. Devices and pipes are written directly.

    Raises UsageError if binary data would go to a terminal; OutputError if the file exists and may not be replaced, or cannot be
    written.
    """
    if name == "-":
        if sys.stdout is None:
            raise OutputError("standard output is closed: name a file as `output`")
        if binary and sys.stdout.isatty():
            raise UsageError("Avro is not written to a terminal: name a file as `output`, or redirect standard output")
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
    if not overwrite and os.path.lexists(name):
        raise OutputError(f"{printable(name)} exists: set `overwrite=True` to replace it")
