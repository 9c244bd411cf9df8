"""Where bytes come from and go to: files, or ``-`` for standard input and output.

Inputs are read forwards, once, so a pipe will do. Outputs are written beside the target under a name that nobody takes
for it, and renamed at the end: a failed run leaves nothing, and an input may be replaced by its own output.
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
"""Bytes asked of a file at once: a length in a damaged file must not reserve as much memory as it says."""


class _ReadError(InputError, OSError):
    """A file that cannot be read any further."""


def _no_progress(_count: int) -> None:
    """Tell nobody."""


class Source:
    """An input: so many bytes at a time, and a look at those ahead. ``name`` is for messages."""

    def __init__(
        self, file: BinaryIO, name: str, progress: Callable[[int], object] = _no_progress, *, offset: int | None = None
    ) -> None:
        """Read a file from where it is, which is its start, or from an offset that it can be set to."""
        self.file, self.name, self.progress = file, name, progress
        self.ahead = bytearray()
        self.offset = 0 if offset is None else file.seek(offset)
        self.searched = 0  # no sync marker starts before this offset and after the current one
        self.ended = False

    def fill(self, size: int) -> int:
        """Have so many bytes ahead; returns how many there are: fewer only at the end, maybe more.

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
        """Bytes ahead, ``start`` bytes from here; fewer only at the end."""
        self.fill(start + size)
        with memoryview(self.ahead) as view:  # which saves a copy
            return bytes(view[start : start + size])

    def read(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        found = self.peek(size)
        self.skip(len(found))
        return found

    def skip(self, size: int) -> None:
        """Pass over bytes that have been looked at."""
        del self.ahead[:size]  # which copies nothing
        self.offset += size

    def find(self, sync: bytes, limit: int) -> int:
        """How many bytes are before the next sync marker; -1 if there is none that starts in the next ``limit`` bytes.

        Nothing is searched twice.
        """
        while True:
            start = max(self.searched - self.offset, 0)
            found = self.ahead.find(sync, start)
            self.searched = self.offset + (found if found >= 0 else max(len(self.ahead) - len(sync) + 1, start))
            if found >= 0 or self.ended or len(self.ahead) >= limit:
                return found
            self.fill(len(self.ahead) + CHUNK)

    def tell(self) -> int:
        """The offset of the next byte."""
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

    A device or a pipe is written to as it is: there is nothing to rename.

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
    """Refuse to replace a file unasked."""
    if not overwrite and os.path.lexists(name):
        raise OutputError(f"{printable(name)} exists: set `overwrite=True` to replace it")
