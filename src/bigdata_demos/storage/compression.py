"""Decompresses files, up to the last byte before damage.

A compressed file is a sequence of members: gzip's members, Zstandard's frames, the streams of bzip2 and xz.
"""

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Final, NamedTuple, Protocol, cast

from isal import igzip_lib, isal_zlib

if sys.version_info >= (3, 14):
    from compression import zstd as zstd  # noqa: PLC0414 (exported)
else:
    from backports import zstd as zstd  # noqa: PLC0414

CODECS: Final = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd"}
"""The codecs by the suffixes of their files."""
GZIP_DAMAGE: Final = cast(type[Exception], isal_zlib.error)  # its type says that it is an instance
DAMAGED: Final = (zlib.error, GZIP_DAMAGE, lzma.LZMAError, zstd.ZstdError)
"""The exceptions of decompressors; bz2 raises OSError without a number."""
CHUNK: Final = 1 << 18
"""Bytes of output at a time. IgzipDecompressor is several times slower with more."""
_PIECE: Final = 1 << 16  # bytes of input at a time
_SALVAGE: Final = (512, 1)  # bytes of output at a time before damage
_DICTIONARY_FRAME: Final = b"\x5d\x2a\x4d\x18"
_DICTIONARY: Final = b"\x37\xa4\x30\xec"  # the first bytes of a dictionary that is not raw content (RFC 8878, section 5)
_MAX_DICTIONARY: Final = 1 << 24  # bytes; usual are 100 KB


class Decoder(Protocol):
    """What the decompressors of all codecs have in common; each decompresses one member."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether no more can be decompressed from the input so far."""

    @property
    def unused_data(self) -> bytes:
        """What was given to it after the end of the member."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return up to so many bytes of output. Raises one of :data:`DAMAGED`."""


