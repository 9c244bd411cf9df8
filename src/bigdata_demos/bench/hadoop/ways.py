"""The command ``bigdata-demos bench hadoop``: compares two ways of reading a crawl, and JSON with Avro.

**Reading.** The job reads the same Avro file in HDFS in two ways. By default, tasks on any node open their splits. With
``AvroAsTextInputFormat``, Hadoop runs each task where its block is stored, and passes the pages as JSON.

**JSON and Avro.** A Hadoop job writes the keywords as JSON lines, which are converted to Avro; both are read.
"""

import getpass
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Final

import fastavro

from ...avro import schemas
from ...cluster.hadoop.client import Hadoop, StreamingJob, files, put
from ...cluster.hadoop.client import run as run_streaming
from ...cluster.hadoop.connection import connect
from ...crawl.plan import bundled_crawl
from ...errors import InputError, JobFailed
from ...keywords.runner import run

WAYS: Final = {"splits": "splits that tasks open", "avro": "AvroAsTextInputFormat"}
_PHASES: Final = ("launch", "map", "shuffle", "merge", "score", "index")
_READS: Final = 5  # of each file, alternately


def reading(crawl: str, cluster: str, workers: int, runs: int, directory: Path) -> Iterator[str]:
    """Yield the lines of the table that compares the ways of reading. ``crawl``: an Avro file in HDFS."""
    manifests: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for number in range(runs):
        for way in WAYS if number % 2 else reversed(WAYS):
            output = directory / f"{way}-{number}"
            run([crawl], engine="hadoop", workers=workers, cluster=cluster, output=output, engine_options={"input": way})
            manifests[way].append(json.loads((output / "manifest.json").read_text(encoding="utf-8")))
    digests = {manifest["digest"] for some in manifests.values() for manifest in some}
    if len(digests) > 1:
        raise JobFailed("the two ways of reading give different results: this is a bug, please report it")
    yield (
        f"{'input':26}{'seconds':>9}{'range':>14}"
        + "".join(f"{phase:>9}" for phase in _PHASES)
        + f"{'map tasks':>11}{'local':>7}"
    )
    for way, some in manifests.items():
        took = [manifest["seconds"]["total"] for manifest in some]
        laps = "".join(f"{median(manifest['seconds'][phase] for manifest in some):9.1f}" for phase in _PHASES)
        counted = some[-1]["engine_counters"]
        tasks, local = (counted.get(f"pass 1 {name} map tasks", 0) for name in ("Launched", "Data-local"))
        told = f"{local:7}" if way == "avro" else f"{'–':>7}"  # for splits, Hadoop knows only where the list of splits is stored
        yield f"{WAYS[way]:26}{median(took):9.1f}{f'{min(took):.1f}–{max(took):.1f}':>14}{laps}{tasks:11}{told}"


def _json_of(hadoop: Hadoop, parts: Sequence[Path], staging: str) -> bytes:
    """Convert Avro files to JSON lines with a Hadoop job whose mapper is ``cat``, and return the lines."""
    for part in parts:
        put(hadoop, str(part), f"{staging}/avro/{part.name}")
    job = StreamingJob(
        "keywords to JSON lines",
        [f"{hadoop.hdfs}{staging}/avro"],
        f"{hadoop.hdfs}{staging}/json",
        mapper=["cat"],
        reducer=["NONE"],
        reducers=0,
        settings={"stream.map.input.ignoreKey": "false"},
        options=("-inputformat", "org.apache.avro.mapred.AvroAsTextInputFormat"),
    )
    run_streaming(hadoop, job, lambda *_: None, lambda _: None)
    fs = files(hadoop)
    return b"".join(fs.cat_file(path) for path in sorted(fs.ls(f"{staging}/json", detail=False)) if "/part-" in path)


def forms(lines: bytes) -> dict[str, tuple[bytes, Callable[[bytes], Iterator[Any]]]]:
    """Encode the same records in several formats, and return each with its reader."""
    records = list(_read_json(lines))

    def packed(codec: str) -> bytes:
        file = io.BytesIO()
        fastavro.writer(file, json.loads(schemas.file_schema("keywords")), records, codec)
        return file.getvalue()

    return {
        "JSON lines": (lines, _read_json),
        "JSON lines, gzip": (gzip.compress(lines, 6), lambda data: _read_json(gzip.decompress(data))),
        "Avro": (packed("null"), read_avro),
        "Avro, deflate": (packed("deflate"), read_avro),
        "Avro, bzip2": (packed("bzip2"), read_avro),
    }


def _read_json(data: bytes) -> Iterator[Any]:
    return map(json.loads, data.splitlines())


def read_avro(data: bytes) -> Iterator[Any]:
    """Read the records of an Avro container file."""
    return iter(fastavro.reader(io.BytesIO(data)))


def converting(lines: bytes) -> Iterator[str]:
    """Yield the lines of the table of sizes and speeds."""
    made = forms(lines)
    expected = list(_read_json(lines))
    took: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(_READS):
        for name, (data, reader) in made.items():
            began = time.perf_counter()
            records = list(reader(data))
            took[name].append(time.perf_counter() - began)
            if records != expected:
                raise JobFailed(f"{name}: the records read differ from those written: this is a bug, please report it")
    yield f"{'form':18}{'bytes':>12}{'of JSON':>9}{'records/s':>12}{'of JSON':>9}  range"
    for name, (data, _) in made.items():
        ratios = [plain / one for plain, one in zip(took["JSON lines"], took[name], strict=True)]
        rate = len(expected) / median(took[name])
        span = f"{min(ratios):.2f}–{max(ratios):.2f}"
        yield f"{name:18}{len(data):12}{len(data) / len(lines):9.2f}{rate:12.0f}{median(ratios):9.2f}  {span}"


def measure(inputs: Sequence[str], cluster: str, workers: int, runs: int) -> Iterator[str]:
    """Yield the lines of both tables; if ``cluster`` is empty, a Hadoop cluster is started."""
    with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as directory, connect(cluster, workers) as hadoop:
        yield from compare(hadoop, inputs or [str(bundled_crawl())], workers, runs, Path(directory))


def compare(hadoop: Hadoop, inputs: Sequence[str], workers: int, runs: int, directory: Path) -> Iterator[str]:
    """Copy the input to HDFS as Avro, yield the lines of both tables, and remove the files from HDFS."""
    crawl, staging = directory / "crawl.avro", f"/user/{getpass.getuser()}/bench-{uuid.uuid4().hex}"
    line = [sys.executable, "-m", "bigdata_demos.corpus", "convert", *inputs, "--html-bytes", "--output", str(crawl)]
    if subprocess.run(line, check=False).returncode:
        raise InputError("the input cannot be converted to an Avro file with markup as bytes: see above")
    os.environ["HADOOP_CONF_DIR"] = str(hadoop.conf)  # makes the cluster available by its URL
    try:
        put(hadoop, str(crawl), f"{staging}/crawl.avro")
        path = f"{hadoop.hdfs}{staging}/crawl.avro"
        yield f"reading {crawl.stat().st_size} bytes of Avro, {runs} runs of each way, {workers} tasks at once"
        yield from reading(path, hadoop.hdfs, workers, runs, directory)
        parts = sorted((directory / "splits-0" / "keywords").glob("part-*.avro"))
        lines = _json_of(hadoop, parts, staging)
        yield f"\nJSON that Hadoop wrote, {lines.count(chr(10).encode())} records, read {_READS} times"
        yield from converting(lines)
    finally:
        with suppress(OSError, RuntimeError, ValueError):
            files(hadoop).rm(staging, recursive=True)
