"""Pages from Avro container files, one for each record, by the file's schema or a reader's schema."""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, BinaryIO, Final

from ..avro import schemas
from ..avro.containers import BadBlock, Decoder, Header, frames_between, read_header
from ..avro.resolution import compatibility, resolver
from ..avro.streams import Source
from ..avro.values import untagged
from ..errors import BadAvro, InputError, UsageError
from ..storage.files import DAMAGED, open_file, unpacked
from .model import Page, Range, Rejected, Skipped, Split
from .records import is_name, page_of

_NEEDED: Final = frozenset({"url", "id", "html", "text", "title", "content_type", "date"})
"""The fields that :func:`page_of` reads."""


def read_avro(file: BinaryIO, piece: Range, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of an Avro container file."""
    if piece.codec:
        with unpacked(file) as whole:
            yield from read_avro(whole, piece._replace(codec="", end=sys.maxsize), reader)
        return
    header = header_of(file, piece.path)
    chain = _chain_of_schemas(header.schema, reader)
    resolvers = [resolver(*pair) for pair in pairwise(chain)]
    decoder = Decoder(header, _names_of(chain[1]) if resolvers else _NEEDED)
    for frame in frames_between(file, piece.path, header, piece.start, piece.end):
        if isinstance(frame, BadBlock):
            yield Rejected(piece.path, frame.offset, "", "bad-record", frame.detail, frame.end)
            continue
        done = 0
        try:
            for record in decoder.records(frame, piece.path):
                done += 1
                datum = record
                try:
                    for resolve in resolvers:
                        datum = resolve(datum)
                except BadAvro as error:
                    yield Rejected(piece.path, frame.offset, _name_of(untagged(record), chain[1]), "bad-record", str(error))
                else:
                    yield page_of(untagged(datum), piece.path, frame.offset)
        except (BadAvro, InputError) as error:
            lost = max(min(frame.records - done, len(frame.packed)), 1)  # the block's count may itself be damaged
            detail = str(error).removeprefix(f"{piece.path}: ")
            yield Rejected(piece.path, frame.offset, "", "bad-record", detail, frame.end, lost)


def header_of(file: BinaryIO, name: str) -> Header:
    """Read the header of a file. Raises BadAvro if it is damaged, or its schema is not usable."""
    return read_header(Source(file, name, offset=0))


def load_reader(source: str) -> str:
    """Return a reader's schema as JSON, given as a file, JSON, or the name of a built-in schema (``bigdata-demos:page/1``).

    Raises InputError if there is no such schema; UsageError if its records cannot be pages.
    """
    reader = schemas.to_text(schemas.load(source))
    _readers_schema(reader)
    return reader


@cache
def _readers_schema(reader: str) -> Any:
    schema = schemas.load(reader)
    fields = schema["fields"] if isinstance(schema, dict) and schema["type"] == "record" else []
    names = {field["name"] for field in [*fields, *(schemas.schema("page")["fields"] if is_earlier_page(schema) else [])]}
    if not (names & {"url", "id"} and names & {"html", "text"}):
        raise UsageError(
            "`reader_schema`: it has to be a record with fields url or id, and html or text; "
            'a field of the files that has another name is its alias: {"name": "url", "aliases": ["link"], …}'
        )
    return schema


def is_earlier_page(schema: Any) -> bool:
    """Return whether a parsed schema is an earlier version of our page schema, so that a field has an earlier name."""
    page = schemas.schema("page")
    if not isinstance(schema, dict) or schema.get("name") != page["name"]:
        return False
    names = {field["name"] for field in schema["fields"]}
    renamed = any(names.intersection(field.get("aliases", ())) and field["name"] not in names for field in page["fields"])
    return renamed and not compatibility(schema, page, by_record=True)


def _chain_of_schemas(written: Any, reader: str) -> list[Any]:
    """Return the schemas through which records are resolved, in order: the file's, the reader's if given, our present one."""
    chain = [written]
    if reader and schemas.canonical(wanted := _readers_schema(reader)) != schemas.canonical(written):
        if reasons := compatibility(written, wanted, by_record=True):
            raise BadAvro(f"cannot be read with `reader_schema`: {'; '.join(reasons[:3])}{' …' if reasons[3:] else ''}")
        chain.append(wanted)
    if is_earlier_page(chain[-1]):
        chain.append(schemas.schema("page"))
    return chain


def check_reader(splits: Iterable[Split], reader: str) -> None:
    """Check that a reader's schema can read the Avro files of the splits; damaged files are rejected later, by the job.

    Raises InputError for the first file that it cannot read, or if there is no Avro file.
    """
    files = {piece.path: piece for split in splits for piece in split.ranges if piece.kind == "avro"}
    if not files:
        raise InputError("`reader_schema` is given, but the input has no Avro file: leave it out")
    for path, piece in files.items():
        try:
            with open_file(path, piece.codec) as file:
                written = read_header(Source(file, path)).schema
        except DAMAGED:
            continue
        try:
            _chain_of_schemas(written, reader)
        except BadAvro as error:
            raise InputError(
                f"{piece.name or path} {error}: add aliases or defaults; `bigdata-demos avro schema` shows the file's own schema"
            ) from None


def _names_of(schema: Any) -> set[str]:
    return {name for field in schema["fields"] for name in (field["name"], *field.get("aliases", ()))}


def _name_of(record: Any, schema: Any) -> str:
    """Return the URL of a record that a schema cannot read, if it has one."""
    fields = [field for field in schema["fields"] if field["name"] in ("url", "id")]
    names = (name for field in fields for name in (field["name"], *field.get("aliases", ())))
    values = (record.get(name) for name in names) if isinstance(record, dict) else ()
    return next((str(value) for value in values if is_name(value)), "")
