"""Opens files for reading from any file system of fsspec, and decompresses them."""

import codecs
import errno
import importlib
import io
import lzma
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec
from isal import isal_zlib

from ..errors import BadAvro

CODECS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
"""The codecs by the suffixes of their files."""
MAGIC: Final = {b"\x1f\x8b\x08": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""The codecs by the first bytes of their files."""
ZSTD_DICTIONARY: Final = b"\x5d\x2a\x4d\x18"
"""The first bytes of a WARC.zst that has a dictionary."""
GZIP_DAMAGE: Final = cast(type[Exception], isal_zlib.error)  # its type says that it is an instance
DAMAGED: Final = (OSError, EOFError, zlib.error, GZIP_DAMAGE, lzma.LZMAError, BadAvro)
"""The exceptions of reading a file that is truncated, damaged, or not in the expected format."""


_OF_THE_MACHINE: Final = frozenset({
    errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.ESTALE, errno.EAGAIN, errno.EINTR,
    errno.ENOBUFS, errno.ENODEV, errno.ENXIO, errno.EROFS, errno.EBADF, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED,
    errno.ECONNABORTED, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EPIPE,
})  # fmt: skip


def is_damage(error: Exception) -> bool:
    """Return whether one of :data:`DAMAGED` is a fault of the input, and not of the machine or the network.

    A task that meets a fault of the machine must fail, since another attempt may succeed.
    """
    return not isinstance(error, OSError) or error.errno not in _OF_THE_MACHINE


def open_file(path: str, codec: str = "") -> BinaryIO:
    """Open a file for reading bytes, decompressed if it has a codec; the codec ``utf-16`` gives UTF-8."""
    if not codec and "://" not in path:
        return Path(path).open("rb")
    if codec == "utf-16":
        return _recoded(open_file(path))
    if codec == "zstd":
        return _open_zstd(open_file(path))
    file = fsspec.open("file://" + path if "://" not in path else path, "rb", compression=codec or None).open()
    return cast(
        BinaryIO, io.BufferedReader(file)
    )  # some decompressors cannot read lines, and some URLs' files do not limit their length


def _recoded(file: BinaryIO) -> BinaryIO:
    """Copy UTF-16 to a temporary file in UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    whole = tempfile.TemporaryFile()
    with file:
        while chunk := file.read(1 << 20):
            whole.write(decoder.decode(chunk).encode("utf-8", "replace"))
    whole.seek(0)
    return cast(BinaryIO, whole)


def _open_zstd(file: BinaryIO) -> BinaryIO:
    """Decompress Zstandard frames. A WARC.zst may begin with the dictionary of its frames.

    See https://iipc.github.io/warc-specifications/specifications/warc-zstd/.
    """
    zstd = zstandard()
    dictionary = None
    head = file.read(8)
    if head.startswith(ZSTD_DICTIONARY):
        content = file.read(int.from_bytes(head[4:], "little"))
        content = zstd.decompress(content) if MAGIC.get(content[:4]) == "zstd" else content
        dictionary = zstd.ZstdDict(content)
    else:
        file.seek(0)
    return cast(BinaryIO, io.BufferedReader(zstd.ZstdFile(file, zstd_dict=dictionary)))


def zstandard() -> Any:
    """Return Python's module for Zstandard, which is in the standard library since 3.14."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """Copy the content of a compressed file to a temporary file, for readers that seek."""
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole, 1 << 20)
        yield cast(BinaryIO, whole)
