"""A schema changes, and each of two programs reads what the other one has written.

An Avro file contains the schema of the program that wrote it. A program that reads it brings its own schema, and the library
resolves one to the other, field by field, by their names. Here a record of a page has three fields, ``url``, ``words`` and
``language``, and its schema is changed in seven ways. *Backward* means that a new program reads old data, which every program
must do that reads an archive. *Forward* means that an old program reads new data, which happens whenever programs are not all
upgraded at once.

Whether a change is safe can be told from the two schemas alone, before any data are written: this is what a schema registry
does when it refuses a schema, and what ``bigdata-demos avro diff`` prints.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import fastavro

from ..avro.binary import Schema
from ..avro.containers import read_header, read_records
from ..avro.resolution import compatibility, resolver
from ..avro.streams import Source
from ..corpus import synthetic
from ..errors import BadAvro
from . import Outcome, Setting

WATCH = (
    "the records that are refused, and why. Only the added field with a default can be read both ways; removing a field would "
    "be safe both ways, too, if the old schema had a default for it. The field that became optional is a trap: the old program "
    "reads the new data well until the first null. A comparison of the schemas refuses this change."
)
PAGES = (
    "no web page of an engine shows it: a task that cannot resolve a schema fails, and its message is on Spark's page of the "
    "stage. `bigdata-demos avro diff OLD NEW` compares two schemas. Confluent's Schema Registry calls the directions BACKWARD "
    "and FORWARD, and FULL if a change is safe both ways."
)
LARGER = (
    "the archive is never rewritten. As a calculation: to rewrite 100 TB on 100 machines that each read and write 100 MB/s "
    "takes 100 TB / 100 / 100 MB/s = 10,000 s, about three hours for each change. Resolution costs nothing but the time of the "
    "reader, and programs can be upgraded one after another, if each change is safe in the direction in which they are: readers "
    "first for backward, writers first for forward."
)

_URL: Final = {"name": "url", "type": "string"}
_WORDS: Final = {"name": "words", "type": "int"}
_LANGUAGE: Final = {"name": "language", "type": "string"}


class Change(NamedTuple):
    """The fields of the new schema, and what is special about the values that the new program writes."""

    fields: list[dict[str, Any]]
    values: Callable[[int], Mapping[str, Any]] = lambda _: {}


CHANGES: Final = {
    "field added with a default": Change([_URL, _WORDS, _LANGUAGE, {"name": "status", "type": "int", "default": 200}]),
    "field added without a default": Change([_URL, _WORDS, _LANGUAGE, {"name": "status", "type": "int"}]),
    "field removed": Change([_URL, _WORDS]),
    "field renamed, with an alias": Change([_URL, _WORDS, {"name": "code", "type": "string", "aliases": ["language"]}]),
    "field promoted, int to long": Change([_URL, {**_WORDS, "type": "long"}, _LANGUAGE]),
    "field made optional": Change(
        [_URL, _WORDS, {**_LANGUAGE, "type": ["null", "string"]}], lambda number: {} if number % 10 else {"language": None}
    ),
    "field retyped, string to int": Change([_URL, _WORDS, {**_LANGUAGE, "type": "int"}], lambda _: {"language": 1}),
}


class Read(NamedTuple):
    """How many records of a file could be read, how many could not, and why the first of these could not."""

    read: int
    refused: int
    reason: str


def schema_of(fields: list[dict[str, Any]]) -> Schema:
    """Return the parsed schema of a page with some fields."""
    return fastavro.parse_schema({"type": "record", "name": "Page", "fields": fields}, _force=True)  # type: ignore[return-value]


def records(pages: list[tuple[str, int]], change: Change) -> Iterator[dict[str, Any]]:
    """Yield the records of the new program; fastavro leaves out what is not in the schema."""
    for number, (url, words) in enumerate(pages):
        yield {"url": url, "words": words, "language": "en", "code": "en", "status": 200, **change.values(number)}


def read(path: Path, reader: Schema) -> Read:
    """Read a file with another schema than its own, record by record."""
    number, reasons = 0, []
    with path.open("rb") as file:
        source = Source(file, path.name)
        header = read_header(source)  # with the writer's schema
        resolve = resolver(header.schema, reader)
        for record in read_records(source, header):
            number += 1
            try:
                resolve(record)
            except BadAvro as error:
                reasons.append(str(error))
    return Read(number - len(reasons), len(reasons), reasons[0] if reasons else "")


def measure(setting: Setting) -> Outcome:
    """Read data of each schema with the other one."""
    made = synthetic.pages(200 if setting.quick else 20_000, seed=1, nbytes=1000)
    pages = [(page.url, len(page.content.split())) for page in made]
    old = schema_of([_URL, _WORDS, _LANGUAGE])
    rows, found, agree = [], {}, True
    for name, change in CHANGES.items():
        setting.say(name)
        new = schema_of(change.fields)
        for direction, writer, reader in (("backward", old, new), ("forward", new, old)):
            path = setting.directory / "pages.avro"
            with path.open("wb") as file:
                fastavro.writer(file, writer, records(pages, change if writer is new else Change([])))
            found[name, direction] = done = read(path, reader)
            agree &= bool(compatibility(writer, reader)) == bool(done.refused)
            rows.append((name, direction, done.read, done.refused, done.reason or "–"))
    safe = {direction: sum(not found[name, direction].refused for name in CHANGES) for direction in ("backward", "forward")}
    both = [name for name in CHANGES if not found[name, "backward"].refused and not found[name, "forward"].refused]
    refused = {f"{name}, {direction}": done.refused for (name, direction), done in found.items()}
    return Outcome(
        data=f"{len(pages):,} records of synthetic pages, in files of Avro",
        head=("change", "direction", "read", "refused", "reason"),
        rows=rows,
        bars={direction: sum(found[name, direction].read for name in CHANGES) for direction in safe},
        unit="records read, after all changes",
        finding=(
            f"Of {len(CHANGES)} changes of a schema, {safe['backward']} let the new program read all old data and "
            f"{safe['forward']} let the old program read all new data; safe both ways is only this one: {', '.join(both)}."
        ),
        holds=agree and both == ["field added with a default"] and safe == {"backward": 5, "forward": 2},
        counts={"records": len(pages), **refused},
    )
