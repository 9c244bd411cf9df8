"""Opens files for reading from any file system of fsspec, and decompresses them."""

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
"""The exceptions of reading a file that is truncated, damaged, or not in the expected format."""


def open_file(path: str, codec: str = "") -> BinaryIO:
    """Open a file for reading bytes, decompressed if it has a codec."""
    if not codec and "://" not in path:
        return Path(path).open("rb")
    file = fsspec.open("file://" + path if "://" not in path else path, "rb", compression=codec or None).open()
    return cast(
        BinaryIO, io.BufferedReader(file)
    )  # some decompressors cannot read lines, and some URLs' files do not limit their length


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """Copy the content of a compressed file to a temporary file, for readers that seek."""
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole, 1 << 20)
        yield cast(BinaryIO, whole)
