"""Helpers of the Hadoop engine: its staging directory in HDFS, input formats, progress and counters."""

import getpass
import math
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...cluster.hadoop.client import Finished, Hadoop, StreamingJob, files, put
from ...crawl import avro
from ...crawl.model import Range, Split
from ...errors import UsageError
from ...storage.files import open_file
from ..model import Part
from . import programs

Progress = Callable[[str, int, int], None]
_COUNTERS = (
    "Launched map tasks",
    "Data-local map tasks",
    "Failed map tasks",
    "Failed reduce tasks",
    "Map input records",
    "Map output records",
    "Map output bytes",
    "Combine input records",
    "Combine output records",
    "Reduce shuffle bytes",
    "Reduce input records",
    "Spilled Records",
    "HDFS: Number of bytes read",
    "HDFS: Number of bytes written",
    "bytes kept",
    "splits",
)
"""The counters that go to the manifest. Tasks write kept data by HTTP, which Hadoop's own counters miss."""
_TASKS = 4  # map tasks for each worker: a task costs a JVM and a Python


@dataclass(frozen=True)
class JobContext:
    """Where a job runs; ``staging`` is its directory in HDFS."""

    hadoop: Hadoop
    workers: int
    options: Mapping[str, str]
    staging: str


def describe(context: JobContext, splits: Sequence[Split], local: str) -> None:
    """Write the lines that describe splits to the staging directory, as the mappers' input."""
    path = Path(local, programs.SPLITS)
    path.write_text("".join(map(programs.line_of_split, splits)), encoding="utf-8")
    put(context.hadoop, str(path), f"{context.staging}/{programs.SPLITS}")


def reading_avro(context: JobContext, job: StreamingJob, splits: Sequence[Split]) -> StreamingJob:
    """Return pass 1 with Avro files as Hadoop's own input: each mapper gets the pages that are stored near it, as JSON keys.

    Raises UsageError if the input is not Avro in this HDFS, or if its pages cannot be told from their JSON.
    """
    hadoop, pieces = context.hadoop, {piece.path: piece for split in splits for piece in split.ranges}
    for path, piece in pieces.items():
        if piece.kind != "avro" or piece.codec or not path.startswith(hadoop.webhdfs):
            raise UsageError(f"`engine_options[input]=avro`: {piece.name or path} is not an Avro file in {hadoop.hdfs}")
    markup = {markup_of(path, piece.name or path) for path, piece in pieces.items()}
    if len(markup) > 1:
        raise UsageError("`engine_options[input]=avro`: some files store markup as bytes, some as strings: run a job for each")
    return replace(
        job,
        inputs=[hadoop.hdfs + path.removeprefix(hadoop.webhdfs) for path in pieces],
        mapper=[*job.mapper[:-1], "--pages", *markup, job.mapper[-1]],
        settings={**job.settings, "mapreduce.job.maps": _TASKS * context.workers, "stream.map.input.ignoreKey": "false"},
        options=_AVRO_PAGES,
    )


_AVRO_PAGES = ("-inputformat", "org.apache.avro.mapred.AvroAsTextInputFormat")
ONE_LINE = ("-inputformat", "org.apache.hadoop.mapred.lib.NLineInputFormat")


def options(context: JobContext, splits: int) -> dict[str, object]:
    """Return the settings of both jobs."""
    return {
        "mapreduce.input.lineinputformat.linespermap": max(1, math.ceil(splits / (_TASKS * context.workers))),
        "stream.map.input.ignoreKey": "true",
        "mapreduce.job.running.map.limit": context.workers,
        "mapreduce.job.running.reduce.limit": context.workers,
        "mapreduce.job.reduce.slowstart.completedmaps": 1.0,  # reducers that wait would hold the mappers' places
    }


def environment(hadoop: Hadoop) -> dict[str, str]:
    """Return the environment variables of tasks. Nodes with a Python of their own do not need this one's path."""
    names = ("BIGDATA_DEMOS_KERNEL",) if hadoop.python else ("BIGDATA_DEMOS_KERNEL", "PYTHONPATH")
    passed = {name: os.environ[name] for name in names if name in os.environ}
    return {"OPENBLAS_NUM_THREADS": "1", **passed}


_SHUFFLED = 67
"""A reducer's percentage once its input is fetched and sorted. (Each of fetching, sorting and reducing is a third.)"""


