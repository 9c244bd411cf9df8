"""Avro's single-object encoding: a datum that says which schema it is of (specification, "Single-object encoding").

Two bytes of marker, ``C3 01``; the CRC-64-AVRO fingerprint of the schema, 8 bytes, little-endian; the datum.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import fastavro

from ..errors import BadAvro
from ..formats.avro import pack
from .schemas import fingerprint, one_line

MARKER: Final = b"\xc3\x01"
HEADER_SIZE: Final = 10


def known(schemas: Iterable[Any]) -> dict[bytes, Any]:
    """Parsed schemas by their fingerprints, as :func:`split` and :func:`decode` look them up."""
    return {fingerprint(schema): schema for schema in schemas}


def encode(datum: Any, schema: Any) -> bytes:
    """A datum with the marker and its schema's fingerprint."""
    return MARKER + fingerprint(schema) + pack(datum, schema)


def split(message: bytes, schemas: Mapping[bytes, Any]) -> tuple[Any, bytes]:
    """The schema of a message, and its datum in Avro's binary encoding.

    Raises:
        BadAvro: if it has no marker, is too short, or is of a schema that is not known.

    """
    if len(message) < HEADER_SIZE or not message.startswith(MARKER):
        raise BadAvro(f"no single-object encoding: it starts with {message[:2].hex(' ') or 'nothing'}, not with c3 01 and 8 more")
    mark = message[len(MARKER) : HEADER_SIZE]
    if mark not in schemas:
        raise BadAvro(f"of an unknown schema: its fingerprint {mark.hex()} is none of the {len(schemas)} known ones")
    return schemas[mark], message[HEADER_SIZE:]


def decode(message: bytes, schemas: Mapping[bytes, Any]) -> Any:
    """The datum of a message, as fastavro makes it. For JSON: :func:`split`, and :func:`~.values.raw_schema`.

    Raises:
        BadAvro: if :func:`split` does, or the datum is damaged or has bytes after it.

    """
    schema, packed = split(message, schemas)
    data = io.BytesIO(packed)
    try:
        datum = fastavro.schemaless_reader(data, schema, None)
    except Exception as error:  # data make fastavro raise anything
        raise BadAvro(f"a damaged message: {one_line(error)}") from None
    if left := len(packed) - data.tell():
        raise BadAvro(f"a damaged message: {left} bytes are left after its datum")
    return datum
