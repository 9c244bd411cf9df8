"""The output of a run as tables of Arrow, and as files of Parquet.

There is a table for each kind of part, with the columns of its schema (``schemas/*.avsc``), and ``flat``: a row for each keyword
of a page. The columns are nested where the schemas are: ``keywords`` has a list of structs.
"""

import hashlib
import importlib
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ...avro import schemas
from ...errors import InputError, UsageError
from ...storage.places import Place
from .reading import Manifest, read_manifest, records

if TYPE_CHECKING:
    import pyarrow as pa

TABLES: Final = ("keywords", "flat", "index", "rejected", "text")
PARQUET: Final = "parquet"
"""The directory of an output with its tables in Parquet."""
_ROWS: Final = 10_000  # in a batch
_FLAT: Final = {
    "type": "record",
    "name": "Flat",
    "fields": [
        {"name": "url", "type": "string"},
        {"name": "title", "type": "string"},
        {"name": "language", "type": "string"},
        {"name": "rank", "type": "int"},
        {"name": "phrase", "type": "string"},
        {"name": "stems", "type": "string"},
        {"name": "score", "type": "long"},
        {"name": "tf", "type": "int"},
        {"name": "df", "type": "long"},
    ],
}


def require(package: str) -> Any:
    """Import a package, or one of its modules, of the extra ``tables``. Raises UsageError if it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise UsageError(f"{package.partition('.')[0]} is not installed: pip install 'bigdata-demos[tables]'") from None


def kind_of(table: str) -> str:
    """Return the kind of the parts that a table is made of. Raises UsageError if there is no such table."""
    if table not in TABLES:
        raise UsageError(f"`table={table}` is none of {', '.join(TABLES)}")
    return "keywords" if table == "flat" else table


def columns(table: str) -> list[str]:
    """Return the names of a table's columns."""
    return [field["name"] for field in _avro_schema(table)["fields"]]


def _avro_schema(table: str) -> Any:
    return _FLAT if table == "flat" else schemas.schema(kind_of(table))


def rows(place: Place, table: str, parts: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of an output.

    Args:
        place: the output.
        table: one of :data:`TABLES`.
        parts: those to read, with their SHA-256 (:class:`.reading.Manifest`); all by default.

    Raises:
        InputError: it is no output of the job, a part has changed or cannot be read, or the text was not kept.
        UsageError: there is no such table.
    """
    kind = kind_of(table)
    if parts is None:
        parts = read_manifest(place).parts[kind]
        if kind == "text" and not parts:
            raise InputError(f"{place} has no text: run the keywords command with --keep-text")
    read = records(place, parts, kind)
    return _flat(read) if table == "flat" else read


def _flat(pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for page in pages:
        for rank, keyword in enumerate(page["keywords"], 1):
            yield {"url": page["url"], "title": page["title"], "language": page["language"], "rank": rank, **keyword}


def arrow_schema(table: str) -> "pa.Schema":
    """Return the Arrow schema of a table: that of its Avro schema, with enums as strings. No column has nulls."""
    arrow = require("pyarrow")

    def type_of(avro: Any) -> Any:
        if not isinstance(avro, dict):
            return {"string": arrow.string(), "int": arrow.int32(), "long": arrow.int64()}[avro]
        if avro["type"] == "array":
            return arrow.list_(arrow.field("item", type_of(avro["items"]), nullable=False))
        if avro["type"] == "record":
            return arrow.struct(fields_of(avro))
        return arrow.string() if avro["type"] == "enum" else type_of(avro["type"])

    def fields_of(avro: Any) -> list[Any]:
        return [arrow.field(field["name"], type_of(field["type"]), nullable=False) for field in avro["fields"]]

    schema: pa.Schema = arrow.schema(fields_of(_avro_schema(table)))
    return schema


def batches(table: str, some: Iterable[dict[str, Any]]) -> "Iterator[pa.RecordBatch]":
    """Yield rows of a table as batches of Arrow."""
    arrow, schema, left = require("pyarrow"), arrow_schema(table), iter(some)
    while chunk := list(islice(left, _ROWS)):
        yield arrow.RecordBatch.from_pylist(chunk, schema)


def to_arrow(place: Place, table: str) -> "pa.Table":
    """Return a table of an output. For errors see :func:`rows`."""
    arrow = require("pyarrow")
    made: pa.Table = arrow.Table.from_batches(batches(table, rows(place, table)), arrow_schema(table))
    return made


def tables_of(manifest: Manifest) -> list[str]:
    """Return the tables that an output has: all, but ``text`` only if it was kept."""
    return [table for table in TABLES if table != "text" or manifest.parts["text"]]


def write_parquet(file: Any, table: str, some: Iterable[dict[str, Any]]) -> int:
    """Write rows of a table to an open binary file, compressed with Zstandard; return their number."""
    parquet, schema, number = require("pyarrow.parquet"), arrow_schema(table), 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches(table, some):
            writer.write_batch(batch)
            number += batch.num_rows
    return number


def convert_part(place: Place, name: str, sha256: str) -> list[dict[str, Any]]:
    """Write the tables of a part, ``KIND/part-NNNNN.avro``, as Parquet; return what the manifest says about their files."""
    kind, _, file_name = name.partition("/")
    written = []
    for table in (table for table in TABLES if kind_of(table) == kind):
        buffer = io.BytesIO()
        number = write_parquet(buffer, table, rows(place, table, {name: sha256}))
        path, data = f"{PARQUET}/{table}/{file_name.removesuffix('.avro')}.parquet", buffer.getvalue()
        with (place / path).open("xb") as file:
            file.write(data)
        written.append({"path": path, "records": number, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return written
