"""Compression of blocks (Avro specification, "Required Codecs" and "Optional Codecs")."""

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final

from ..errors import InputError
from ..storage.compression import zstd
from . import limits

CODECS: Final = ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")  # for writing; lz4 can also be read
LEVELS: Final = {"deflate": (1, 9), "bzip2": (1, 9), "xz": (0, 9), "zstandard": (1, 22)}
_DEFLATE_LEVEL: Final = 1  # level 6 makes the job's output smaller, but takes three times as long (docs/performance.md)
_DECOMPRESSORS: Final[dict[str, Callable[[], Any]]] = {
    "deflate": lambda: zlib.decompressobj(wbits=-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=limits.MAX_BLOCK),
    "zstandard": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27}),
}
"""Incremental decompressors, which limit their output and detect the end of the data."""


def compressor(codec: str, level: int | None = None) -> Callable[[bytes | bytearray], bytes]:
    """Return a function that compresses a block's data; with a level of None, at the codec's default level.

    Raises InputError if the codec's package is not installed.
    """
    if codec == "null":
        return bytes
    if codec == "deflate":
        return lambda data: zlib.compress(data, _DEFLATE_LEVEL if level is None else level, -15)
    if codec == "bzip2":
        return lambda data: bz2.compress(data, level or 9)
    if codec == "xz":
        return lambda data: lzma.compress(data, preset=level)
    if codec == "snappy":
        snappy = package("cramjam", codec).snappy
        return lambda data: bytes(snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")
    if codec == "zstandard":
        parameters = zstd.CompressionParameter
        options: dict[int, int] = {parameters.compression_level: 3 if level is None else level, parameters.checksum_flag: 1}
        return lambda data: zstd.compress(data, options=options)
    raise ValueError(codec)


def decompress(packed: bytes, codec: str) -> bytes:
    """Decompress a block's data to at most :data:`~.limits.MAX_BLOCK` bytes.

    Raises InputError if the codec's package is not installed; whatever the codec raises; EOFError if data are missing, ValueError
    if they are too large or fail the checksum.
    """
    if codec == "null":
        return packed
    if codec == "snappy":
        return _unsnap(packed)
    if codec == "lz4":
        block = package("lz4.block", codec)
        limits.check_block_size(int.from_bytes(packed[:4], "little"))
        return bytes(block.decompress(packed))
    if codec not in _DECOMPRESSORS:
        raise ValueError(f"unknown codec {codec!r}")
    data: bytes = b""
    for _ in range(limits.MAX_PARTS):  # bzip2, xz and zstandard allow several streams
        stream = _DECOMPRESSORS[codec]()
        data += stream.decompress(packed, limits.MAX_BLOCK + 1 - len(data))
        limits.check_block_size(len(data))
        if not stream.eof:
            raise EOFError(f"{codec}: compressed data end too early")
        packed = stream.unused_data
        if codec == "deflate" or not packed:  # old writers left part of a checksum after deflate
            return data
    raise ValueError(f"{codec}: more than {limits.MAX_PARTS} parts in a block")


def decompress_partly(packed: bytes, codec: str) -> bytes:
    """Return the data that damaged input decompresses to before an error; none for snappy and lz4."""
    if codec == "null":
        return packed
    if codec not in _DECOMPRESSORS:
        return b""
    decompressor, data = _DECOMPRESSORS[codec](), bytearray()
    for at in range(0, len(packed), 1024):  # data before the failing piece are good
        if decompressor.eof or len(data) > limits.MAX_BLOCK:
            break
        try:
            data += decompressor.decompress(packed[at : at + 1024], limits.MAX_BLOCK + 1 - len(data))
        except Exception:  # each codec raises its own types
            break
    return bytes(data[: limits.MAX_BLOCK])


def _unsnap(packed: bytes) -> bytes:
    """Decompress raw Snappy data followed by a big-endian CRC-32 (specification, "Required Codecs")."""
    snappy = package("cramjam", "snappy").snappy
    body, checksum = packed[:-4], packed[-4:]
    size = 0
    for i, byte in enumerate(body[:5]):  # 7 bits per byte, lowest first
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            break
    limits.check_block_size(size)
    data = bytes(snappy.decompress_raw(body))
    if zlib.crc32(data).to_bytes(4, "big") != checksum:
        raise ValueError("snappy: the data's checksum is wrong")
    return data


def package(module: str, codec: str) -> Any:
    """Import a module that a codec needs, the same that fastavro uses. Raises InputError if it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.removesuffix(".block")
        raise InputError(f"codec {codec} needs the package {name}: pip install {name}") from None
