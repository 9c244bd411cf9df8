"""Avro: the package's schemas, data without a file header, and container files read from any byte to any byte.

fastavro does the encoding. What is written here is the frame of a container file (Avro specification, "Object Container
Files"): magic, header, then blocks of count, size, data and a sync marker. So a split of a file can start at a
sync marker, and one damaged block costs its own records only. And a file cannot make the reader end the process, or
fill its memory, with a few bytes: not by its schema, and not by its compression.
"""

import bz2
import importlib
import io
import json
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, BinaryIO, Final, NamedTuple

import fastavro

from ..errors import BadAvro, InputError

Schema = dict[str, Any]

VERSION: Final = 2
"""Of the schemas of files: the one that is written. All are read."""
PUBLIC: Final = ("page", "keywords", "index", "rejected")
"""The schemas of files; others are of what the parts of a run hand on."""
MAGIC: Final = b"Obj\x01"
SYNC_SIZE: Final = 16
MAX_NESTING: Final = 64
"""Levels of a schema, in JSON and with its named types put in. fastavro recurses in C: some thousands end the process."""
MAX_TYPES: Final = 100_000
"""Types in a schema with its named types put in: of n records with two fields of the one before, the last has 2**n."""
PRIMITIVE: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
BUILT_IN: Final = (*PRIMITIVE, "fixed", "enum", "record", "error", "array", "map", "union")
"""Kinds of types; any other is the name of one."""
MAX_HEADER: Final = 16 << 20
"""Bytes of the largest header that is read; it has the schema and whatever else the writer put there."""
MAX_BLOCK: Final = 256 << 20
"""Bytes of the largest block that is read, before and after decompression; writers make blocks of some 16 KB to some MB."""
MAX_VALUES: Final = 8 << 20
"""Values in the arrays and maps of a record, or of a block where nobody counts them: of one byte each becomes 200 in memory."""
LEAST: Final = {"null": 0, "float": 4, "double": 8}
"""Bytes of data of primitive types; of those that are not here, it is one at least."""
MAX_PARTS: Final = 100
"""Compressed parts of a block, one after another: what is left after each is copied."""
BLOCK_BYTES: Final = 64 << 10
"""Bytes of the blocks that are written, before compression."""
DEFLATE_LEVEL: Final = 1
"""zlib's: the quickest. Level 6 makes the job's output smaller, but takes three times as long (docs/performance.md)."""


@cache
def schema(name: str, version: int | None = None) -> Schema:
    """One of the package's own schemas, parsed; ``version``: of one of the :data:`PUBLIC` ones, 1 to :data:`VERSION`."""
    return fastavro.parse_schema(json.loads(schema_text(name, version)))  # type: ignore[return-value]


def schema_text(name: str, version: int | None = None) -> str:
    """The JSON of :func:`schema`: ``schemas/NAME.avsc``, of an earlier version ``schemas/VERSION/NAME.avsc``."""
    where = files("bigdata_demos") / "schemas"
    if version not in (None, VERSION):
        where /= str(version)
    return (where / f"{name}.avsc").read_text(encoding="utf-8")


@cache
def file_schema(name: str) -> Schema:
    """The schema that files of the package's own records are written with: :func:`schema` without the defaults of its fields.

    Defaults belong to readers; some readers refuse a file whose schema has one that they do not expect.
    """
    return fastavro.parse_schema(_without_defaults(json.loads(schema_text(name))))  # type: ignore[return-value]


def _without_defaults(part: Any) -> Any:
    """A part of a schema, as JSON has it, without the defaults of fields; that of an enum is no field's, and stays."""
    if isinstance(part, list):
        return [_without_defaults(branch) for branch in part]
    if not isinstance(part, dict):
        return part
    part = {key: _without_defaults(value) if key in ("type", "items", "values") else value for key, value in part.items()}
    if "fields" in part:
        part["fields"] = [
            {key: value for key, value in _without_defaults(field).items() if key != "default"} for field in part["fields"]
        ]
    return part


