"""Avro container files: one page a record, read by the file's own schema or by a reader's schema."""

import sys
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import count
from typing import Any, BinaryIO, Final, cast

import fastavro

from ..avro import core, schema_rules
from ..avro.schema_rules import named_types
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
    for block in core.read_blocks(file, piece.path, piece.start, piece.end, partial(chain, reader=reader), _by_needed_fields):
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


_NEEDED: Final = frozenset({"url", "id", "html", "text", "title", "content_type", "date"})
"""Fields that :func:`page_of` reads."""


def _by_needed_fields(written: core.Schema) -> core.Schema:
    """A schema for the same data by which the values of fields that no page needs are left as they are encoded.

    Their strings are read as bytes, enums as numbers, and logical types are ignored, so that what cannot be decoded there
    does not cost the page. fastavro's own resolution is not used for this: of a union of bytes and string
    it reads a string as bytes. A file whose needed fields are of named types is read by its own schema.
    """
    if not isinstance(written, dict) or written.get("type") != "record":
        return written
    fields = written["fields"]
    if all(field["name"] in _NEEDED for field in fields) or named_types([f["type"] for f in fields if f["name"] in _NEEDED]):
        return written
    named, numbers = named_types(written), count()
    kinds = [kind for field in fields if field["name"] in _NEEDED for kind in _branches(field["type"])]
    if any(isinstance(kind, str) and kind in named for kind in kinds):
        return written

    renamed: dict[
        str, str
    ] = {}  # a type is defined where it is met first, and named after that: the result is no larger than the schema

    def as_encoded(part: Any) -> Any:
        if isinstance(part, list):
            return [as_encoded(branch) for branch in part]
        kind = part if isinstance(part, str) else part["type"]
        if kind in named:
            return renamed.get(kind) or as_encoded(named[kind])
        if kind == "array":
            return {"type": "array", "items": as_encoded(part["items"])}
        if kind == "map":  # encoded like an array of its pairs
            pair = [{"name": "key", "type": "bytes"}, {"name": "value", "type": as_encoded(part["values"])}]
            return {"type": "array", "items": {"type": "record", "name": f"r{next(numbers)}", "fields": pair}}
        if kind in ("record", "error", "fixed"):
            name = renamed[part["name"]] = f"r{next(numbers)}"
            if kind == "fixed":
                return {"type": kind, "name": name, "size": part["size"]}
            inner = [{"name": field["name"], "type": as_encoded(field["type"])} for field in part["fields"]]
            return {"type": "record", "name": name, "fields": inner}
        return {"string": "bytes", "enum": "int"}.get(kind, kind)

    types = [field["type"] if field["name"] in _NEEDED else as_encoded(field["type"]) for field in fields]
    parts = [{"name": field["name"], "type": kind} for field, kind in zip(fields, types, strict=True)]
    return fastavro.parse_schema({"type": "record", "name": "Encoded", "fields": parts})  # type: ignore[return-value]


def _branches(kind: Any) -> list[Any]:
    """The types of a union, or the one type, with those of arrays and maps among them."""
    if isinstance(kind, list):
        return [each for branch in kind for each in _branches(branch)]
    inner = [kind[key] for key in ("items", "values") if key in kind] if isinstance(kind, dict) else []
    return [kind, *(each for part in inner for each in _branches(part))]


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
