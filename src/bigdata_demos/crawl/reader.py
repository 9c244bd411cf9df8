"""Reads the pages of a split, in the worker that maps it."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import InputError
from ..storage.compression import codec_of
from ..storage.files import DAMAGED, is_damage, open_file
from .avro import read_avro
from .files import kind_of
from .html import read_html
from .jsonl import read_jsonl
from .model import MEMBERS, Page, Range, Rejected, Skipped, Split
from .warc import read_warc


def read(split: Split, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of a split, and its rejected and skipped records. Damage of a file raises no error.

    ``reader``: the reader's schema for Avro, as JSON; ``""`` for each file's own.

    Raises:
        InputError: a file is gone or has become shorter since the run was planned, or the machine cannot read it (too many open
            files, an I/O error): the input is not at fault, and another attempt at the task may succeed.
    """
    for piece in split.ranges:
        try:
            with open_file(piece.path, "" if piece.codec == MEMBERS else piece.codec) as file:
                _check_size(file, piece)
                yield from _read_file(file, piece, reader)
        except FileNotFoundError as error:
            if not os.path.islink(piece.path):  # a link to nothing has been one all the time
                raise InputError(f"{piece.path}: was there when the run was planned, and is gone: run it again") from error
            yield Rejected(piece.path, piece.start, piece.name, "unreadable", "a link to a file that does not exist")
        except DAMAGED as error:
            if not is_damage(error):
                raise InputError(f"{piece.path}: this machine cannot read it: {error}") from error
            reason = "truncated" if isinstance(error, EOFError) else "unreadable"
            yield Rejected(piece.path, piece.start, piece.name, reason, f"{type(error).__name__}: {error}", piece.end)


def _check_size(file: BinaryIO, piece: Range) -> None:
    """Raise InputError if a local file has become shorter since the run was planned."""
    if piece.codec in ("", MEMBERS) and "://" not in piece.path and (size := os.fstat(file.fileno()).st_size) < piece.end:
        raise InputError(f"{piece.path}: has {size} bytes, and had {piece.end} or more when the run was planned: run it again")


def _read_file(file: BinaryIO, piece: Range, reader: str) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of a file. One that is named as HTML is looked at here: it may be compressed, or an archive."""
    if piece.kind == "html" and not piece.codec:
        start = file.read(64)
        file.seek(0)
        if codec := codec_of(start):
            with open_file(piece.path, codec) as unpacked:
                yield from _read_file(unpacked, piece._replace(codec=codec), reader)
            return
        piece = piece._replace(kind=kind if (kind := kind_of(start)) in ("avro", "warc") else "html")
    if piece.kind == "avro":
        yield from read_avro(file, piece, reader)
    elif piece.kind == "warc":
        yield from read_warc(file, piece)
    elif piece.kind == "jsonl":
        yield from read_jsonl(file, piece)
    else:
        yield read_html(file, piece)
