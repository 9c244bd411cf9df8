"""Measures writing and reading the same records (pages, and the job's results) as JSON lines, Avro and Parquet.

Each format is measured once per round, in rotating order; a temporary slowdown of the machine affects all of them. Every result
is compared with the records. Temporary files are read from the page cache immediately after they have been written; a disk or a
network would add time in proportion to the file size. Garbage collection is left enabled.
"""

import itertools
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import fastavro

from ...avro.containers import BLOCK_BYTES
from ...avro.schemas import schema
from ...crawl import plan, reader
from ...crawl.charset import decode
from ...crawl.model import Page
from ...errors import InputError, JobFailed, OutputError
from ...keywords.runner import run
from .. import environment
from ..results import Access, FormatRun
from .stores import BY_HAND, GROUP_RECORDS, KEY, Data, JsonLines, Parquet, Record, Store, stores

_LOOKUPS: Final = 20
_SEED: Final = 1  # of the look-up places
_TRIAL: Final = 20  # records of a trial before the first round, which excludes imports from the figures
PACKAGES: Final = ("fastavro", "pyarrow", "cramjam", "backports.zstd")


def measure(inputs: Sequence[str], command: Sequence[str], *, pages: int, rounds: int, progress: Callable[[str], None]) -> Access:
    """Measure all formats.

    Args:
        inputs: a crawl, as in the keywords command (default: the bundled one).
        command: the command line, for the record.
        pages: the maximum number of pages, from the start of the crawl.
        rounds: the number of rounds.
        progress: called with a message after each measured file.

    Raises:
        InputError: if no page can be read, or a package is missing.
        JobFailed: if the records read differ from those written.
        OutputError: if a temporary file cannot be written.
    """
    kinds = stores()
    machine = environment.machine()
    runs = []
    try:
        with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as name:
            directory = Path(name)
            crawl = pages_of(inputs or [str(plan.bundled_crawl())], pages)
            corpora = [crawl, results_of(crawl, directory)]
            for data, store in itertools.product(corpora, kinds):
                try_out(store, replace(data, records=data.records[:_TRIAL]), directory / "file", 0)
            for number, data in itertools.product(range(1, rounds + 1), corpora):
                for store in _rotated(kinds, number):
                    runs.append(try_out(store, data, directory / "file", number))
                    progress(told(runs[-1], rounds))
    except OSError as error:
        raise OutputError(f"cannot write to {tempfile.gettempdir()}: {error.strerror or error}: set TMPDIR") from None
    return Access(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        machine=machine,
        versions=versions(),
        commit=environment.commit(),
        inputs=inputs or ["(the bundled crawl)"],
        rounds=rounds,
        records={data.name: len(data.records) for data in corpora},
        lookups=_LOOKUPS,
        block_bytes=BLOCK_BYTES,
        group_records=GROUP_RECORDS,
        by_hand=BY_HAND,
        runs=runs,
    )


def pages_of(inputs: Sequence[str], most: int) -> Data:
    """Return the first pages of a crawl, decoded: JSON has no bytes, and Parquet no union types.

    Raises InputError if no page can be read.
    """
    page = schema("page")
    fields = [{**field, "type": ["null", "string"]} if field["name"] == "html" else field for field in page["fields"]]
    narrow: Any = fastavro.parse_schema({**page, "fields": fields}, _force=True)
    records = list(itertools.islice(_read_pages(inputs), most))
    if not records:
        raise InputError(f"{', '.join(inputs)}: no page can be read: run the keywords command on it to see why")
    return Data("pages", records, narrow)


def _read_pages(inputs: Sequence[str]) -> Iterator[Record]:
    splits, _ = plan.plan(inputs)
    for item in itertools.chain.from_iterable(map(reader.read, splits)):
        if isinstance(item, Page):
            content = item.content if isinstance(item.content, str) else decode(item.content, item.content_type)
            yield {
                "url": _sound(item.url),
                "html": None if item.is_text else _sound(content),
                "text": _sound(content) if item.is_text else None,
                "title": _sound(item.title) or None,
                "content_type": _sound(item.content_type),
                "date": _sound(item.date),
            }


def _sound(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


def results_of(crawl: Data, directory: Path) -> Data:
    """Run the job on the pages, and return its results. Raises InputError if there are no keywords."""
    path = directory / "pages.jsonl"
    JsonLines(packed=False).write(path, crawl)
    result = run([path], engine="serial", output=directory / "job", max_rejected=100)
    records = list(result.read_keywords())
    if not records:
        raise InputError(f"the job finds no keywords in the {len(crawl.records)} pages: name an input with text")
    return Data("results", records, schema("keywords"))


def _rotated(kinds: Sequence[Store], number: int) -> list[Store]:
    """Rotate the order by three formats per round."""
    first = (number - 1) * 3 % len(kinds)
    return [*kinds[first:], *kinds[:first]]


def try_out(store: Store, data: Data, path: Path, number: int) -> FormatRun:
    """Write a file, read it in all ways, and remove it. Raises JobFailed if the records read differ from those written."""
    places = random.Random(_SEED)  # noqa: S311
    parts = [places.random() for _ in range(_LOOKUPS)]
    steps: dict[str, Callable[[], Any]] = {
        "write": partial(store.write, path, data),
        "read": partial(store.read, path),
        "field": partial(store.field, path, data),
        "look-up": partial(store.look_up, path, parts),
        "newer": partial(store.read_newer, path, data),
    }
    if isinstance(store, Parquet):
        steps["arrow"] = partial(store.read_arrow, path)
    seconds, cpu = {}, {}
    try:
        for name, step in steps.items():
            began, cpu_began = time.perf_counter(), time.process_time()
            answer = step()
            seconds[name], cpu[name] = time.perf_counter() - began, time.process_time() - cpu_began
            if not right(name, answer, data):
                raise JobFailed(
                    f"{store.name}, {name}: the records read differ from those written: this is a bug, please report it"
                )
            del answer
        return FormatRun(data.name, store.name, store.family, number, path.stat().st_size, seconds, cpu)
    finally:
        path.unlink(missing_ok=True)


def right(name: str, returned: Any, data: Data) -> bool:
    """Return whether the result of a step is correct."""
    if name == "read":
        return bool(returned == data.records)
    if name == "field":
        return bool(returned == [record[KEY] for record in data.records])
    if name == "newer":
        return bool(returned == data.evolved)
    if name == "look-up":
        return len(returned) == _LOOKUPS and all(record in data.records for record in returned)
    return bool(name == "write" or returned.num_rows == len(data.records))


def told(one: FormatRun, rounds: int) -> str:
    """Return a progress message for a measured file."""
    return f"round {one.round}/{rounds}, {one.data} as {one.format}: {one.nbytes} bytes, {sum(one.seconds.values()):.2f} s"


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed
