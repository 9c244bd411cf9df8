"""Reads the pages of a split, in the worker that maps it."""

from collections.abc import Iterator
from typing import BinaryIO

from ..avro.containers import MAGIC
from ..storage.files import DAMAGED, open_file
from .avro import read_avro
from .html import read_html
from .jsonl import read_jsonl
from .model import Kind, Page, Range, Rejected, Skipped, Split
from .warc import WARC, read_warc


def read(split: Split, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of a split, and its rejected and skipped records. No damage of a file raises an error.

    ``reader``: the reader's schema for Avro, as JSON; ``""`` for each file's own.
    """
    for piece in split.ranges:
        try:
            with open_file(piece.path, piece.codec) as file:
                yield from _read_file(file, piece, reader)
        except DAMAGED as error:
            reason = "truncated" if isinstance(error, EOFError) else "unreadable"
            yield Rejected(piece.path, piece.start, piece.name, reason, f"{type(error).__name__}: {error}")


def _read_file(file: BinaryIO, piece: Range, reader: str) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of a file. A file named as HTML may be an archive, which its first bytes show."""
    kind = _kind_of_start(file) if piece.kind == "html" else piece.kind
    if kind == "avro":
        yield from read_avro(file, piece, reader)
    elif kind == "warc":
        yield from read_warc(file, piece)
    elif kind == "jsonl":
        yield from read_jsonl(file, piece)
    else:
        yield read_html(file, piece)


def _kind_of_start(file: BinaryIO) -> Kind:
    start = file.read(max(len(MAGIC), len(WARC)))
    file.seek(0)
    return "avro" if start.startswith(MAGIC) else "warc" if start.startswith(WARC) else "html"
