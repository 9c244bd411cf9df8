"""Avro's single-object encoding: a datum with the fingerprint of its schema (specification, "Single-object encoding").

A message is two bytes of marker, ``C3 01``; the CRC-64-AVRO fingerprint of the schema, 8 bytes, little-endian; and the datum.
In a stream, the end of a datum is known only by its schema.
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
WINDOW: Final = 512
"""The first number of bytes that are searched for the end of a message; it is doubled until the end is found."""


def known(schemas: Iterable[Any]) -> dict[bytes, Any]:
    """Return parsed schemas by their fingerprints, for :func:`split` and :func:`decode`."""
    return {fingerprint(schema): schema for schema in schemas}


def encode(datum: Any, schema: Any) -> bytes:
    """Encode a datum as a message."""
    return MARKER + fingerprint(schema) + pack(datum, schema)


def split(message: bytes, schemas: Mapping[bytes, Any]) -> tuple[Any, bytes]:
    """Split a message; return its schema and its encoded datum.

    Raises:
        BadAvro: if it has no marker, is too short, or has an unknown schema.

    """
    if len(message) < _HEADER_SIZE or not message.startswith(MARKER):
        raise BadAvro(f"no single-object encoding: it starts with {message[:2].hex(' ') or 'nothing'}, not with c3 01 and 8 more")
    mark = message[len(MARKER) : _HEADER_SIZE]
    if mark not in schemas:
        raise BadAvro(f"of an unknown schema: its fingerprint {mark.hex()} is none of the {len(schemas)} known ones")
    return schemas[mark], message[_HEADER_SIZE:]


def decode(message: bytes, schemas: Mapping[bytes, Any]) -> Any:
    """Decode a message by fastavro. For JSON use :func:`split` and :func:`~.values.raw_schema`.

    Raises:
        BadAvro: as :func:`split`; or if the datum is damaged or has bytes after it.

    """
    schema, packed = split(message, schemas)
    data = io.BytesIO(packed)
    try:
        datum = fastavro.schemaless_reader(data, schema, None)
    except Exception as error:  # fastavro may raise anything for damaged data
        raise BadAvro(f"a damaged message: {one_line(error)}") from None
    if left := len(packed) - data.tell():
        raise BadAvro(f"a damaged message: {left} bytes are left after its datum")
    return datum


class Writer:
    """Writes a stream of messages. ``records`` counts them."""

    def __init__(self, file: BinaryIO, schema: Any) -> None:
        """Write messages of a parsed schema."""
        self.file, self.records = file, 0
        self.head = MARKER + fingerprint(schema)

    def write(self, datum: bytes) -> None:
        """Write a message with an encoded datum."""
        self.file.write(self.head + datum)
        self.records += 1


def messages(source: Source, schemas: Mapping[bytes, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the messages of a stream: the fingerprint of the schema, and the encoded datum.

    Raises:
        BadAvro: with number and offset, at the first that is damaged, truncated, or has an unknown schema.

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
    """Return the length of the next datum in bytes.

    Raises:
        EOFError: if the stream ends inside it.
        ValueError: if it is invalid, too long, or nested too deep.

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
            raise ValueError(f"a datum of more than {limits.MAX_BLOCK} bytes, or a number that does not end")
