"""Avro's single-object encoding: a datum with the fingerprint of its schema (specification, "Single-object encoding").

A message is the two-byte marker ``C3 01``, the schema's CRC-64-AVRO fingerprint (8 bytes, little-endian) and the datum. Streams
have no separators: only the schema determines where a datum ends.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

import fastavro

from ..errors import BadAvro
from . import limits
from .binary import pack
from .schemas import fingerprint, one_line
from .streams import Source

MARKER: Final = b"\xc3\x01"
_HEADER_SIZE: Final = 10
WINDOW: Final = 512  # bytes in which the end of a message is first searched for; doubled until it is found


def known(schemas: Iterable[Any]) -> dict[bytes, Any]:
    """Return parsed schemas by fingerprint, for :func:`split` and :func:`decode`."""
    return {fingerprint(schema): schema for schema in schemas}


def encode(datum: Any, schema: Any) -> bytes:
    """Return a datum with the marker and its schema's fingerprint."""
    return MARKER + fingerprint(schema) + pack(datum, schema)


def split(message: bytes, schemas: Mapping[bytes, Any]) -> tuple[Any, bytes]:
    """Return a message's schema and its encoded datum.

    Raises BadAvro if the message has no marker, is too short, or has an unknown schema.
    """
    if len(message) < _HEADER_SIZE or not message.startswith(MARKER):
        raise BadAvro(f"no single-object encoding: it starts with {message[:2].hex(' ') or 'nothing'}, not with c3 01 and 8 more")
    mark = message[len(MARKER) : _HEADER_SIZE]
    if mark not in schemas:
        raise BadAvro(f"of an unknown schema: its fingerprint {mark.hex()} is none of the {len(schemas)} known ones")
    return schemas[mark], message[_HEADER_SIZE:]


def decode(message: bytes, schemas: Mapping[bytes, Any]) -> Any:
    """Return a message's datum, as fastavro decodes it. For JSON, use :func:`split` and :func:`~.values.raw_schema`.

    Raises BadAvro if :func:`split` raises it, or the datum is damaged or followed by other bytes.
    """
    schema, packed = split(message, schemas)
    data = io.BytesIO(packed)
    try:
        datum = fastavro.schemaless_reader(data, schema, None)
    except Exception as error:  # fastavro raises many types for damaged data
        raise BadAvro(f"a damaged message: {one_line(error)}") from None
    if left := len(packed) - data.tell():
        raise BadAvro(f"a damaged message: {left} bytes are left after its datum")
    return datum


class Writer:
    """Writes encoded data of a parsed schema as consecutive messages. ``records`` counts them."""

    def __init__(self, file: BinaryIO, schema: Any) -> None:
        self.file, self.records = file, 0
        self.head = MARKER + fingerprint(schema)

    def write(self, datum: bytes) -> None:
        """Write a message with an encoded datum."""
        self.file.write(self.head + datum)
        self.records += 1


def messages(source: Source, schemas: Mapping[bytes, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the fingerprint and the encoded datum of each message of a stream.

    Raises BadAvro at the first message that is damaged, cut, or of an unknown schema; with its number and offset.
    """
    walkers = {mark: limits.Walker(schema) for mark, schema in schemas.items()}
    number = 0
    while head := source.peek(_HEADER_SIZE):
        number += 1
        where = f"{source.name}: message {number}, at offset {source.tell()}"
        if len(head) < _HEADER_SIZE and MARKER.startswith(head[: len(MARKER)]):
            raise BadAvro(f"{where}: the stream ends inside it")
        try:
            split(head, schemas)
            source.skip(_HEADER_SIZE)
            mark = head[len(MARKER) :]
            size = length(source, walkers[mark])
        except (BadAvro, ValueError) as error:
            raise BadAvro(f"{where}: {error}") from None
        except EOFError:
            raise BadAvro(f"{where}: the stream ends inside it") from None
        yield mark, source.read(size)


def length(source: Source, walker: limits.Walker) -> int:
    """Return the size of the next datum in bytes.

    Raises EOFError if the stream ends inside it; ValueError if the datum is invalid, too long or nested too deeply.
    """
    window = WINDOW
    while True:
        walker.start(source.peek(window))
        try:
            walker.record()
        except EOFError:
            if len(walker.data) < window:
                raise
        else:
            return walker.at
        window *= 2
        if window > limits.MAX_BLOCK:
            raise ValueError(f"a datum of more than {limits.MAX_BLOCK} bytes, or a number of more than ten bytes")