MAGIC: Final = {"gzip": b"\x1f\x8b\x08", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00", "zstd": b"\x28\xb5\x2f\xfd"}
"""The first bytes of a member."""


class _Zlib:
    """The decoder of a gzip member by zlib, which does not look ahead."""

    _STEP = 1 << 12  # bytes; what is not consumed is copied by each call

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""
        self._is_full = False  # whether the last output was as long as allowed, so that there may be more

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not (self._input or self._member.unconsumed_tail or self._is_full)

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data + self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._input += data
        piece = b""
        while not (piece or self.eof or self.needs_input):
            if not (some := self._member.unconsumed_tail):
                some, self._input = self._input[: self._STEP], self._input[self._STEP :]
            piece = self._member.decompress(some, max_length)
            self._is_full = len(piece) == max_length
        return piece


class Decoders(NamedTuple):
    """What makes the decoder of a member: of a sound one, and of a damaged one.

    A decoder that raises an error loses the bytes of this call. So the second gives all bytes before damage, if they are taken
    one by one; isal looks ahead, and fails earlier.
    """

    sound: Callable[[], Decoder]
    damaged: Callable[[], Decoder]


_DECODERS: Final = {
    "gzip": Decoders(partial(igzip_lib.IgzipDecompressor, flag=igzip_lib.DECOMP_GZIP), _Zlib),
    "bz2": Decoders(bz2.BZ2Decompressor, bz2.BZ2Decompressor),
    "xz": Decoders(lzma.LZMADecompressor, lzma.LZMADecompressor),
}


def codec_of(start: bytes) -> str:
    """Return the codec of a file by its first bytes, ``""`` if it is not compressed."""
    if start[1:4] == _DICTIONARY_FRAME[1:] and 0x50 <= start[0] < 0x60:  # frames to be skipped (RFC 8878, section 3.1.2)
        return "zstd"
    return next((codec for codec, magic in MAGIC.items() if start.startswith(magic)), "")


def decoders_of(codec: str, file: BinaryIO) -> Decoders:
    """Return the decoders of a file's members. Raises ZstdError if its dictionary is damaged."""
    if codec != "zstd":
        return _DECODERS[codec]
    frame = partial(zstd.ZstdDecompressor, zstd_dict=_zstd_dictionary(file))
    return Decoders(frame, frame)


def _zstd_dictionary(file: BinaryIO) -> zstd.ZstdDict | None:
    """Return the dictionary with which a WARC.zst may begin, and which all its frames use.

    See https://iipc.github.io/warc-specifications/specifications/warc-zstd/. Raises ZstdError if it is damaged.
    """
    file.seek(0)
    head = file.read(8)
    if not head.startswith(_DICTIONARY_FRAME):
        return None
    content = file.read(int.from_bytes(head[4:], "little"))
    try:
        if content.startswith(MAGIC["zstd"]):
            content = zstd.ZstdDecompressor().decompress(content, max_length=_MAX_DICTIONARY)
        return zstd.ZstdDict(content, is_raw=not content.startswith(_DICTIONARY))
    except ValueError as error:
        raise zstd.ZstdError(f"the dictionary is damaged: {error}") from None


class Member:
    """A member that starts at an offset. Once its pieces are exhausted, ``end`` is where it ends, or ``damage`` is an exception.

    An EOFError means that the file ends inside it. ``decoded`` is the number of bytes that were decompressed.
    """

    def __init__(self, file: BinaryIO, at: int, decoders: Decoders) -> None:
        self.file, self.at, self.decoders = file, at, decoders
        self.end = at
        self.decoded = 0
        self.damage: Exception | None = None

    def pieces(self, *, salvage: bool = False) -> Iterator[bytes]:
        """Yield the decompressed bytes. Before damage, some are missing unless ``salvage``, which decompresses them again."""
        yield from self._decode(self.decoders.sound(), 0, CHUNK)
        if salvage:
            for step in _SALVAGE:
                if self.damage:
                    yield from self._decode(self.decoders.damaged(), self.decoded, step)

    def _decode(self, decoder: Decoder, known: int, step: int) -> Iterator[bytes]:
        """Yield the decompressed bytes after the first ``known`` ones, up to ``step`` at a time."""
        self.decoded = 0
        self.file.seek(self.at)
        read = self.at
        try:
            while not decoder.eof:
                packed = b""
                if decoder.needs_input:
                    if not (packed := self.file.read(_PIECE)):
                        self.damage = EOFError("the file ends inside its compression")
                        return
                    read += len(packed)
                rest = known - self.decoded
                piece = decoder.decompress(packed, min(CHUNK, rest) if rest > 0 else step)
                self.decoded += len(piece)
                if piece and rest <= 0:
                    yield piece
        except (*DAMAGED, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # it is the file's
                raise
            self.damage = error
            return
        self.end = read - len(decoder.unused_data)


class _Decompressed(io.RawIOBase):
    """The content of a compressed file. Damage is raised after everything before it has been read."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        self._file = file
        self._pieces = _content(file, codec)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held:
            if (piece := next(self._pieces, None)) is None:
                return 0
            self._held = memoryview(piece)
        some = self._held[: len(buffer)]
        buffer[: len(some)] = some
        self._held = self._held[len(some) :]
        return len(some)

    def close(self) -> None:
        self._file.close()
        super().close()


def _content(file: BinaryIO, codec: str) -> Iterator[bytes]:
    """Yield the content of all members. Zeros after a member are padding."""
    decoders = decoders_of(codec, file)
    at = 0
    while True:
        member = Member(file, at, decoders)
        yield from member.pieces(salvage=True)
        if member.damage:
            raise member.damage
        at = member.end
        file.seek(at)
        while padding := file.read(_PIECE):
            at += len(padding) - len(padding.lstrip(b"\0"))
            if padding.strip(b"\0"):
                break
        else:
            return


def decompressed(file: BinaryIO, codec: str) -> BinaryIO:
    """Return the content of a compressed file, which is closed with it."""
    return cast(BinaryIO, io.BufferedReader(_Decompressed(file, codec), CHUNK))
