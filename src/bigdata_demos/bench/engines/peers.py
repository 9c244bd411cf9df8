"""Peers: word counts with other tools, one function each. ``python -m bigdata_demos.bench.engines.peers NAME INPUT…`` runs one.

It prints a line of JSON: seconds from the creation of the process until all workers are ready (``startup``), seconds by phase,
the number of pages, and a digest of the counts, which is the same for all peers.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing import Pool
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ... import command

if TYPE_CHECKING:
    from multiprocessing.pool import Pool as ProcessPool

    from .wordcount import Sums

_BY_FILE: Final = "Word count only; a task is a file, so one large file keeps one worker busy."


class Peer(NamedTuple):
    """A peer. ``packages``: its additional dependencies. ``note``: how it differs from the job.

    ``lacks`` returns how to install what is missing outside of this environment; an empty string if nothing is.
    """

    run: "Callable[[Sequence[str], int, str, Clock], Answer]"
    packages: tuple[str, ...]
    note: str
    parallel: bool = True
    lacks: Callable[[], str] = str

    @property
    def missing(self) -> str:
        """How to install what is missing; empty if nothing is."""
        lacking = [name for name in self.packages if find_spec(name) is None]
        return f"not installed: pip install {' '.join(lacking)}" if lacking else self.lacks()


class Answer(NamedTuple):
    """The result of a peer."""

    pages: int
    sums: "Sums"


@dataclass
class Clock:
    """Seconds by phase since the creation of the process."""

    last: float
    startup: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        """End a phase; the phase ``start`` ends the start-up."""
        now = time.time()
        self.phases[name] = self.phases.get(name, 0.0) + now - self.last
        self.last = now
        if name == "start":
            self.startup = sum(self.phases.values())


def one_thread(files: Sequence[str], _workers: int, _cluster: str, clock: Clock) -> Answer:
    """Count with a loop and a Counter."""
    from . import wordcount

    clock.lap("start")
    words = wordcount.add(map(wordcount.count_file, files))
    clock.lap("count")
    return Answer(words.pages, wordcount.sums(words.counts.items()))


@contextmanager
def _processes_of(workers: int) -> Iterator["ProcessPool"]:
    """Open a Pool whose processes do not inherit this command's SIGTERM handler, because a Pool ends them with SIGTERM."""
    handler = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with Pool(workers) as processes:
        signal.signal(signal.SIGTERM, handler)
        yield processes


def pool(files: Sequence[str], workers: int, _cluster: str, clock: Clock) -> Answer:
    """Count with ``multiprocessing.Pool``."""
    from . import wordcount

    with _processes_of(workers) as processes:
        processes.map(abs, range(workers), chunksize=1)
        clock.lap("start")
        words = wordcount.add(processes.imap_unordered(wordcount.count_file, files))
        clock.lap("count")
        answer = Answer(words.pages, wordcount.sums(words.counts.items()))
        clock.lap("check")
    return answer


def ray(files: Sequence[str], workers: int, _cluster: str, clock: Clock) -> Answer:
    """Count with one Ray task per file."""
    from . import wordcount

    library = importlib.import_module("ray")
    library.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        count = library.remote(wordcount.count_file)
        library.get([library.remote(warm).remote(number) for number in range(workers)])
        clock.lap("start")
        waiting = [count.remote(path) for path in files]
        words = wordcount.add(each(library, waiting))
        clock.lap("count")
        answer = Answer(words.pages, wordcount.sums(words.counts.items()))
        clock.lap("check")
    finally:
        library.shutdown()
    return answer


def each(library: Any, waiting: list[Any]) -> Iterator[Any]:
    """Yield the results of Ray tasks as they complete."""
    while waiting:
        done, waiting = library.wait(waiting)
        yield from library.get(done)


def warm(number: int) -> int:
    """Do nothing but make a worker import this module."""
    return number


@contextmanager
def extracted(files: Sequence[str], workers: int, clock: Clock) -> Iterator[list[str]]:
    """Extract the texts with a Pool, because table engines have no function for it."""
    from . import wordcount

    with _processes_of(workers) as processes:
        processes.map(warm, range(workers), chunksize=1)
        clock.lap("start")
        extracted_texts = [text for some in processes.imap_unordered(wordcount.texts_of_file, files) for text in some]
    clock.lap("extract")
    yield extracted_texts


def polars(files: Sequence[str], workers: int, _cluster: str, clock: Clock) -> Answer:
    """Extract with a Pool and count with Polars."""
    os.environ["POLARS_MAX_THREADS"] = str(workers)
    from . import wordcount

    library = importlib.import_module("polars")
    with extracted(files, workers, clock) as texts:
        words = library.Series("word", texts, library.String).str.extract_all(r"[\p{L}\p{N}_]+").explode().drop_nulls()
        counts = words.value_counts()
        clock.lap("count")
        answer = Answer(len(texts), wordcount.sums(counts.iter_rows()))
        clock.lap("check")
    return answer


