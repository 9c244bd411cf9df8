"""The formats that tables are exported to: a function for each, which writes one table, or several, to an open file."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from ..keywords.output.tables import columns, require, write_parquet

Rows = Iterable[dict[str, Any]]


def _to_parquet(file: BinaryIO, tables: Mapping[str, Rows]) -> None:
    for table, rows in tables.items():
        write_parquet(file, table, rows)


def _to_csv(file: BinaryIO, tables: Mapping[str, Rows]) -> None:
    """Write a line for the names of the columns, and one for each row; lists are JSON."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    for table, rows in tables.items():
        names = columns(table)
        writer.writerow(names)
        for row in rows:
            cells = (row[name] for name in names)
            writer.writerow([json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in cells])
    text.detach()


def _to_jsonl(file: BinaryIO, tables: Mapping[str, Rows]) -> None:
    for rows in tables.values():
        file.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def _to_duckdb(file: BinaryIO, tables: Mapping[str, Rows]) -> None:
    """Make a database at the path of a file, which it replaces: DuckDB opens paths only. Tables go through files of Parquet."""
    duckdb = require("duckdb")
    os.unlink(file.name)
    with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as directory, duckdb.connect(file.name) as database:
        for table, rows in tables.items():
            path = os.path.join(directory, f"{table}.parquet")
            with open(path, "xb") as parquet:
                write_parquet(parquet, table, rows)
            database.read_parquet(path).create(table)
            os.unlink(path)


class Format(NamedTuple):
    """A format: how it is written, the tables that it has by default (none: all), and the packages that it needs."""

    write: Callable[[BinaryIO, Mapping[str, Rows]], None]
    tables: Sequence[str] = ("keywords",)
    packages: Sequence[str] = ()


FORMATS: Final[Mapping[str, Format]] = {
    "parquet": Format(_to_parquet, packages=("pyarrow.parquet",)),
    "csv": Format(_to_csv, tables=("flat",)),
    "jsonl": Format(_to_jsonl),
    "duckdb": Format(_to_duckdb, tables=(), packages=("duckdb", "pyarrow.parquet")),
}


def counted(rows: Rows, progress: Callable[[str, int], None], table: str) -> Iterator[dict[str, Any]]:
    """Yield rows, and tell their number now and then."""
    number = 0
    for number, row in enumerate(rows, 1):
        yield row
        if number % 1_000 == 0:
            progress(table, number)
    progress(table, number)
