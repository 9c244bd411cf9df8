"""Container files block by block: read forwards from any stream, copied, recompressed, decoded, and written.

Memory holds one block at a time (Avro specification, "Object Container Files"). What a file can ask for is bounded by
:mod:`bigdata_demos.avro.core`; here every error has the file and the offset of the block.
"""

import bz2
import io
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple

import fastavro

from ..errors import BadAvro, BigDataDemosError, InputError
from . import core
from .core import BadBlock, Header
from .depth import Walker
from .schema_rules import pin
from .streams import Source
from .values import READ_OPTIONS, raw_schema

CODECS: Final = ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")
LEVELS: Final = {"deflate": (1, 9), "bzip2": (1, 9), "xz": (0, 9), "zstandard": (1, 22)}
"""The levels of the codecs that have some."""
LONGS: Final = 20
"""Bytes that a block's count and size take at most."""


class Frame(NamedTuple):
    """A block as it is in a file: its offset, how many records it says it has, the compressed data, bytes in front of them."""

    offset: int
    records: int
    packed: bytes
    front: int

    @property
    def end(self) -> int:
        """The offset after its sync marker."""
        return self.offset + self.front + len(self.packed) + core.SYNC_SIZE


def read_header(source: Source, *, decoding: bool = True) -> Header:
    """The header that comes next; without ``decoding``, also one whose records cannot be decoded safely.

    Raises:
        BadAvro: if it is damaged or unusable.

    """
    header = core.parse_header(source, source.name, decoding=False)
    if decoding:
        check_decodable(header, source.name)
    return header


def check_decodable(header: Header, name: str) -> None:
    """Refuse a schema whose records cannot be decoded safely; one that refers to itself can, by a :class:`Decoder`.

    Raises:
        BadAvro: if it is one.

    """
    try:
        empty = core.measure(header.schema, header.named, {}, recursive=True).empty
        raw_schema(header.schema)
    except Exception as error:  # what fastavro parsed may still be no schema: a size that is no number
        raise BadAvro(f"{name}: unusable schema: {reason(error)}") from None
    if empty:
        raise BadAvro(f"{name}: unusable schema: its records take no bytes")


def refers_to_itself(schema: Any, named: dict[str, Any]) -> bool:
    """Whether a decodable schema has a type that does."""
    try:
        core.measure(schema, named, {})
    except ValueError:
        return True
    return False


def schema_text(header: Header) -> str:
    """The schema as it is in the header."""
    return header.meta["avro.schema"].decode()


def read_frames(source: Source, header: Header) -> Iterator[Frame | BadBlock]:
    """The blocks that come next, or what is wrong with the frame of one: then who asked has to pass over some bytes."""
    while head := source.peek(LONGS):
        at = source.tell()
        longs = io.BytesIO(head)
        try:
            count: Any = fastavro.schemaless_reader(longs, {"type": "long"}, None)
            size: Any = fastavro.schemaless_reader(longs, {"type": "long"}, None)
        except Exception:
            yield BadBlock(at, "the file ends inside a block's header")
            continue
        front = longs.tell()
        if count < 0 or not 0 <= size <= core.MAX_BLOCK:
            yield BadBlock(at, f"a block of {count} records and {size} bytes")
        elif source.fill(front + size + core.SYNC_SIZE) < front + size + core.SYNC_SIZE:
            yield BadBlock(at, "the file ends inside a block")
        elif source.peek(core.SYNC_SIZE, front + size) != header.sync:
            yield BadBlock(at, "no sync marker after the block")
        elif (count > size and header.codec == "null") or (count and not size):
            yield BadBlock(at, f"{count} records in {size} bytes")
        else:
            yield Frame(at, count, source.read(front + size + core.SYNC_SIZE)[front : -core.SYNC_SIZE], front)


def sound_frames(source: Source, header: Header) -> Iterator[Frame]:
    """The blocks that come next.

    Raises:
        BadAvro: at the first whose frame is damaged.

    """
    for frame in read_frames(source, header):
        if isinstance(frame, BadBlock):
            raise BadAvro(f"{source.name}: damaged block at offset {frame.offset}: {frame.detail}")
        yield frame


def unpacked(frame: Frame, header: Header, name: str) -> bytes:
    """A block's data, decompressed.

    Raises:
        BadAvro: if they are damaged.
        InputError: if the codec's package is not installed.

    """
    try:
        data = core.decompress(frame.packed, header.codec)
        if frame.records > len(data):
            raise ValueError(f"{frame.records} records in {len(data)} bytes")
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:
        raise BadAvro(f"{name}: damaged block at offset {frame.offset}: {reason(error)}") from None
    return data


def reason(error: Exception) -> str:
    """What a library said, on one line; and what it was, if it said little."""
    text = " ".join(str(error).split())
    if isinstance(error, EOFError):
        return f"its data end too early ({text})" if text else "its data end too early"
    if isinstance(error, IndexError):
        return "a union or an enum has no branch or symbol of such a number"
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