def percents(progress: Progress, mapping: str, reducing: str, splits: int, reducers: int) -> Callable[[int, int], None]:
    """Return a function that reports a job's percentages as phases: launch (until its master reports), map, shuffle, reduce."""

    def report(mapped: int, reduced: int) -> None:
        if mapped < 100:
            progress(mapping, mapped * splits // 100, splits)
        elif reduced < _SHUFFLED:
            progress("shuffle", reduced * reducers // _SHUFFLED, reducers)
        else:
            progress(reducing, (reduced - _SHUFFLED) * reducers // (100 - _SHUFFLED), reducers)

    progress("launch", 0, 1)
    return report


@contextmanager
def staging(hadoop: Hadoop) -> Iterator[str]:
    """Yield a directory in HDFS for a job, which is removed at the end."""
    directory = f"/user/{getpass.getuser()}/bigdata-demos-{uuid.uuid4().hex}"
    try:
        yield directory
    finally:
        with suppress(OSError, RuntimeError, ValueError):
            files(hadoop).rm(directory, recursive=True)


def put_inputs(context: JobContext, splits: Sequence[Split]) -> list[Split]:
    """Copy local files to HDFS, and return the splits of the copies, with the names of the originals."""
    paths = sorted({piece.path for split in splits for piece in split.ranges if "://" not in piece.path})
    copies = {}
    for number, path in enumerate(paths):
        target = f"{context.staging}/in/{number}/{Path(path).name}"
        put(context.hadoop, path, target)
        copies[path] = f"{context.hadoop.webhdfs}{target}"

    def copied(piece: Range) -> Range:
        return piece._replace(path=copies.get(piece.path, piece.path), name=piece.name or piece.path)

    return [split._replace(ranges=tuple(map(copied, split.ranges))) for split in splits]


def markup_of(path: str, name: str) -> str:
    """Return the type of an Avro file's markup: ``string``, or ``bytes``, which Hadoop hands on as one character for each byte.

    The JSON (``GenericData.toString`` of Avro's Java implementation) does not tell them apart, so the schema must.

    Raises UsageError if the schema allows both.
    """
    with open_file(path) as file:
        schema = avro.header_of(file, name).schema
    if avro.is_earlier_page(schema):
        raise UsageError(
            f"`engine_options[input]=avro`: {name} has an earlier version of our schema, and Hadoop passes its fields on by "
            "the names in it: leave the option out, or make it anew with `bigdata-demos corpus convert --html-bytes`"
        )
    types = next((field["type"] for field in schema["fields"] if field["name"] == "html"), "string")
    text_types = {"bytes", "string"} & set(types if isinstance(types, list) else [types])
    if len(text_types) != 1:
        raise UsageError(
            f"`engine_options[input]=avro`: {name} may have its markup as bytes or as strings, and Hadoop's JSON has both alike: "
            "make it with `bigdata-demos corpus convert --html-bytes`, or leave the option out"
        )
    return text_types.pop()


def kept_splits(hadoop: Hadoop, directory: str) -> list[Split]:
    """Return the splits that mappers made of input that Hadoop read. They have no ranges: pass 2 reads only their kept data."""
    names = [path.rpartition("/")[2] for path in files(hadoop).ls(directory, detail=False)]
    return [Split(number, ()) for number in sorted(int(name.partition(".")[0]) for name in names if name.endswith(".kept"))]


def output_of(hadoop: Hadoop, directory: str) -> Iterator[bytes]:
    """Yield the lines of a job's output."""
    fs = files(hadoop)
    for path in sorted(fs.ls(directory, detail=False)):
        if path.rpartition("/")[2].startswith("part-"):
            with fs.open(path, "rb") as file:
                yield from file


def with_counters(parts: list[Part], seconds: dict[str, float], jobs: Sequence[Finished]) -> list[Part]:
    """Return the parts, with Hadoop's counters and times added to the first one's counts."""
    told = {f"engine:{name} ms": round(1000 * value) for name, value in seconds.items()}
    for number, job in enumerate(jobs, 1):
        times = {"submit": job.submitted, "first map": job.started, "all": job.seconds}
        told |= {f"engine:pass {number} {name} ms": round(1000 * value) for name, value in times.items()}
        told |= {f"engine:pass {number} {name}": job.counters[name] for name in _COUNTERS if name in job.counters}
    return [replace(parts[0], counts={**parts[0].counts, **told}), *parts[1:]] if parts else []
