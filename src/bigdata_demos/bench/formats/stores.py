"""Stores that write and read records (dicts) as JSON lines, Avro and Parquet, with the usual libraries.

Each store reads all records, one field (:data:`KEY`) of all, single records at given places, and all records with a newer
schema. Libraries run with their default compression levels and threads (pyarrow uses all cores, the others one).
"""

import gzip
import importlib
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, cast

import fastavro

from ...avro import codecs
from ...avro.binary import Schema
from ...avro.containers import BLOCK_BYTES, BadBlock, Decoder, frames_between, read_header
from ...avro.streams import Source
from ...avro.values import untagged
from ...errors import InputError, JobFailed
from ..results import PLAIN

Record = dict[str, Any]

KEY: Final = "url"
"""The field that is read by itself. The newer schema renames it, and adds a field with a default."""
_RENAMED: Final = "address"
_ADDED: Final = "country"
_DEFAULT: Final = "unknown"
_GZIP_LEVEL: Final = 6  # the default of gzip(1); Python's is 9, which is much slower for little gain
GROUP_RECORDS: Final = 500
"""Records per Parquet row group, the smallest unit that can be read. With pyarrow's default, any look-up would read the file."""
_ARROW: Final = {"string": "string", "long": "int64", "int": "int32"}  # Avro's primitive types


@dataclass(frozen=True)
class Data:
    """Named records with their parsed Avro schema."""

    name: str
    records: Sequence[Record]
    schema: Schema

    @cached_property
    def key_only(self) -> Schema:
        """The reader's schema with :data:`KEY` only."""
        return self.changed([field for field in self.schema["fields"] if field["name"] == KEY])

    @cached_property
    def newer(self) -> Schema:
        """The newer schema, with a renamed and an added field."""
        fields = [
            {**field, "name": _RENAMED, "aliases": [KEY]} if field["name"] == KEY else field for field in self.schema["fields"]
        ]
        return self.changed([*fields, {"name": _ADDED, "type": "string", "default": _DEFAULT}])

    def changed(self, fields: list[Any]) -> Schema:
        """Return the schema with other fields."""
        return fastavro.parse_schema({**self.schema, "fields": fields}, _force=True)  # type: ignore[return-value]

    @cached_property
    def evolved(self) -> list[Record]:
        """The records in the newer schema."""
        return [_evolve(dict(record)) for record in self.records]

    @cached_property
    def arrow(self) -> Any:
        """Arrow's schema."""
        arrow = _parquet_package("pyarrow")
        return arrow.schema([(field["name"], _arrow_type(field["type"])) for field in self.schema["fields"]])


def _evolve(record: Record) -> Record:
    """Convert a record to the newer schema in place."""
    record[_RENAMED] = record.pop(KEY)
    record.setdefault(_ADDED, _DEFAULT)
    return record


def _arrow_type(schema: Any) -> Any:
    """Return the Arrow type for an Avro type; Arrow types are always nullable."""
    arrow = _parquet_package("pyarrow")
    if isinstance(schema, list):
        [schema] = [branch for branch in schema if branch != "null"]
    if isinstance(schema, str):
        return getattr(arrow, _ARROW[schema])()
    if schema["type"] == "array":
        return arrow.list_(_arrow_type(schema["items"]))
    return arrow.struct([(field["name"], _arrow_type(field["type"])) for field in schema["fields"]])


def _parquet_package(module: str) -> Any:
    """Import pyarrow or one of its modules."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError("Parquet needs the package pyarrow: pip install pyarrow") from None


class Store(Protocol):
    """A file format with its library. ``places`` of look-ups are fractions of the file from 0 to less than 1."""

    family: str
    name: str

    def write(self, path: Path, data: Data) -> None:
        """Write all records to a new file."""

    def read(self, path: Path) -> list[Record]:
        """Read all records."""

    def field(self, path: Path, data: Data) -> list[str]:
        """Read :data:`KEY` of each record."""

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """Read a record at or after each place; each look-up opens the file anew."""

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Read all records in the newer schema (:attr:`Data.evolved`)."""


