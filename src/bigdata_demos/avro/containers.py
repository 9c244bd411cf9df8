"""Container files: read block by block from a stream or from a range of a file, decoded, copied, and written.

fastavro encodes and decodes data. This module handles the structure of the file (Avro specification, "Object Container Files"):
magic, header, then blocks of count, size, data and a sync marker. So it can read a range of a file from the first sync marker,
and a damaged block only loses its own records. Memory holds one block at a time. :mod:`~bigdata_demos.avro.limits` limits
what a file may use.
"""

import io
import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import fastavro

from ..errors import BadAvro, BigDataDemosError, InputError
from . import limits
from .binary import long, pack
from .codecs import compressor, decompress
from .kinds import is_complete, named_types
from .schemas import parse, pin
from .streams import CHUNK, Source
from .values import READ_OPTIONS, raw_schema

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

MAGIC: Final = b"Obj\x01"
SYNC_SIZE: Final = 16
BLOCK_BYTES: Final = 64 << 10  # uncompressed size of the blocks that are written
META: Final[dict[str, Any]] = {"type": "map", "values": "bytes"}
LONGS: Final = 20  # maximum bytes of a block's count and size together


class Header(NamedTuple):
    """The header of a container file: its parsed schema, codec, sync marker, the offset of the first block, and all metadata."""

    schema: Any
    codec: str
    sync: bytes
    end: int
    meta: dict[str, bytes]

    @property
    def text(self) -> str:
        """The schema's JSON as stored in the file."""
        return self.meta["avro.schema"].decode()


class Frame(NamedTuple):
    """A block as stored: its offset, its record count, the compressed data, and the size of the count and size before them."""

    offset: int
    records: int
    packed: bytes
    front: int

    @property
    def end(self) -> int:
        """The offset after the block's sync marker."""
        return self.offset + self.front + len(self.packed) + SYNC_SIZE


class BadBlock(NamedTuple):
    """A block whose count, size or sync marker is damaged: its offset, the reason, and where the next block starts, if known."""

    offset: int
    detail: str
    end: int = 0


def read_header(source: Source, *, decoding: bool = True) -> Header:
    """Read a header; without ``decoding``, also one whose records cannot be decoded safely.

    Raises BadAvro if the header is damaged, or its schema is invalid or refused by :func:`check_decodable`.
    """
    name = source.name
    if source.read(len(MAGIC)) != MAGIC:
        raise BadAvro(f"{name}: not an Avro container file (no magic at offset 0)")
    try:
        meta: Any = fastavro.schemaless_reader(limits.BoundedFile(source), META, None)  # type: ignore[arg-type]
        text, codec = bytes(meta["avro.schema"]).decode(), bytes(meta.get("avro.codec", b"null")).decode()
    except Exception as error:
        raise BadAvro(f"{name}: damaged header: {type(error).__name__}: {error}") from None
    sync = source.read(SYNC_SIZE)
    if len(sync) < SYNC_SIZE:
        raise BadAvro(f"{name}: ends inside its header, at offset {source.tell()}")
    if limits.nesting(text) > limits.MAX_NESTING:
        raise BadAvro(f"{name}: its schema is nested more than {limits.MAX_NESTING} levels deep")
    try:
        schema = parse(text)
    except Exception as error:
        raise BadAvro(f"{name}: invalid schema: {type(error).__name__}: {error}") from None
    header = Header(schema, codec, sync, source.tell(), meta)
    if decoding:
        check_decodable(header, name)
    return header


def check_decodable(header: Header, name: str) -> None:
    """Refuse a schema whose records cannot be decoded safely. A :class:`Decoder` can decode recursive schemas.

    Raises BadAvro if the schema is refused.
    """
    try:
        empty = limits.measure(header.schema).empty
        raw_schema(header.schema)
    except Exception as error:  # fastavro accepts some invalid schemas
        raise BadAvro(f"{name}: invalid schema: {reason(error)}") from None
    if empty:
        raise BadAvro(f"{name}: invalid schema: its records take no bytes")