def pack(datum: Any, writer_schema: Schema) -> bytes:
    """A datum in Avro's binary encoding, without a header."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, writer_schema, datum)
    return buffer.getvalue()


def unpack(packed: bytes, writer_schema: Schema) -> Any:
    """The datum that :func:`pack` packed."""
    return fastavro.schemaless_reader(io.BytesIO(packed), writer_schema, None)


def unpack_all(packed: bytes, writer_schema: Schema) -> Iterator[Any]:
    """The data that were packed one after another."""
    buffer = io.BytesIO(packed)
    while buffer.tell() < len(packed):
        yield fastavro.schemaless_reader(buffer, writer_schema, None)


@cache
def field(name: str, of: str) -> Schema:
    """The schema of a field of one of the package's own records: ``of`` is the schema's name."""
    [found] = [part["type"] for part in schema(of)["fields"] if part["name"] == name]
    return found  # type: ignore[no-any-return]


def long(value: int) -> bytes:
    """A long in Avro's binary encoding: zig-zag, then 7 bits a byte (specification, "Primitive Types")."""
    zigzag = (value << 1) ^ (value >> 63)
    if zigzag < 0x80:
        return zigzag.to_bytes(1, "little")
    encoded = bytearray()
    while zigzag >= 0x80:
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    encoded.append(zigzag)
    return bytes(encoded)


def string(value: str) -> bytes:
    """A string in Avro's binary encoding: its length in bytes, then its UTF-8."""
    utf8 = value.encode()
    return long(len(utf8)) + utf8


class Writer:
    """A container file of data that are encoded already, compressed by deflate. Blocks are cut at :data:`BLOCK_BYTES`."""

    def __init__(self, file: Any, writer_schema: Schema) -> None:
        """Write the header."""
        self.file, self.sync = file, os.urandom(SYNC_SIZE)
        self.data, self.count = bytearray(), 0
        header = io.BytesIO()
        fastavro.writer(header, writer_schema, [], codec="deflate", sync_marker=self.sync)
        file.write(header.getvalue())

    def write(self, datum: bytes) -> None:
        """Add a datum."""
        self.data += datum
        self.count += 1
        if len(self.data) >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the block at hand, if there is anything in it."""
        if self.count:
            deflate = zlib.compressobj(DEFLATE_LEVEL, zlib.DEFLATED, -15)
            packed = deflate.compress(self.data) + deflate.flush()
            self.file.write(b"".join((long(self.count), long(len(packed)), packed, self.sync)))
            self.data, self.count = bytearray(), 0


class Header(NamedTuple):
    """The header of a container file: its schema, codec and sync marker, where the first block starts, and all of it."""

    schema: Any
    codec: str
    sync: bytes
    end: int
    meta: dict[str, bytes]
    named: dict[str, Any]
    dense: float = 0.0
    """Of its schema's :class:`Extent`, if it was parsed for decoding."""


class BadBlock(NamedTuple):
    """A block that cannot be read: where it starts, and why."""

    offset: int
    detail: str


