"""Files of all codecs: members, padding, damage, faults of the machine."""

import bz2
import errno
import gzip
import io
import lzma
import random
import zlib
from collections.abc import Callable

import pytest

from bigdata_demos.storage.compression import CODECS, DAMAGED, codec_of, decompressed, zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
codec = pytest.mark.parametrize("codec", PACK)
CHANCE = random.Random(1)
TEXT = b" ".join(b"word%d" % CHANCE.randrange(10**6) for _ in range(60_000))


def read(packed: bytes, codec: str) -> tuple[bytes, Exception | None]:
    """Return the content of a compressed file up to its damage, and the damage."""
    content = []
    with decompressed(io.BytesIO(packed), codec) as file:
        try:
            while piece := file.read1(10_000):  # type: ignore[attr-defined]
                content.append(piece)
        except (*DAMAGED, OSError, EOFError) as error:
            return b"".join(content), error
    return b"".join(content), None


@codec
def test_members_and_padding(codec: str) -> None:
    """One member, several, empty ones, zeros between and after them."""
    pack = PACK[codec]
    for members in ([TEXT], [b"a", b"", TEXT, b"b"], [b""]):
        for padding in (b"", b"\0" * 5, b"\0" * 70_000):
            packed = b"".join(pack(member) + padding for member in members)
            assert codec_of(packed[:64]) == codec
            assert read(packed, codec) == (b"".join(members), None)
    assert set(CODECS.values()) == set(PACK)


@codec
def test_damage(codec: str) -> None:
    """Wherever a file is cut or changed: it is noticed, and everything before it is read.

    That is up to the last byte for gzip; the other codecs have blocks.
    """
    packed = PACK[codec](TEXT)
    for seed in range(40):
        at = random.Random(seed).randrange(20, len(packed) - 8)
        changed = packed[:at] if seed % 2 else packed[:at] + bytes([packed[at] ^ 1 << seed % 8]) + packed[at + 1 :]
        content, error = read(changed, codec)
        assert error, seed
        if seed % 2:
            assert TEXT.startswith(content), seed
            assert isinstance(error, EOFError), seed
        if codec == "gzip":
            before = zlib.decompressobj(31).decompress(packed[:at])
            assert content[: len(before)] == before, seed


@codec
def test_what_follows(codec: str) -> None:
    """Bytes after the last member that are none are damage, after everything else has been read."""
    content, error = read(PACK[codec](TEXT) + b"no member", codec)
    assert (content, bool(error)) == (TEXT, True)


@codec
def test_faults_of_the_machine_are_not_damage(codec: str) -> None:
    """An I/O error comes as it is."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    with decompressed(Failing(PACK[codec](TEXT)), codec) as file, pytest.raises(OSError, match="Input/output") as caught:
        file.read()
    assert caught.value.errno == errno.EIO


@codec
def test_memory_is_bounded(codec: str) -> None:
    """100 MB of zeros are decompressed piece by piece."""
    import tracemalloc

    packed = PACK[codec](bytes(100 << 20))
    tracemalloc.start()
    with decompressed(io.BytesIO(packed), codec) as file:
        size = 0
        while piece := file.read(1 << 20):
            size += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 100 << 20
    assert peak < 20 << 20