def read_frames(source: Source, header: Header, end: int | None = None) -> Iterator[Frame | BadBlock]:
    """Yield the following blocks that start before ``end``, or a :class:`BadBlock`.

    After a damaged block, the caller moves the source to where reading continues (:func:`skip_to_sync`).
    """
    while (end is None or source.tell() < end) and (head := source.peek(LONGS)):
        at = source.tell()
        longs = io.BytesIO(head)
        try:
            count: Any = fastavro.schemaless_reader(longs, {"type": "long"}, None)
            size: Any = fastavro.schemaless_reader(longs, {"type": "long"}, None)
        except Exception:
            yield BadBlock(at, "the file ends inside a block's header")
            continue
        front = longs.tell()
        if count < 0 or not 0 <= size <= limits.MAX_BLOCK:
            yield BadBlock(at, f"a block of {count} records and {size} bytes")
        elif source.fill(front + size + SYNC_SIZE) < front + size + SYNC_SIZE:
            yield BadBlock(at, "the file ends inside a block")
        elif source.peek(SYNC_SIZE, front + size) != header.sync:
            yield BadBlock(at, "no sync marker after the block")
        elif (count > size and header.codec == "null") or (count and not size):
            yield BadBlock(at, f"{count} records in {size} bytes")
        else:
            packed = source.peek(size, front)
            source.skip(front + size + SYNC_SIZE)
            yield Frame(at, count, packed, front)


def skip_to_sync(source: Source, sync: bytes) -> None:
    """Skip to the byte after the next sync marker, or to the end if there is none."""
    while (before := source.find(sync, CHUNK)) < 0:
        if source.ended:
            source.skip(len(source.ahead))
            return
        source.skip(len(source.ahead) - len(sync) + 1)
    source.skip(before + len(sync))


def frames_between(file: BinaryIO, name: str, header: Header, start: int, end: int) -> Iterator[Frame | BadBlock]:
    """Yield the blocks of a file that start in a range of offsets, including damaged ones.

    A block belongs to the range with the byte after the preceding sync marker, so ranges that cover a file yield each block once.
    After a damaged block, reading continues at the next sync marker.
    """
    source = Source(file, name, offset=max(header.end, start - SYNC_SIZE))
    if start > header.end:
        skip_to_sync(source, header.sync)
    for frame in read_frames(source, header, end):
        if isinstance(frame, BadBlock):
            skip_to_sync(source, header.sync)
            yield frame._replace(end=source.tell())
        else:
            yield frame


def sound_frames(source: Source, header: Header) -> Iterator[Frame]:
    """Yield the following blocks. Raises BadAvro at the first damaged block."""
    for frame in read_frames(source, header):
        if isinstance(frame, BadBlock):
            raise BadAvro(f"{source.name}: damaged block at offset {frame.offset}: {frame.detail}")
        yield frame


def unpacked(frame: Frame, codec: str, name: str) -> bytes:
    """Return a block's decompressed data.

    Raises BadAvro if the data are damaged; InputError if the codec's package is not installed.
    """
    try:
        data = decompress(frame.packed, codec)
        if frame.records > len(data):
            raise ValueError(f"{frame.records} records in {len(data)} bytes")
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:
        raise BadAvro(f"{name}: damaged block at offset {frame.offset}: {reason(error)}") from None
    return data


