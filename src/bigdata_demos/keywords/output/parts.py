"""Parts: the files of the output, which workers write and the driver makes visible all at once.

Each attempt at a part writes a file of its own in a working directory beside the output. The driver accepts one attempt for
each part, gives it its final name, writes the manifest, and renames the directory: that is the commit. Retries and
speculative duplicates need no special care, and a failed run leaves nothing. It works alike in HDFS.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ...avro.binary import long, pack, string
from ...avro.containers import Writer
from ...avro.schemas import file_schema, schema
from ...crawl.model import FAULTS
from ...errors import OutputError
from ...storage.places import at
from ..model import Document, Part, PartKind
from .digest import canonical_schema

Row = tuple[bytes, bytes]
"""A record as written, and its canonical form, over which the digest is computed: both in Avro's binary encoding."""


class _Writable(Protocol):
    """A file that a part is written to."""

    def write(self, data: bytes, /) -> int:
        """Write."""


class _HashingFile:
    """A binary file that hashes and counts what is written to it."""

    def __init__(self, file: _Writable) -> None:
        """Write to an open file."""
        self.file, self.sha256, self.nbytes = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        """Write, hash and count."""
        self.sha256.update(data)
        self.nbytes += len(data)
        return self.file.write(data)


def keywords_row(page: Document, keywords: bytes) -> Row:
    """Encode a page and its keywords, which are given as an encoded Avro array (schemas/keywords.avsc)."""
    url = string(page.url)
    source = string(page.source) + long(page.offset)
    declared = long(len(page.declared)) + b"".join(map(string, page.declared)) if page.declared else b""
    rest = b"".join((string(page.title), string(page.language), keywords, declared, b"\0"))
    return url + source + rest, url + rest


def index_row(row: bytes) -> Row:
    """Return an encoded row of the index, which is its own canonical form."""
    return row, row


def rejected_row(rejected: dict[str, Any]) -> Row:
    """Encode a rejected page, with the kind of fault that its reason is."""
    rejected = {**rejected, "fault": FAULTS.get(rejected["reason"], "OTHER")}
    return pack(rejected, schema("rejected")), pack(rejected, canonical_schema("rejected"))


def text_row(page: Document) -> Row:
    """Encode a page and its text (schemas/text.avsc)."""
    row = string(page.url) + string(page.title) + string(page.language) + string(page.text)
    return row, row


def write_part(directory: str, kind: PartKind, number: int, rows: Iterable[Row], counts: Mapping[str, int]) -> Part:
    """Write a new attempt at a part, in one pass over its rows. ``directory`` is the working directory's path or address.

    Raises OutputError if the file cannot be written.
    """
    path = f"{kind}/part-{number:05}-{uuid.uuid4().hex}.avro"
    records = total = 0
    try:
        with (at(directory) / path).open("xb") as raw:
            file = _HashingFile(raw)
            writer = Writer(file, file_schema(kind))
            for record, canonical in rows:
                records += 1
                total += int.from_bytes(hashlib.sha256(canonical).digest(), "big")
                writer.write(record)
            writer.flush()
    except OSError as error:
        raise OutputError(f"cannot write {error.filename or path}: {error.strerror}") from None
    return Part(kind, number, path, records, file.nbytes, file.sha256.hexdigest(), total % (1 << 256), dict(counts))
