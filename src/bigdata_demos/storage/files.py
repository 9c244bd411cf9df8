"""Opens files for reading, at local paths and at URLs that fsspec knows, and decompresses them."""

import codecs
import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from ..errors import BadAvro
from . import compression

DAMAGED: Final = (OSError, EOFError, *compression.DAMAGED, BadAvro)
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
    if codec:
        return compression.decompressed(open_file(path), codec)
    from .remote import open_url

    return open_url(path)


def _recoded(file: BinaryIO) -> BinaryIO:
    """Copy UTF-16 to a temporary file in UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    whole = tempfile.TemporaryFile()
    with file:
        while chunk := file.read(1 << 20):
            whole.write(decoder.decode(chunk).encode("utf-8", "replace"))
    whole.seek(0)
    return cast(BinaryIO, whole)


@contextmanager
def unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """Copy the content of a compressed file to a temporary file, for readers that seek. Damage is raised at the end."""
    damage = None
    with tempfile.TemporaryFile() as whole:
        try:
            while chunk := file.read1(1 << 20):  # type: ignore[attr-defined]
                whole.write(chunk)
        except DAMAGED as error:
            if not is_damage(error):
                raise
            damage = error
        whole.seek(0)
        yield cast(BinaryIO, whole)
    if damage:
        raise damage
