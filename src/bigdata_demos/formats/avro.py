"""Avro: the package's schemas, data without a file header, and container files read from any byte to any byte.

fastavro does the encoding. What is written here is the frame of a container file (Avro specification, "Object Container
Files"): magic, header, then blocks of count, size, data and a sync marker. So a split of a file can start at a
sync marker, and one damaged block costs its own records only.
"""

import io
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, BinaryIO, Final, NamedTuple

import fastavro

from ..errors import BadAvro

Schema = dict[str, Any]

MAGIC: Final = b"Obj\x01"
SYNC_SIZE: Final = 16
MAX_NESTING: Final = 64
"""Levels of a schema's JSON. fastavro recurses in C: some thousands of levels end the process."""
MAX_BLOCK: Final = 256 << 20
"""Bytes of the largest block that is read; writers make blocks of some 16 KB to some MB."""


@cache
def schema(name: str) -> Schema:
    """One of the package's own schemas, parsed: ``schemas/NAME.avsc``."""
    text = (files("bigdata_demos") / "schemas" / f"{name}.avsc").read_text(encoding="utf-8")
    return fastavro.parse_schema(json.loads(text))  # type: ignore[return-value]


def pack(datum: Any, writer_schema: Schema) -> bytes:
    """A datum in Avro's binary encoding, without a header."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, writer_schema, datum)
    return buffer.getvalue()


def unpack(packed: bytes, writer_schema: Schema) -> Any:
    """The datum that :func:`pack` packed."""
    return fastavro.schemaless_reader(io.BytesIO(packed), writer_schema, None)


class Header(NamedTuple):
    """The header of a container file: its bytes, its sync marker, and where the first block starts."""

    raw: bytes
    sync: bytes
    end: int


class BadBlock(NamedTuple):
    """A block that cannot be read: where it starts, and why."""

    offset: int
    detail: str


def read_header(file: BinaryIO, path: str) -> Header:
    """The header at the file's start.

    Raises:
        BadAvro: if it is damaged, or its schema nested deeper than :data:`MAX_NESTING`.

    """
    file.seek(0)
    if file.read(4) != MAGIC:
        raise BadAvro(f"{path}: not an Avro container file (no magic at offset 0)")
    try:
        meta: Any = fastavro.schemaless_reader(file, {"type": "map", "values": "bytes"}, None)
        text = bytes(meta["avro.schema"]).decode()
    except Exception as error:
        raise BadAvro(f"{path}: damaged header: {type(error).__name__}: {error}") from None
    if nesting(text) > MAX_NESTING:
        raise BadAvro(f"{path}: its schema is nested more than {MAX_NESTING} levels deep")
    sync = file.read(SYNC_SIZE)
    end = file.tell()
    if len(sync) < SYNC_SIZE:
        raise BadAvro(f"{path}: ends inside its header, at offset {end}")
    file.seek(0)
    return Header(file.read(end), sync, end)


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


def read_blocks(file: BinaryIO, path: str, start: int, end: int) -> Iterator[tuple[int, Iterator[Any]] | BadBlock]:
    """The blocks that start in ``start`` to ``end``: each one's offset and records, or what is wrong with it.

    A block starts in a range if the byte after the sync marker before it does. After a damaged block, reading goes on at
    the next sync marker. Records come as fastavro makes them: what is wrong inside the data is raised by the iterator.

    Raises:
        BadAvro: if the header is damaged.

    """
    header = read_header(file, path)
    size = file.seek(0, io.SEEK_END)
    at = header.end if start <= header.end else after_sync(file, header.sync, start - SYNC_SIZE)
    while at < min(end, size):
        block = read_frame(file, at, size, header.sync)
        if isinstance(block, BadBlock):
            yield block
            at = after_sync(file, header.sync, at)
        else:
            try:
                records: Iterator[Any] = fastavro.reader(io.BytesIO(header.raw + block))
            except Exception as error:
                raise BadAvro(f"{path}: unusable schema or codec: {type(error).__name__}: {error}") from None
            yield at, records
            at += len(block)


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
