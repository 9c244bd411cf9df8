"""Avro's binary encoding of data, without a file header."""

import io
from collections.abc import Iterator
from typing import Any

import fastavro

Schema = dict[str, Any]


def pack(datum: Any, schema: Schema) -> bytes:
    """Encode a datum by a parsed schema."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, datum)
    return buffer.getvalue()


def unpack(packed: bytes, schema: Schema) -> Any:
    """Decode a datum."""
    return fastavro.schemaless_reader(io.BytesIO(packed), schema, None)


def unpack_all(packed: bytes, schema: Schema) -> Iterator[Any]:
    """Decode consecutive data."""
    buffer = io.BytesIO(packed)
    while buffer.tell() < len(packed):
        yield fastavro.schemaless_reader(buffer, schema, None)


def long(value: int) -> bytes:
    """Encode a long: zig-zag, then 7 bits per byte (specification, "Primitive Types")."""
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
    """Encode a string: its length in bytes, then its UTF-8."""
    utf8 = value.encode()
    return long(len(utf8)) + utf8