class JsonLines:
    """JSON lines, plain or in one gzip member, by the standard library."""

    family = "JSON lines"

    def __init__(self, *, packed: bool) -> None:
        self.packed, self.name = packed, f"{PLAIN}, gzip" if packed else PLAIN

    def open(self, path: Path) -> BinaryIO:
        """Open a file for reading."""
        return cast(BinaryIO, gzip.open(path)) if self.packed else path.open("rb")

    def write(self, path: Path, data: Data) -> None:
        """Write a line for each record."""
        encode = json.JSONEncoder(ensure_ascii=False).encode
        with gzip.open(path, "wb", _GZIP_LEVEL) if self.packed else path.open("wb") as file:
            file.writelines(encode(record).encode() + b"\n" for record in data.records)

    def parsed(self, path: Path) -> Iterator[Record]:
        """Yield the records."""
        with self.open(path) as file:
            yield from map(json.loads, file)

    def read(self, path: Path) -> list[Record]:
        """Parse every line."""
        return list(self.parsed(path))

    def field(self, path: Path, data: Data) -> list[str]:
        """Parse every line, because the position of a field is unknown."""
        del data
        return [record[KEY] for record in self.parsed(path)]

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """Read the line after each place, or the first line at the end. With gzip, everything before it is decompressed."""
        records = []
        for place in places:
            with self.open(path) as file:
                file.seek(int(place * self.size(path)))
                file.readline()
                line = file.readline()
                if not line:
                    file.seek(0)
                    line = file.readline()
                records.append(json.loads(line))
        return records

    def size(self, path: Path) -> int:
        """Return the uncompressed size; for gzip, from the last four bytes (RFC 1952), which is correct below 4 GiB."""
        with path.open("rb") as file:
            end = file.seek(0, io.SEEK_END)
            if not self.packed:
                return end
            file.seek(end - 4)
            return int.from_bytes(file.read(), "little")

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Parse every line, and convert each record."""
        del data
        return [_evolve(record) for record in self.parsed(path)]


class Avro:
    """Avro container files, with fastavro; look-ups use :mod:`...avro.containers`."""

    family = "Avro"

    def __init__(self, codec: str) -> None:
        self.codec, self.name = codec, f"Avro, {codec}"

    def write(self, path: Path, data: Data) -> None:
        """Write blocks of the same size as the job does."""
        with path.open("wb") as file:
            fastavro.writer(file, data.schema, data.records, self.codec, BLOCK_BYTES)

    def decoded(self, path: Path, schema: Schema | None = None) -> list[Any]:
        """Read all records, resolved to the reader's schema if there is one."""
        with path.open("rb") as file:
            return list(fastavro.reader(file, schema))

    def read(self, path: Path) -> list[Record]:
        """Decode every block."""
        return self.decoded(path)

    def field(self, path: Path, data: Data) -> list[str]:
        """Decompress every block, and skip the fields that the reader's schema lacks."""
        return [record[KEY] for record in self.decoded(path, data.key_only)]

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """Read the first record of the next block after each place, or of the first block at the end."""
        records = []
        size = path.stat().st_size
        for place in places:
            with path.open("rb") as file:
                start = int(place * size)
                header = read_header(Source(file, str(path)))
                frames = itertools.chain(*(frames_between(file, str(path), header, at, size) for at in (start, 0)))
                frame = next(frames)
                if isinstance(frame, BadBlock):
                    raise JobFailed(f"{path}: a block that was just written cannot be read: {frame.detail}")
                records.append(untagged(next(Decoder(header).records(frame, str(path)))))
        return records

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Decode every block; fastavro resolves the writer's schema to the reader's."""
        return self.decoded(path, data.newer)


class Parquet:
    """Parquet files, with pyarrow."""

    family = "Parquet"

    def __init__(self, codec: str) -> None:
        self.codec, self.name = codec, f"Parquet, {codec}"
        self.arrow, self.parquet = _parquet_package("pyarrow"), _parquet_package("pyarrow.parquet")

    def write(self, path: Path, data: Data) -> None:
        """Convert the records to columns, and write these in row groups."""
        table = self.arrow.Table.from_pylist(data.records, data.arrow)
        self.parquet.write_table(table, path, compression=self.codec, row_group_size=GROUP_RECORDS)

    def read_arrow(self, path: Path) -> Any:
        """Read all records as an Arrow table, without Python objects."""
        return self.parquet.read_table(path)

    def read(self, path: Path) -> list[Record]:
        """Read all columns, and convert them to dicts."""
        return cast(list[Record], self.read_arrow(path).to_pylist())

    def field(self, path: Path, data: Data) -> list[str]:
        """Read one column."""
        del data
        return cast(list[str], self.parquet.read_table(path, columns=[KEY]).column(KEY).to_pylist())

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """Read the row group of each record, and convert that record to a dict."""
        records = []
        for place in places:
            with self.parquet.ParquetFile(path) as file:
                group, row = divmod(int(place * file.metadata.num_rows), GROUP_RECORDS)
                records += file.read_row_group(group).slice(row, 1).to_pylist()
        return records

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Read with the new column, fill its nulls with the default, and rename the other column."""
        schema = data.arrow.append(self.arrow.field(_ADDED, self.arrow.string()))
        table = self.parquet.read_table(path, schema=schema)
        filled = table.column(_ADDED).fill_null(_DEFAULT)
        table = table.set_column(table.num_columns - 1, _ADDED, filled)
        names = [_RENAMED if name == KEY else name for name in table.column_names]
        return cast(list[Record], table.rename_columns(names).to_pylist())


BY_HAND: Final[Mapping[str, str]] = {
    "JSON lines": "all of it is code in every program that reads: the new name, the default, and that old files lack both",
    "Avro": "nothing: the reader's schema says it, by an alias and a default",
    "Parquet": "a new column comes as nulls, and code fills in the default; columns are found by name, so code renames them, too",
}
"""The work that a schema change leaves to the programmer, by family."""


def stores() -> list[Store]:
    """Return all stores; the first is plain JSON lines, the baseline. Raises InputError if a package is missing."""
    codecs.package("cramjam", "snappy")
    return [
        JsonLines(packed=False),
        JsonLines(packed=True),
        *map(Avro, ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")),
        *map(Parquet, ("snappy", "zstd")),
    ]