class Bounded:
    """A file of which at most :data:`MAX_HEADER` bytes are read, however many a length in it asks for."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, MAX_HEADER

    def read(self, size: int) -> bytes:
        """So many bytes, or those that are left in the file.

        Raises:
            ValueError: if that is more than may be read, or less than none.

        """
        if not 0 <= size <= self.left:
            raise ValueError(f"a length of {size} bytes")
        self.left -= size
        found: bytes = self.file.read(size)
        return found


def read_header(file: BinaryIO, path: str) -> Header:
    """The header at the file's start.

    Raises:
        BadAvro: if it is damaged, or its schema is none, or one that :func:`measure` refuses.

    """
    file.seek(0)
    return parse_header(file, path)


def parse_header(file: Any, path: str, *, decoding: bool = True) -> Header:
    """The header that a stream, of which nothing else than ``read`` and ``tell`` is used, has next.

    Without ``decoding``, for who takes no records out of the blocks, any schema goes that fastavro can parse.

    Raises:
        BadAvro: as :func:`read_header`.

    """
    if file.read(4) != MAGIC:
        raise BadAvro(f"{path}: not an Avro container file (no magic at offset 0)")
    try:
        meta: Any = fastavro.schemaless_reader(Bounded(file), {"type": "map", "values": "bytes"}, None)  # type: ignore[arg-type]
        text, codec = bytes(meta["avro.schema"]).decode(), bytes(meta.get("avro.codec", b"null")).decode()
    except Exception as error:
        raise BadAvro(f"{path}: damaged header: {type(error).__name__}: {error}") from None
    sync = file.read(SYNC_SIZE)
    if len(sync) < SYNC_SIZE:
        raise BadAvro(f"{path}: ends inside its header, at offset {file.tell()}")
    if nesting(text) > MAX_NESTING:
        raise BadAvro(f"{path}: its schema is nested more than {MAX_NESTING} levels deep")
    try:
        named: dict[str, Any] = {}
        parsed = parse(text, named, decimals=not decoding)
        extent = measure(parsed, named, {}) if decoding else None
        if extent and extent.empty:
            raise ValueError("its records take no bytes, so that any number of them fits anywhere")
    except Exception as error:
        raise BadAvro(f"{path}: unusable schema: {type(error).__name__}: {error}") from None
    return Header(parsed, codec, sync, file.tell(), meta, named, extent.dense if extent else 0.0)


def parse(text: str, named: dict[str, Any], *, decimals: bool = True) -> Any:
    """The schema of a JSON text as fastavro parses it; ``named`` gets its named types.

    What a schema says of having been parsed already, fastavro would believe: it is left out. Without ``decimals`` they are
    the bytes that they are made of: the time to make a number of them grows with the square of their size.

    Raises:
        Exception: whatever what is no schema makes of fastavro.

    """
    found = json.loads(text, object_hook=None if decimals else without_decimal)
    if isinstance(found, dict):
        found = {key: value for key, value in found.items() if not key.startswith("__")}
    parsed: Any = fastavro.parse_schema(found, named, _force=True)
    check_shape(parsed)
    return parsed


def without_decimal(parts: dict[str, Any]) -> dict[str, Any]:
    """A JSON object without the logical type ``decimal``."""
    return {key: value for key, value in parts.items() if (key, value) != ("logicalType", "decimal")}


def check_shape(parsed: Any) -> None:
    """Refuse what fastavro lets pass, and who works with schemas does not expect.

    Raises:
        ValueError: if a union is in a union, a name, an alias or a symbol is no text, or a size is no whole number.
        Exception: if there are no such things at all where they have to be.

    """
    left = [parsed]
    while left:
        part = left.pop()
        if isinstance(part, list):
            if any(isinstance(branch, list) for branch in part):
                raise ValueError("a union in a union")
            left += part
        elif isinstance(part, dict):
            kind = part["type"]
            texts = [*part.get("aliases", ()), *part.get("symbols", ())]
            if kind in ("record", "error", "enum", "fixed"):
                texts.append(part["name"])
            if kind in ("record", "error"):
                for inner in part["fields"]:
                    texts += (inner["name"], *inner.get("aliases", ()))
                    left.append(inner["type"])
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("a name, an alias or a symbol that is no text")
            if kind == "fixed" and (not isinstance(part["size"], int) or part["size"] < 0):
                raise ValueError(f"a fixed of {part['size']!r:.40} bytes")
            left += [part[inner] for inner in ("items", "values") if inner in part]


class Extent(NamedTuple):
    """How many levels and types a schema has with its named types put in, and whether its data takes no bytes.

    ``least``: bytes that a datum takes at least. ``dense``: values a byte that an array or map in it may come to at most.
    """

    levels: int
    types: int
    empty: bool
    least: int = 1
    dense: float = 0.0


def measure(parsed: Any, named: dict[str, Any], known: dict[str, Extent], above: int = 0, *, recursive: bool = False) -> Extent:
    """The extent of a schema (or of a part of one, ``above`` levels down) as fastavro parsed it: names are full names.

    Each named type is measured once, and kept in ``known``. If ``recursive``, a type may refer to itself, which counts as
    one level there: then data may nest as deep as they like, and who decodes them has to look.

    Raises:
        ValueError: if it has too many levels, as one that refers to itself has, or too many types, or arrays of nothing.

    """
    kind = "union" if isinstance(parsed, list) else parsed if isinstance(parsed, str) else parsed["type"]
    if kind not in BUILT_IN:
        if kind not in known:
            known[kind] = measure(named[kind], named, known, above, recursive=recursive)
        extent = known[kind]
    else:
        if above > MAX_NESTING:
            raise ValueError(f"more than {MAX_NESTING} levels of types, or one that refers to itself")
        parts: list[Any] = []
        if kind in ("record", "error"):
            if recursive:
                known.setdefault(parsed["name"], Extent(1, 1, empty=False))
            parts = [field["type"] for field in parsed["fields"]]
        elif kind in ("array", "map"):
            parts = [parsed["items" if kind == "array" else "values"]]
        elif kind == "union":
            parts = parsed
        inner = [measure(part, named, known, above + 1, recursive=recursive) for part in parts]
        empty = kind == "null" or (kind == "fixed" and parsed["size"] < 1)
        empty = empty or (kind in ("record", "error") and all(part.empty for part in inner))
        if kind == "array" and inner[0].empty:
            raise ValueError("an array whose items take no bytes, so that any number of them fits anywhere")
        least = LEAST.get(kind, 1)
        if kind == "fixed":
            least = parsed["size"]
        elif kind in ("record", "error"):
            least = sum(part.least for part in inner)
        elif kind == "union":
            least = 1 + min((part.least for part in inner), default=0)
        dense = max((part.dense for part in inner), default=0.0)
        if kind in ("array", "map"):
            dense = max(dense, (inner[0].types + (kind == "map")) / max(inner[0].least + (kind == "map"), 1))
        levels = 1 + max((part.levels for part in inner), default=0)
        extent = Extent(levels, 1 + sum(part.types for part in inner), empty, least, dense)
        if recursive and kind in ("record", "error"):
            known[parsed["name"]] = extent
    if above + extent.levels > MAX_NESTING + 1 or extent.types > MAX_TYPES:
        raise ValueError(f"more than {MAX_NESTING} levels of types, or {MAX_TYPES} types")
    return extent


def nesting(text: str) -> int:
    """How deep the brackets of a JSON text nest at most; those in strings count too, which is on the safe side."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