def duckdb(files: Sequence[str], workers: int, _cluster: str, clock: Clock) -> Answer:
    """Extract with a Pool and count with DuckDB."""
    import numpy as np

    from . import wordcount

    library = importlib.import_module("duckdb")
    with extracted(files, workers, clock) as texts, library.connect(config={"threads": workers}) as connection:
        connection.register("pages", {"text": np.array(texts, dtype=object)})
        words = r"SELECT unnest(regexp_extract_all(text, '[\p{L}\p{N}_]+')) AS word FROM pages"
        counted = connection.execute(f"SELECT word, count(*) FROM ({words}) GROUP BY word").fetchall()  # noqa: S608
        clock.lap("count")
        answer = Answer(len(texts), wordcount.sums(counted))
        clock.lap("check")
    return answer


def spark(files: Sequence[str], workers: int, cluster: str, clock: Clock) -> Answer:
    """Count with Spark as in Common Crawl's cc-pyspark: pairs of words and counts by page, then ``reduceByKey``."""
    from operator import add

    from ...cluster.spark import connect
    from . import wordcount

    with connect(cluster, workers, {}, wordcount.__name__) as (context, slots):
        context.parallelize(range(slots), slots).map(warm).collect()
        clock.lap("start")
        pages = context.accumulator(0)

        def count(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
            for path in paths:
                for text in wordcount.texts(path):
                    pages.add(1)
                    yield from Counter(wordcount.WORD.findall(text)).items()

        counts = context.parallelize(files, len(files)).mapPartitions(count).reduceByKey(add, max(2 * slots, 2))
        parts = counts.mapPartitions(lambda pairs: [wordcount.sums(pairs)]).collect()
        clock.lap("count")
        return Answer(pages.value, wordcount.Sums(*(sum(column) for column in zip(*parts, strict=True))))


def of_common_crawl(files: Sequence[str], workers: int, cluster: str, clock: Clock) -> Answer:
    """Count with a job of Common Crawl's cc-pyspark."""
    from . import cc_pyspark

    return cc_pyspark.run(files, workers, cluster, clock)


def _no_cc_pyspark() -> str:
    from . import cc_pyspark  # here, since the word count on one thread must not take the time to import it

    return cc_pyspark.missing()


PEERS: Final = {
    "wordcount": Peer(
        one_thread, (), "Word count only, on one thread: what others pay for much less than the job.", parallel=False
    ),
    "pool-wordcount": Peer(pool, (), _BY_FILE),
    "ray-wordcount": Peer(ray, ("ray",), _BY_FILE),
    "polars-wordcount": Peer(
        polars,
        ("polars",),
        "Word count only; a Pool extracts (phase extract), Polars counts (phase count). All texts are in memory.",
    ),
    "duckdb-wordcount": Peer(
        duckdb,
        ("duckdb",),
        "Word count only; a Pool extracts (phase extract), DuckDB counts (phase count). All texts are in memory.",
    ),
    "spark-wordcount": Peer(
        spark, ("pyspark",), f"{_BY_FILE} In the manner of cc-pyspark: pairs of each page's words, reduceByKey."
    ),
    "cc-pyspark": Peer(
        of_common_crawl,
        ("pyspark", "pyarrow", "requests"),
        f"{_BY_FILE} Common Crawl's cc-pyspark on the same Spark, FastWARC and Resiliparse: its "
        "CCIndexWordCountJob, which reads whole files as its CCFastWarcSparkJob does, and writes a table (phase count). "
        "The table is read to compare it (phase check). It decodes no Content-Encoding, as Common Crawl's files have none, and "
        "does not run on a cluster.",
        lacks=_no_cc_pyspark,
    ),
}


def warcs(inputs: Sequence[str]) -> list[str]:
    """Expand paths, globs and directories to local WARC files.

    Raises InputError if an input does not exist; UsageError if a file is not a local WARC file.
    """
    from ...crawl.files import expand
    from ...errors import UsageError

    files = [file for path in inputs for file in expand(path) if file]
    for file in files:
        if file.kind != "warc" or "://" in file.path:
            raise UsageError(f"{file.path}: only local WARC files can be read here")
    return [file.path for file in files]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one peer, and print its phases, pages and digest as a line of JSON; returns the exit status."""
    clock = Clock(command.created())
    parser = command.Parser("python -m bigdata_demos.bench.engines.peers", description="Run one peer on local WARC files.")
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--workers", type=command.number_from(1), default=1)
    parser.add_argument("--cluster", default="")
    parser.add_argument("inputs", nargs="+", metavar="INPUT")

    def execute(arguments: argparse.Namespace) -> None:
        answer = PEERS[arguments.name].run(warcs(arguments.inputs), arguments.workers, arguments.cluster, clock)
        clock.lap("stop")
        figures = {"startup": clock.startup, "phases": clock.phases, "pages": answer.pages, "digest": answer.sums.digest}
        print(json.dumps(figures))

    return command.run(parser, execute, argv)


if __name__ == "__main__":
    # Workers must be able to import the functions, which they cannot from __main__
    sys.exit(importlib.import_module("bigdata_demos.bench.engines.peers").main())
