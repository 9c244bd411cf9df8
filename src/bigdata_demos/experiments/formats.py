"""The same records are written as JSON lines, Avro and Parquet, and read: all of them, and one field of each.

The records are nested: a page has a list of keywords, and each keyword has five fields. JSON lines repeat the name of every
field in every record. Avro stores the names once, in the schema of the file, and the values of a record one after another.
Parquet stores the values of each field (a column) together, so a program that needs one column reads that and skips the rest.

Files with rows (JSON lines, Avro) suit programs that need whole records, and streams, because a record can be appended when it
comes. Files with columns suit queries over few of many columns. A writer of columns has to collect many records before it can
write any of them.
"""

import gzip
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import fastavro
from pyarrow import parquet

from ..avro.schemas import schema
from ..bench.formats.stores import KEY, Avro, Data, JsonLines, Parquet, Store
from ..corpus import synthetic
from ..corpus.writers import decoded
from ..keywords import run_pages
from . import Outcome, Setting

WATCH = (
    "the bytes read for one field: files with rows are read to their end, Parquet only where that column is. Compressed JSON "
    "lines are somewhat larger than Avro, because a compressor removes repeated names well; the time to parse them remains. "
    "Parquet is not smaller here: its row groups have 500 records, and every list of keywords is cut into five columns. Most of "
    "its time for all records goes into Python objects, which pandas or DuckDB would not make."
)
PAGES = (
    "Spark's page of a SQL query: the node Scan parquet lists the columns that are read (ReadSchema). Its metric size of files "
    "read counts whole files; the bytes that were really read are in the column Input of the page of the stage."
)
LARGER = (
    "a query reads a fraction of a table of columns, and everything of a table of rows. As a calculation: if each of 100 "
    "machines reads 100 MB/s, a full scan of 100 TB takes 10,000 s, and a column that is a fortieth of it takes 250 s."
)
_REPETITIONS: Final = 3


class Counting(io.FileIO):
    """A file that counts the bytes that are read from it. Readers call one method or the other."""

    nbytes = 0

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, as ``io.BufferedReader`` does."""
        size = cast(int, super().readinto(buffer))
        self.nbytes += size
        return size

    def read(self, size: int | None = -1) -> bytes:
        """Return some bytes, as pyarrow asks for."""
        data = cast(bytes, super().read(-1 if size is None else size))
        self.nbytes += len(data)
        return data


def scan(store: Store, file: Counting) -> list[Any]:
    """Read all records."""
    if isinstance(store, Parquet):
        return cast(list[Any], parquet.read_table(file).to_pylist())
    buffered = io.BufferedReader(file)
    if isinstance(store, JsonLines):
        return list(map(json.loads, cast(io.BufferedReader, gzip.open(buffered)) if store.packed else buffered))
    return list(fastavro.reader(buffered))


def one_field(store: Store, file: Counting, data: Data) -> list[str]:
    """Read one field of all records, as cheaply as the format allows."""
    if isinstance(store, Parquet):
        return cast(list[str], parquet.read_table(file, columns=[KEY]).column(KEY).to_pylist())
    if isinstance(store, Avro):  # the other fields are skipped, but not on disk
        records: Any = fastavro.reader(io.BufferedReader(file), data.key_only)
    else:
        records = scan(store, file)
    return [record[KEY] for record in records]


def timed(path: Path, read: Callable[[Counting], list[Any]], expected: list[Any]) -> tuple[float, int, bool]:
    """Return the median time of reading a file, in seconds, the bytes read from it, and whether the result is as expected."""
    seconds, right = [], True
    for _ in range(_REPETITIONS):
        with Counting(path) as file:
            start = time.perf_counter()
            done = read(file)
            seconds.append(time.perf_counter() - start)
            right &= done == expected
            nbytes = file.nbytes
    return statistics.median(seconds), nbytes, right


def measure(setting: Setting) -> Outcome:
    """Write and read the records in each format."""
    pages = synthetic.pages(2_000 if setting.quick else 10_000, seed=1, nbytes=1000)
    setting.say("the job, whose results are the records")
    result = run_pages(({"url": page.url, "html": decoded(page)} for page in pages), engine="serial")
    data = Data("keywords", list(result.read_keywords()), schema("keywords"))
    keys = [record[KEY] for record in data.records]
    stores: list[Store] = [JsonLines(packed=False), JsonLines(packed=True), Avro("deflate"), Avro("zstandard"), Parquet("zstd")]
    rows, sizes, read, right = [], {}, {}, True
    for store in stores:
        setting.say(store.name)
        path = setting.directory / "records"
        store.write(path, data)
        sizes[store.name] = path.stat().st_size
        whole, _, all_right = timed(path, lambda file, store=store: scan(store, file), list(data.records))  # type: ignore[misc]
        field, read[store.name], keys_right = timed(path, lambda file, store=store: one_field(store, file, data), keys)  # type: ignore[misc]
        right &= all_right and keys_right
        rows.append((store.name, sizes[store.name] / 1e6, whole, read[store.name] / 1e6, field))
    columns, packed = stores[-1].name, stores[-2].name
    rest = [name for name in sizes if name != columns]
    return Outcome(
        data=f"the keywords of {len(keys):,} synthetic pages, {sum(len(record['keywords']) for record in data.records):,} in all",
        head=("", "MB", "all records, s", f"MB read for {KEY}", f"{KEY}, s"),
        rows=rows,
        bars={name: nbytes / 1e6 for name, nbytes in read.items()},
        unit=f"MB read for {KEY}",
        finding=(
            f"For one field of {len(keys):,} records, {read[columns] / 1e6:.2g} of {sizes[columns] / 1e6:.2g} MB of Parquet were "
            f"read, but all {sizes[packed] / 1e6:.2g} MB of Avro ({packed.partition(', ')[2]})."
        ),
        holds=right and read[columns] < sizes[columns] / 4 and all(read[name] >= sizes[name] for name in rest),
        counts={f"{name}, size": size for name, size in sizes.items()} | {f"{name}, read": size for name, size in read.items()},
    )