class Unresolved(NamedTuple):
    """A record that has no place in a reader's schema: as its own schema has it, and why."""

    record: Any
    detail: str


Chain = Callable[[Schema], Sequence[Schema]]
"""Of a file's schema, those that its records are made data of one after another; the last is what comes out."""


def as_written(_schema: Schema) -> Sequence[Schema]:
    """The :data:`Chain` that leaves records as the file's own schema has them."""
    return ()


def resolved(packed: bytes, schemas: Sequence[Schema]) -> Any:
    """A datum of the first of some schemas, made one of each of the others in turn (specification, "Schema Resolution").

    Raises:
        Exception: whatever fastavro raises of one that has no place in the next schema.

    """
    datum = None
    for i, (writer, reader) in enumerate(pairwise(schemas)):
        packed = pack(datum, writer) if i else packed
        datum = fastavro.schemaless_reader(io.BytesIO(packed), writer, reader)
    return datum


def read_blocks(
    file: BinaryIO,
    path: str,
    start: int,
    end: int,
    chain: Chain = as_written,
    projection: Callable[[Schema], Schema] | None = None,
) -> Iterator[tuple[int, Iterator[Any]] | BadBlock]:
    """The blocks that start in ``start`` to ``end``: each one's offset and records, or what is wrong with it.

    A block starts in a range if the byte after the sync marker before it does. After a damaged block, reading goes on at
    the next sync marker. Records come as fastavro makes them: what is wrong inside the data is raised by the iterator,
    at its end if the block has data left. If a ``chain`` of schemas is given, they are data of the last of them, or
    :class:`Unresolved`. Otherwise they are decoded by the schema that ``projection`` makes of the file's: one for the same
    bytes.

    Raises:
        BadAvro: if the header is damaged, or ``chain`` refuses the file's schema.

    """
    header = read_header(file, path)
    schemas = (header.schema, *chain(header.schema))
    if projection and len(schemas) == 1:
        header = header._replace(schema=projection(header.schema))
    size = file.seek(0, io.SEEK_END)
    at = header.end if start <= header.end else after_sync(file, header.sync, start - SYNC_SIZE)
    while at < min(end, size):
        block = read_frame(file, at, size, header.sync)
        if isinstance(block, BadBlock):
            yield block
            at = after_sync(file, header.sync, at)
        else:
            yield at, read_records(block, header, schemas)
            at += len(block)


def read_records(block: bytes, header: Header, schemas: Sequence[Schema] = ()) -> Iterator[Any]:
    """The records of a block, its frame included; resolved, if there are more ``schemas`` than the file's, the first of them.

    They are decoded by the file's schema first: damage is found as without another one, and the next record, too.

    Raises:
        Exception: whatever the data makes fastavro or the codec raise; EOFError or ValueError if it is too short or too long.

    """
    frame = io.BytesIO(block)
    count: Any = fastavro.schemaless_reader(frame, {"type": "long"}, None)
    packed: Any = fastavro.schemaless_reader(frame, {"type": "bytes"}, None)
    unpacked = decompress(packed, header.codec)
    data, size = io.BytesIO(unpacked), len(unpacked)
    if size * header.dense > MAX_VALUES:
        raise ValueError(f"a block of {size} bytes, decompressed, in which there may be more than {MAX_VALUES} values in arrays")
    for _ in range(count):
        at = data.tell()
        record: Any = fastavro.schemaless_reader(data, header.schema, None)
        if len(schemas) > 1:
            try:
                record = resolved(unpacked[at : data.tell()], schemas)
            except Exception as error:  # whatever fastavro raises
                record = Unresolved(record, f"{type(error).__name__}: {error}")
        yield record
    if left := len(data.read()):
        raise ValueError(f"{left} bytes are left after the block's {count} records")


