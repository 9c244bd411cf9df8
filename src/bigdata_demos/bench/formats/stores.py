"""How records are kept in a file and read back, by the library that one would use for it: JSON lines, Avro, Parquet.

Records are dicts, going in and coming out. Each store reads in the same ways: all records; one field (:data:`KEY`) of all; a
record at each of some places in the file; and all records as a newer program wants them. All libraries are used as they come:
their own levels of compression, and as many threads as they take (pyarrow takes all cores, the others one).
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
"""The field that is read by itself. A newer program has it under another name, and has one more field, with a default:"""
_RENAMED: Final = "address"
_ADDED: Final = "language"
_DEFAULT: Final = "und"
"""ISO 639's code for a language that was not determined."""
_GZIP_LEVEL: Final = 6
"""That of the command ``gzip``; Python's own is 9, which takes much longer for little."""
GROUP_RECORDS: Final = 500
"""Of Parquet's row groups, the least that can be read. pyarrow's own is a million: then any look-up would read all."""
_ARROW: Final = {"string": "string", "long": "int64", "int": "int32"}
"""Arrow's names for the simple types that the records have."""


@dataclass(frozen=True)
class Data:
    """Records that are to be kept: ``name`` says which. ``schema``: Avro's, parsed."""

    name: str
    records: Sequence[Record]
    schema: Schema

    @cached_property
    def key_only(self) -> Schema:
        """The schema of a program that wants one field only."""
        return self.changed([field for field in self.schema["fields"] if field["name"] == KEY])

    @cached_property
    def newer(self) -> Schema:
        """The schema of a newer program: a field has another name, one more has a default."""
        fields = [
            {**field, "name": _RENAMED, "aliases": [KEY]} if field["name"] == KEY else field for field in self.schema["fields"]
        ]
        return self.changed([*fields, {"name": _ADDED, "type": "string", "default": _DEFAULT}])

    def changed(self, fields: list[Any]) -> Schema:
        """The schema with other fields."""
        return fastavro.parse_schema({**self.schema, "fields": fields}, _force=True)  # type: ignore[return-value]

    @cached_property
    def evolved(self) -> list[Record]:
        """The records as a newer program wants them."""
        return [_evolve(dict(record)) for record in self.records]

    @cached_property
    def arrow(self) -> Any:
        """Arrow's schema."""
        arrow = _parquet_package("pyarrow")
        return arrow.schema([(field["name"], _arrow_type(field["type"])) for field in self.schema["fields"]])


def _evolve(record: Record) -> Record:
    """Make a record one of a newer program, by hand."""
    record[_RENAMED] = record.pop(KEY)
    record.setdefault(_ADDED, _DEFAULT)
    return record


def _arrow_type(schema: Any) -> Any:
    """Arrow's type for an Avro type. All of Arrow's may be null."""
    arrow = _parquet_package("pyarrow")
    if isinstance(schema, list):
        [schema] = [branch for branch in schema if branch != "null"]
    if isinstance(schema, str):
        return getattr(arrow, _ARROW[schema])()
    if schema["type"] == "array":
        return arrow.list_(_arrow_type(schema["items"]))
    return arrow.struct([(field["name"], _arrow_type(field["type"])) for field in schema["fields"]])


def _parquet_package(module: str) -> Any:
    """pyarrow, or a module of it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError("Parquet needs the package pyarrow: pip install pyarrow") from None


class Store(Protocol):
    """A way of keeping records in a file. ``places``: of records to look up, as parts of the file, from 0 to less than 1."""

    family: str
    name: str

    def write(self, path: Path, data: Data) -> None:
        """Write all records to a new file."""

    def read(self, path: Path) -> list[Record]:
        """All records."""

    def field(self, path: Path, data: Data) -> list[str]:
        """:data:`KEY` of each record."""

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """A record at or after each place. Each is found by itself, from the opening of the file on."""

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """All records as a newer program wants them (:attr:`Data.evolved`)."""


class JsonLines:
    """JSON lines, plain or in one gzip member, by the standard library."""

    family = "JSON lines"

    def __init__(self, *, packed: bool) -> None:
        self.packed, self.name = packed, f"{PLAIN}, gzip" if packed else PLAIN

    def open(self, path: Path) -> BinaryIO:
        """The file, to read the lines."""
        return cast(BinaryIO, gzip.open(path)) if self.packed else path.open("rb")

    def write(self, path: Path, data: Data) -> None:
        """Write a line for each record."""
        encode = json.JSONEncoder(ensure_ascii=False).encode
        with gzip.open(path, "wb", _GZIP_LEVEL) if self.packed else path.open("wb") as file:
            file.writelines(encode(record).encode() + b"\n" for record in data.records)

    def parsed(self, path: Path) -> Iterator[Record]:
        """Record by record."""
        with self.open(path) as file:
            yield from map(json.loads, file)

    def read(self, path: Path) -> list[Record]:
        """Parse every line."""
        return list(self.parsed(path))

    def field(self, path: Path, data: Data) -> list[str]:
        """Parse every line: where a field is in it nobody knows before."""
        del data
        return [record[KEY] for record in self.parsed(path)]

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """The line after that in which a place is, after the last the first. In gzip all before it is decompressed."""
        found = []
        for place in places:
            with self.open(path) as file:
                file.seek(int(place * self.size(path)))
                file.readline()
                line = file.readline()
                if not line:
                    file.seek(0)
                    line = file.readline()
                found.append(json.loads(line))
        return found

    def size(self, path: Path) -> int:
        """Bytes of the lines; of a gzip member its last four bytes say so (RFC 1952), below 4 GiB."""
        with path.open("rb") as file:
            end = file.seek(0, io.SEEK_END)
            if not self.packed:
                return end
            file.seek(end - 4)
            return int.from_bytes(file.read(), "little")

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Parse every line, and change what came of it."""
        del data
        return [_evolve(record) for record in self.parsed(path)]


