"""Files to read, of any place that fsspec knows, decompressed."""

import io
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import fsspec

from ..errors import BadAvro

CODECS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
DAMAGED: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, BadAvro)
"""What reading a file raises that is cut, damaged, or not what it seems."""


def open_file(path: str, codec: str = "") -> BinaryIO:
    """A file, opened to read bytes, decompressed if it has a codec."""
    if not codec and "://" not in path:
        return Path(path).open("rb")
    file = fsspec.open("file://" + path if "://" not in path else path, "rb", compression=codec or None).open()
    return cast(BinaryIO, io.BufferedReader(file))  # some decompressors have no lines, some URLs' files no limit to theirs


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """The content of a compressed file in a temporary one, for readers that go back and forth."""
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole, 1 << 20)
        yield cast(BinaryIO, whole)
