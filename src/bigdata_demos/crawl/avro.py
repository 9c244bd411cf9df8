"""Avro container files: one page a record, read by the file's own schema or by a reader's schema."""

import sys
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any, BinaryIO, cast

from ..avro import core, schema_rules
from ..errors import BadAvro, InputError, UsageError
from ..storage.files import DAMAGED, open_file, unpacked
from .model import Page, Range, Rejected, Skipped, Split
from .records import is_name, page_of


def read_avro(file: BinaryIO, piece: Range, reader: str = "") -> Iterator[Page | Rejected | Skipped]:
    """The pages of an Avro container file."""
    if piece.codec:
        with unpacked(file) as whole:
            yield from read_avro(whole, piece._replace(codec="", end=sys.maxsize), reader)
        return
    for block in core.read_blocks(file, piece.path, piece.start, piece.end, partial(chain, reader=reader)):
        if isinstance(block, core.BadBlock):
            yield Rejected(piece.path, block.offset, "", "bad-record", block.detail)
            continue
        offset, records = block
        try:
            for record in records:
                if isinstance(record, core.Unresolved):
                    yield Rejected(piece.path, offset, name_of(record.record, reader), "bad-record", record.detail)
                else:
                    yield page_of(record, piece.path, offset)
        except Exception as error:  # fastavro raises whatever the data made it do
            yield Rejected(piece.path, offset, "", "bad-record", f"{type(error).__name__}: {error}")


def load_reader(source: str) -> str:
    """The JSON of a schema that Avro is to be read with: of a file, of JSON, or one of our own (``bigdata-demos:page/1``).

    Raises:
        InputError: if there is none.
        UsageError: if no page could come of its records.

    """
    reader = schema_rules.to_text(schema_rules.load(source))
    readers_schema(reader)
    return reader


@cache
def readers_schema(reader: str) -> core.Schema:
    """The parsed schema that Avro is read with, of its JSON.

    Raises:
        InputError: if it is none.
        UsageError: if no page could come of its records.

    """
    schema = schema_rules.load(reader)
    fields = schema["fields"] if isinstance(schema, dict) and schema["type"] == "record" else []
    names = {field["name"] for field in [*fields, *(core.schema("page")["fields"] if is_earlier_page(schema) else [])]}
    if not (names & {"url", "id"} and names & {"html", "text"}):
        raise UsageError(
            "`reader_schema`: it has to be a record with fields url or id, and html or text; "
            'a field of the files that has another name is its alias: {"name": "url", "aliases": ["link"], …}'
        )
    return cast(core.Schema, schema)


def is_earlier_page(schema: Any) -> bool:
    """Whether a parsed schema is our page's, and has a field under an earlier name: all else in it is read by its names."""
    page = core.schema("page")
    if not isinstance(schema, dict) or schema.get("name") != page["name"]:
        return False
    names = {field["name"] for field in schema["fields"]}
    renamed = any(names.intersection(field.get("aliases", ())) and field["name"] not in names for field in page["fields"])
    return renamed and not schema_rules.compatibility(schema, page, by_record=True)


def chain(written: core.Schema, reader: str) -> list[core.Schema]:
    """What records of a file's schema are made data of: of the reader's schema, if there is one, and of our present page.

    Raises:
        BadAvro: if the reader's schema is for other records.

    """
    found = [written]
    if reader and schema_rules.canonical(wanted := readers_schema(reader)) != schema_rules.canonical(written):
        if reasons := schema_rules.compatibility(written, wanted, by_record=True):
            raise BadAvro(f"cannot be read with `reader_schema`: {'; '.join(reasons[:3])}{' …' if reasons[3:] else ''}")
        found.append(schema_rules.adapted(written, wanted))
    if is_earlier_page(found[-1]):
        found.append(schema_rules.adapted(found[-1], core.schema("page")))
    return found[1:]


def check_reader(splits: Iterable[Split], reader: str) -> None:
    """Refuse a reader's schema that is not for the Avro files of some splits; those that are damaged are rejected later.

    Raises:
        InputError: naming the first file, and why; or if there is no Avro file.

    """
    files = {piece.path: piece for split in splits for piece in split.ranges if piece.kind == "avro"}
    if not files:
        raise InputError("`reader_schema`: there is no Avro file in the input: leave it out")
    for path, piece in files.items():
        try:
            with open_file(path, piece.codec) as file:
                written = core.parse_header(file, path).schema
        except DAMAGED:
            continue
        try:
            chain(written, reader)
        except BadAvro as error:
            raise InputError(
                f"{piece.name or path} {error}: add aliases or defaults; `bigdata-demos avro schema` shows the file's own schema"
            ) from None


def name_of(record: Any, reader: str) -> str:
    """The name of the page of a record that the reader's schema has no place for, as far as it can be told."""
    fields = readers_schema(reader)["fields"] if reader else core.schema("page")["fields"]
    names = [name for field in fields if field["name"] in ("url", "id") for name in (field["name"], *field.get("aliases", ()))]
    found = (record.get(name) for name in names) if isinstance(record, dict) else ()
    return next((str(value) for value in found if is_name(value)), "")
