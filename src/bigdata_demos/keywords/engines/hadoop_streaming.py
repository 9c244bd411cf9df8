"""Hadoop: two MapReduce jobs by Streaming. The data that pass 1 keeps for pass 2 are in HDFS, and so are the frequencies.

The mapper and the reducer are programs that read and write lines (:mod:`..streaming`); Hadoop sorts between them. A task's input
is a line that describes a split, which it opens itself. It writes data for pass 2 to side files of its attempt. The merged
frequencies are pass 1's output, which YARN hands to the nodes of pass 2 as files (the distributed cache).
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests as _  # noqa: F401 (fsspec's WebHDFS needs it)

from ...cluster.hadoop.client import StreamingJob, run
from ...cluster.hadoop.connection import connect, say
from ...crawl.model import Split
from ...errors import UsageError
from ..job import Job
from ..model import Part
from ..streaming import programs
from ..streaming.jobs import (
    ONE_LINE,
    JobContext,
    describe,
    environment,
    kept_splits,
    options,
    output_of,
    percents,
    put_inputs,
    reading_avro,
    staging,
    with_counters,
)
from . import Progress, Run, Settings, check_options

OPTIONS = {
    "input": "avro to have Hadoop read Avro files itself, where they are stored (default: splits, which tasks open)",
    "python": "the Python of Hadoop's nodes (default: this one; the compose cluster has its own)",
    "data": "local to leave local input where it is, for nodes that see it there (default: hdfs, where it is put first)",
}
_READER_OR_AVRO = (
    "`engine_options[input]=avro`: Hadoop reads the files by their own schema, and not by `reader_schema`: leave one of them out"
)
_CHOICES = {"input": ("splits", "avro"), "data": ("hdfs", "local")}


@contextmanager
def open(settings: Settings) -> Iterator[Run]:
    """Start Hadoop on this machine, or connect to one that runs."""
    check_options("hadoop", settings.options, OPTIONS)
    for name, values in _CHOICES.items():
        if settings.options.get(name, values[0]) not in values:
            raise UsageError(f"`engine_options[{name}]={settings.options[name]}`: it is {' or '.join(values)}")
    workers = settings.workers or os.cpu_count() or 1
    with connect(settings.cluster, workers) as hadoop:

        def run_job(job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
            if not splits:
                return []
            if job.reader and settings.options.get("input") == "avro":
                raise UsageError(_READER_OR_AVRO)
            with staging(hadoop) as directory:
                return _run_streaming(JobContext(hadoop, workers, settings.options, directory), job, splits, progress)

        yield run_job


def _run_streaming(context: JobContext, job: Job, splits: Sequence[Split], progress: Progress) -> list[Part]:
    """Run both passes, each as a MapReduce job."""
    hadoop, staging = context.hadoop, context.staging
    hdfs = f"{hadoop.hdfs}{staging}"
    with tempfile.TemporaryDirectory(prefix="bigdata-demos-") as local:
        progress("put", 0, 1)
        began = time.monotonic()
        if context.options.get("data", "hdfs") == "hdfs":
            splits = put_inputs(context, splits)
        describe(context, splits, local)
        seconds = time.monotonic() - began
        described = programs.save(Path(local), job, f"{hadoop.webhdfs}{staging}/pass-1").as_uri()

        # Pass 1: map
        reducers = min(context.workers, 1 << job.bits)
        command = [context.options.get("python") or hadoop.python or sys.executable, "-m", "bigdata_demos.keywords.streaming"]
        pass_1 = StreamingJob(
            "pass 1: map pages to candidates, reduce to document frequencies",
            [f"{hdfs}/{programs.SPLITS}"],
            f"{hdfs}/pass-1",
            mapper=[*command, "map", "."],
            # shuffle
            combiner=[*command, "merge", "--partial", "."],
            # reduce
            reducer=[*command, "merge", "."],
            reducers=reducers,
            files=[described],
            settings=options(context, len(splits)),
            environment=environment(hadoop),
            options=ONE_LINE,
        )
        by_hadoop = context.options.get("input") == "avro"
        first = run(
            hadoop,
            reading_avro(context, pass_1, splits) if by_hadoop else pass_1,
            percents(progress, "map", "merge", len(splits), reducers),
            say,
        )
        if by_hadoop:
            describe(context, kept_splits(hadoop, f"{staging}/pass-1"), local)
        merged = [f"{hdfs}/pass-1/part-{number:05}#{programs.TABLE}-{number}" for number in range(reducers)]

        # Pass 2: map
        pass_2 = replace(
            pass_1,
            name="pass 2: score candidates, reduce postings to the consolidated index",
            output=f"{hdfs}/pass-2",
            mapper=[*command, "score", "."],
            # shuffle
            combiner=[],
            # reduce
            reducer=[*command, "index", "."],
            files=[described, *merged],
        )
        second = run(hadoop, pass_2, percents(progress, "score", "index", len(splits), reducers), say)
    parts = [programs.part_of(line) for line in output_of(hadoop, f"{staging}/pass-2")]
    return with_counters(parts, {"put": seconds}, [first, second])