class Decoder:
    """Decodes blocks' data as :mod:`.values` wants them: without logical types, with the names of unions' branches.

    fastavro decodes a file at a time, and here each block is one more block, uncompressed, of the same file: so it parses
    the schema once.
    """

    def __init__(self, header: Header) -> None:
        self.walker = Walker(header.schema, header.named)
        self.recursive = refers_to_itself(header.schema, header.named)
        self.dense = core.measure(header.schema, header.named, {}, recursive=True).dense
        self.feed = io.BytesIO()
        raw = raw_schema(header.schema)
        pin(raw)
        fastavro.writer(self.feed, raw, [], sync_marker=bytes(core.SYNC_SIZE))
        self.feed.seek(0)
        self.blocks: Any = fastavro.block_reader(self.feed, None, **READ_OPTIONS)

    def read(self, count: int, data: bytes) -> Iterator[Any]:
        """The records of a block's data.

        Raises:
            Exception: whatever fastavro makes of damaged data; ValueError if some are left after the records.

        """
        end = 0
        for end, record in self.position(count, data):  # noqa: B007
            yield record
        if left := len(data) - end:
            raise ValueError(f"{left} bytes are left after the block's {count} records")

    def position(self, count: int, data: bytes) -> Iterator[tuple[int, Any]]:
        """The records of a block's data, each with the offset in the data where it ends.

        Raises:
            Exception: whatever fastavro makes of damaged data.

        """
        self.feed.seek(0)
        self.feed.truncate()
        self.feed.write(b"".join((core.long(count), core.long(len(data)), data, bytes(core.SYNC_SIZE))))
        self.feed.seek(0)
        block = next(self.blocks)
        if not self.recursive and len(data) * self.dense <= core.MAX_VALUES:
            for record in block:
                yield block.bytes_.tell(), record
            return
        self.walker.start(data)
        records = iter(block)
        for _ in range(count):
            self.walker.record()  # before fastavro does
            record = next(records)
            yield block.bytes_.tell(), record


def read_records(source: Source, header: Header) -> Iterator[Any]:
    """All records that come next, as :class:`Decoder` makes them.

    Raises:
        BadAvro: at the first damage, with offset and number of the record.

    """
    decoder = Decoder(header)
    for frame in sound_frames(source, header):
        yield from frame_records(decoder, frame, header, source.name)


def frame_records(decoder: Decoder, frame: Frame, header: Header, name: str) -> Iterator[Any]:
    """The records of one block.

    Raises:
        BadAvro: if they are damaged.

    """
    data = unpacked(frame, header, name)
    number = 0
    try:
        for record in decoder.read(frame.records, data):
            number += 1
            yield record
    except BigDataDemosError:
        raise
    except Exception as error:
        where = f"damaged block at offset {frame.offset}"
        if number < frame.records:
            where += f", record {number + 1} of {frame.records}"
        raise BadAvro(f"{name}: {where}: {reason(error)}") from None


# Written


def packer(codec: str, level: int | None) -> Callable[[bytes], bytes]:
    """What compresses a block's data.

    Raises:
        InputError: if the codec's package is not installed.

    """
    if codec == "null":
        return bytes
    if codec == "deflate":
        return lambda data: zlib.compress(data, core.DEFLATE_LEVEL if level is None else level, -15)
    if codec == "bzip2":
        return lambda data: bz2.compress(data, level or 9)
    if codec == "xz":
        return lambda data: lzma.compress(data, preset=level)
    if codec == "snappy":
        snappy = core.codec_package("cramjam", codec).snappy
        return lambda data: bytes(snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")
    if codec == "zstandard":
        module = core.zstandard()
        return lambda data: bytes(module.compress(data, 3 if level is None else level))
    raise ValueError(codec)


class Writer:
    """Writes a container file. ``records`` and ``blocks`` count what was written."""

    def __init__(
        self,
        file: BinaryIO,
        schema: str,
        *,
        codec: str = "null",
        level: int | None = None,
        meta: dict[str, bytes] | None = None,
        sync: bytes | None = None,
    ) -> None:
        """Write the header: ``schema`` as JSON, and whatever else ``meta`` has."""
        self.file, self.codec, self.pack = file, codec, packer(codec, level)
        self.sync = sync or os.urandom(core.SYNC_SIZE)
        self.records = self.blocks = 0
        self.data, self.count = io.BytesIO(), 0
        self.raw: Any = None
        self.walker: Walker | None = None
        self.schema = schema
        header = {**(meta or {}), "avro.schema": schema.encode(), "avro.codec": codec.encode()}
        file.write(core.MAGIC + core.pack(header, {"type": "map", "values": "bytes"}) + self.sync)

    def write(self, datum: Any) -> None:
        """Add a record, as :mod:`.values` has it.

        Raises:
            Exception: whatever fastavro makes of a datum that is not of the schema; ValueError if it nests deeper than
                could be read again; nothing of it is written then.

        """
        if self.raw is None:
            named: dict[str, Any] = {}
            parsed = fastavro.parse_schema(json.loads(self.schema), named, _force=True)
            self.raw = raw_schema(parsed)
            self.walker = Walker(parsed, named) if refers_to_itself(parsed, named) else None
        start = self.data.tell()
        try:
            fastavro.schemaless_writer(self.data, self.raw, datum)
            if self.walker is not None:
                self.walker.start(self.data.getvalue()[start:])
                self.walker.record()
        except BaseException:
            self.data.seek(start)
            self.data.truncate()
            raise
        self.count += 1
        if self.data.tell() >= core.BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the block at hand, if there is anything in it."""
        if self.count:
            data, count = self.data.getvalue(), self.count
            self.data, self.count = io.BytesIO(), 0
            self.write_block(count, data)

    def write_block(self, count: int, data: bytes) -> None:
        """Write a block of records that are encoded already."""
        self.flush()
        self.copy(count, self.pack(data))

    def copy(self, count: int, packed: bytes) -> None:
        """Write a block of records that are encoded and compressed already."""
        self.flush()
        self.file.write(b"".join((core.long(count), core.long(len(packed)), packed, self.sync)))
        self.records += count
        self.blocks += 1