class Avro:
    """Avro container files with some codec, by fastavro; look-ups by :mod:`...avro.containers`."""

    family = "Avro"

    def __init__(self, codec: str) -> None:
        self.codec, self.name = codec, f"Avro, {codec}"

    def write(self, path: Path, data: Data) -> None:
        """Write blocks of as many bytes as the job's own have."""
        with path.open("wb") as file:
            fastavro.writer(file, data.schema, data.records, self.codec, BLOCK_BYTES)

    def decoded(self, path: Path, schema: Schema | None = None) -> list[Any]:
        """All records, as the reader's schema has them if there is one."""
        with path.open("rb") as file:
            return list(fastavro.reader(file, schema))

    def read(self, path: Path) -> list[Record]:
        """Decode every block."""
        return self.decoded(path)

    def field(self, path: Path, data: Data) -> list[str]:
        """Decompress every block, and pass over what the reader's schema does not have."""
        return [record[KEY] for record in self.decoded(path, data.key_only)]

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """The first record of the block after the next sync marker, after the last block that of the first."""
        found = []
        size = path.stat().st_size
        for place in places:
            with path.open("rb") as file:
                start = int(place * size)
                header = read_header(Source(file, str(path)))
                frames = itertools.chain(*(frames_between(file, str(path), header, at, size) for at in (start, 0)))
                frame = next(frames)
                if isinstance(frame, BadBlock):
                    raise JobFailed(f"{path}: a block that was just written cannot be read: {frame.detail}")
                found.append(untagged(next(Decoder(header).records(frame, str(path)))))
        return found

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Decode every block; fastavro resolves the writer's schema to the reader's."""
        return self.decoded(path, data.newer)


class Parquet:
    """Parquet files with some compression, by pyarrow."""

    family = "Parquet"

    def __init__(self, codec: str) -> None:
        self.codec, self.name = codec, f"Parquet, {codec}"
        self.arrow, self.parquet = _parquet_package("pyarrow"), _parquet_package("pyarrow.parquet")

    def write(self, path: Path, data: Data) -> None:
        """Make columns of the records, and write them in row groups."""
        table = self.arrow.Table.from_pylist(data.records, data.arrow)
        self.parquet.write_table(table, path, compression=self.codec, row_group_size=GROUP_RECORDS)

    def read_arrow(self, path: Path) -> Any:
        """All records as Arrow's columns, of which no Python objects are made: enough for who goes on with these."""
        return self.parquet.read_table(path)

    def read(self, path: Path) -> list[Record]:
        """Read all columns, and make dicts of them."""
        return cast(list[Record], self.read_arrow(path).to_pylist())

    def field(self, path: Path, data: Data) -> list[str]:
        """Read one column."""
        del data
        return cast(list[str], self.parquet.read_table(path, columns=[KEY]).column(KEY).to_pylist())

    def look_up(self, path: Path, places: Sequence[float]) -> list[Record]:
        """Read the row group in which a record is, and make a dict of that record."""
        found = []
        for place in places:
            with self.parquet.ParquetFile(path) as file:
                group, row = divmod(int(place * file.metadata.num_rows), GROUP_RECORDS)
                found += file.read_row_group(group).slice(row, 1).to_pylist()
        return found

    def read_newer(self, path: Path, data: Data) -> list[Record]:
        """Read with a schema that has the new column, which comes as nulls; fill it, and rename the other."""
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
"""What a change of schema leaves to the programmer, by family."""


def stores() -> list[Store]:
    """All of them, plain JSON lines first: what the others are compared with.

    Raises:
        InputError: if a package is missing, with how to get it.

    """
    codecs.package("cramjam", "snappy")
    codecs.zstandard()
    return [
        JsonLines(packed=False),
        JsonLines(packed=True),
        *map(Avro, ("null", "deflate", "bzip2", "snappy", "xz", "zstandard")),
        *map(Parquet, ("snappy", "zstd")),
    ]