def reason(error: Exception) -> str:
    """Describe a library's exception on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, EOFError):
        return f"its data end too early ({text})" if text else "its data end too early"
    if isinstance(error, IndexError):
        return "a union or an enum has no branch or symbol of such a number"
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


class Decoder:
    """Decodes blocks as :mod:`.values` expects them: without logical types, with the names of union branches.

    If ``needed`` names fields of a record, fastavro skips the others where it can (:func:`projection`), and damage in them goes
    unnoticed.

    fastavro only reads whole files and parses the schema for each. So each block is fed to one reader as the next uncompressed
    block of one file.
    """

    def __init__(self, header: Header, needed: Collection[str] | None = None) -> None:
        self.codec = header.codec
        extent = limits.measure(header.schema)
        schemas = None if needed is None or extent.recursive else projection(header.schema, needed)
        written, read = schemas or (raw_schema(header.schema), None)
        pin(written)
        self.walker = limits.Walker(header.schema)
        self.recursive, self.dense = extent.recursive, limits.measure(read).dense if read else extent.dense
        self.feed = io.BytesIO()
        fastavro.writer(self.feed, written, [], sync_marker=bytes(SYNC_SIZE))
        self.feed.seek(0)
        self.blocks: Any = fastavro.block_reader(self.feed, read, **READ_OPTIONS)

    def read(self, count: int, data: bytes) -> Iterator[Any]:
        """Yield the records of a block's decompressed data.

        Raises whatever fastavro raises for damaged data; ValueError if bytes are left after the records.
        """
        end = 0
        for end, record in self.position(count, data):  # noqa: B007
            yield record
        if left := len(data) - end:
            raise ValueError(f"{left} bytes are left after the block's {count} records")

    def position(self, count: int, data: bytes) -> Iterator[tuple[int, Any]]:
        """Yield each record of a block's data with the offset in the data where it ends.

        Raises whatever fastavro raises for damaged data.
        """
        self.feed.seek(0)
        self.feed.truncate()
        self.feed.write(b"".join((long(count), long(len(data)), data, bytes(SYNC_SIZE))))
        self.feed.seek(0)
        block = next(self.blocks)
        if not self.recursive and len(data) * self.dense <= limits.MAX_VALUES:
            for record in block:
                yield block.bytes_.tell(), record
            return
        self.walker.start(data)
        records = iter(block)
        for _ in range(count):
            self.walker.record()  # checks the record before fastavro decodes it
            record = next(records)
            yield block.bytes_.tell(), record

    def records(self, frame: Frame, name: str) -> Iterator[Any]:
        """Yield the records of a block.

        Raises BadAvro if the block is damaged, with its offset and the number of the record; InputError if the codec's package is
        not installed.
        """
        data = unpacked(frame, self.codec, name)
        number = 0
        try:
            for record in self.read(frame.records, data):
                number += 1
                yield record
        except BigDataDemosError:
            raise
        except Exception as error:
            where = f"damaged block at offset {frame.offset}"
            if number < frame.records:
                where += f", record {number + 1} of {frame.records}"
            raise BadAvro(f"{name}: {where}: {reason(error)}") from None


def projection(schema: Any, needed: Collection[str]) -> tuple[Any, Any] | None:
    """Return the writer's and the reader's schema with which fastavro reads only the ``needed`` fields of a record.

    Returns None if no field can be skipped, or if fastavro would confuse types: if two have the same name in different
    namespaces, or one is defined in a field that is not needed.
    """
    if not isinstance(schema, dict) or schema["type"] != "record":
        return None
    fields = [number for number, field in enumerate(schema["fields"]) if field["name"] in needed]
    if len(fields) == len(schema["fields"]):
        return None
    written = raw_schema(schema, needed)
    pin(written)
    read = {**written, "fields": [written["fields"][number] for number in fields]}
    names = [name.rpartition(".")[2] for name in named_types(read)]
    if len(names) > len(set(names)) or not is_complete(read):
        return None
    return written, read


def read_records(source: Source, header: Header) -> Iterator[Any]:
    """Yield all following records, as :class:`Decoder` returns them.

    Raises BadAvro at the first damage, with the offset and the number of the record.
    """
    decoder = Decoder(header)
    for frame in sound_frames(source, header):
        yield from decoder.records(frame, source.name)


# Writing


class Encoder:
    """Encodes data in the form of :mod:`.values` by a parsed schema."""

    def __init__(self, schema: Any) -> None:
        self.raw = raw_schema(schema)
        try:
            walk = limits.measure(schema).recursive
        except ValueError:  # a schema that readers here refuse
            walk = True
        self.walker = limits.Walker(schema) if walk else None

    def __call__(self, datum: Any) -> bytes:
        """Return the datum in Avro's binary encoding.

        Raises whatever fastavro raises for a datum that does not match the schema; ValueError if it is nested too deeply.
        """
        packed = pack(datum, self.raw)
        if self.walker is not None:
            self.walker.start(packed)
            self.walker.record()
        return packed


class Writer:
    """Writes encoded data to a container file. ``records`` and ``blocks`` count what was written."""

    def __init__(
        self,
        file: "SupportsWrite[bytes]",
        schema: str,
        *,
        codec: str = "deflate",
        level: int | None = None,
        meta: dict[str, bytes] | None = None,
        sync: bytes | None = None,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        """Write the header, with the JSON of the ``schema`` and the ``meta`` data. A block ends after ``block_bytes`` of data."""
        self.block_bytes = block_bytes
        self.file, self.codec, self.compress = file, codec, compressor(codec, level)
        self.sync = sync or os.urandom(SYNC_SIZE)
        self.records = self.blocks = 0
        self.data, self.count = bytearray(), 0
        header = {**(meta or {}), "avro.schema": schema.encode(), "avro.codec": codec.encode()}
        file.write(MAGIC + pack(header, META) + self.sync)

    def write(self, datum: bytes) -> None:
        """Add a record."""
        self.data += datum
        self.count += 1
        if len(self.data) >= self.block_bytes:
            self.flush()

    def flush(self) -> None:
        """Write the current block, if it has records."""
        if self.count:
            data, count = self.data, self.count
            self.data, self.count = bytearray(), 0
            self.write_block(count, data)

    def write_block(self, count: int, data: bytes | bytearray) -> None:
        """Compress and write a block of records."""
        self.flush()
        self.copy(count, self.compress(data))

    def copy(self, count: int, packed: bytes) -> None:
        """Write a block of records that is already compressed."""
        self.flush()
        self.file.write(b"".join((long(count), long(len(packed)), packed, self.sync)))
        self.records += count
        self.blocks += 1