def decompress(packed: bytes, codec: str) -> bytes:
    """A block's data, decompressed to at most :data:`MAX_BLOCK` bytes.

    Raises:
        InputError: if the codec's package is not installed.
        Exception: whatever the codec raises; EOFError if there is too little, ValueError if too much, or a checksum is wrong.

    """
    if codec == "null":
        return packed
    if codec == "snappy":
        return unsnap(packed)
    if codec == "lz4":
        block = codec_package("lz4.block", codec)
        check_size(int.from_bytes(packed[:4], "little"))
        return bytes(block.decompress(packed))
    if codec not in STREAMS:
        raise ValueError(f"unknown codec {codec!r}")
    data: bytes = b""
    for _ in range(MAX_PARTS):  # bzip2, xz and zstandard may have been packed in several
        stream = STREAMS[codec]()
        data += stream.decompress(packed, MAX_BLOCK + 1 - len(data))
        check_size(len(data))
        if not stream.eof:
            raise EOFError(f"{codec}: compressed data end too early")
        packed = stream.unused_data
        if codec == "deflate" or not packed:  # after deflate, old writers left part of a checksum
            return data
    raise ValueError(f"{codec}: more than {MAX_PARTS} parts in a block")


STREAMS: Final[dict[str, Callable[[], Any]]] = {
    "deflate": lambda: zlib.decompressobj(wbits=-15),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=MAX_BLOCK),
    "zstandard": lambda: zstandard().ZstdDecompressor(options={zstandard().DecompressionParameter.window_log_max: 27}),
}
"""What decompresses a codec's data piece by piece, to a bound, and knows where they end."""


def unsnap(packed: bytes) -> bytes:
    """Snappy's raw format, then the data's CRC-32, of four bytes, the highest first (specification, "Required Codecs").

    Raises:
        ValueError: if the size that is said in front is too large, or the checksum is not that of the data.

    """
    snappy = codec_package("cramjam", "snappy").snappy
    body, checksum = packed[:-4], packed[-4:]
    size = 0
    for i, byte in enumerate(body[:5]):  # 7 bits a byte, the lowest first
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            break
    check_size(size)
    data = bytes(snappy.decompress_raw(body))
    if zlib.crc32(data).to_bytes(4, "big") != checksum:
        raise ValueError("snappy: the data's checksum is wrong")
    return data


def check_size(size: int) -> None:
    """Refuse more than :data:`MAX_BLOCK` bytes.

    Raises:
        ValueError: if there are more.

    """
    if size > MAX_BLOCK:
        raise ValueError(f"a block of more than {MAX_BLOCK} bytes, decompressed")


def zstandard() -> Any:
    """Python's module for Zstandard, which has been in the standard library since 3.14."""
    return codec_package("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "zstandard")


def codec_package(module: str, codec: str) -> Any:
    """A module that some codec needs: the same as fastavro uses.

    Raises:
        InputError: if it is not installed.

    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.removesuffix(".block")
        raise InputError(f"codec {codec} needs the package {package}: pip install {package}") from None


def read_frame(file: BinaryIO, at: int, size: int, sync: bytes) -> bytes | BadBlock:
    """The bytes of the block at an offset, its sync marker included."""
    file.seek(at)
    head = io.BytesIO(file.read(20))  # two longs of at most ten bytes
    try:
        count: Any = fastavro.schemaless_reader(head, {"type": "long"}, None)
        length: Any = fastavro.schemaless_reader(head, {"type": "long"}, None)
    except Exception:
        return BadBlock(at, "the file ends inside a block's header")
    if count < 0 or length < 0 or length > MAX_BLOCK:
        return BadBlock(at, f"a block of {count} records and {length} bytes")
    total = head.tell() + length + SYNC_SIZE
    if at + total > size:
        return BadBlock(at, "the file ends inside a block")
    file.seek(at)
    block = file.read(total)
    return block if block.endswith(sync) else BadBlock(at, "no sync marker after the block")


def after_sync(file: BinaryIO, sync: bytes, start: int) -> int:
    """The offset after the first sync marker at or after ``start``; the file's size if there is none."""
    file.seek(max(start, 0))
    at, tail = file.tell(), b""
    while chunk := file.read(1 << 20):
        window = tail + chunk
        found = window.find(sync)
        if found >= 0:
            return at - len(tail) + found + SYNC_SIZE
        at += len(chunk)
        tail = window[-(SYNC_SIZE - 1) :]
    return at
