"""The same pages are in thousands of small files and in 10 large ones, and the same job reads them.

An engine that makes a task of every file (Hadoop's ``TextInputFormat``, Spark's ``textFile``) has as many tasks as there are
files. Each of them costs its start, its messages to the driver, and its intermediate files, whatever it has to read. The remedy
is to let a task read many small files: the planner of this package does so (``crawl/plan.py``), Hadoop has
``CombineFileInputFormat``, and Spark's data sources pack files up to ``spark.sql.files.maxPartitionBytes``. What packing cannot
remedy is that every file has to be listed and opened, and that the NameNode of HDFS holds each in memory. Against this only
larger files help.
"""

import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..corpus import synthetic
from ..corpus.writers import open_output
from ..crawl import plan
from ..crawl.model import Split
from ..keywords import open_session
from ..keywords.analysis.languages import Rules
from ..keywords.job import Job, bits_for
from ..keywords.output import commit
from ..keywords.output.digest import add_up
from . import Outcome, Setting

WATCH = (
    "the tasks, and the seconds of the job. Packed small files need hardly more time than large files, because the planner "
    "makes as few tasks of them. Each file is opened twice by one thread, to find out its format and to read it."
)
PAGES = (
    "the page of a job on Spark, YARN or Hadoop's history server: the number of its map tasks. The page of the NameNode: files "
    "and directories, blocks, and heap memory used, in its summary."
)
LARGER = (
    "the NameNode is one machine, however many there are. As a calculation, with about 150 bytes for each file and each block "
    "(Cloudera's documentation of CDP, Disk space versus namespace): 100 TB in files of 4 KB are 25 billion files and as many "
    "blocks, 7.5 TB of memory; in files of 1 GB with 8 blocks of 128 MB, they are 900,000 objects, 135 MB."
)
_OBJECT: Final = 150  # bytes of the NameNode's memory for a file or a block

_opened: dict[str, int] = {}  # how often files were opened in a directory, for those that are in here


def _count(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str) and (parent := arguments[0].rpartition("/")[0]) in _opened:
        _opened[parent] += 1


class Measured(NamedTuple):
    """What a run took, and its digest; ``opened`` counts only what this process opens."""

    tasks: int
    planned: float
    seconds: float
    opened: int
    digest: str


def write(directory: Path, pages: int, files: int) -> int:
    """Write synthetic pages as JSON lines, as many to each file; return the bytes."""
    directory.mkdir()
    made, nbytes = synthetic.pages(pages, seed=1, nbytes=1000), 0
    for number in range(files):
        with open_output(str(directory / f"pages-{number:05}.jsonl")) as output:
            for page in islice(made, pages // files):
                output.write(page)
        nbytes += output.nbytes
    return nbytes


def run(directory: Path, engine: str, workers: int, *, packed: bool) -> Measured:
    """Plan and run the job; if not ``packed``, with a task for each file, or each piece of a large one."""
    _opened[str(directory)] = 0
    start = time.perf_counter()
    splits, _ = plan.plan([str(directory)])
    if not packed:
        splits = [Split(number, (piece,)) for number, piece in enumerate(piece for split in splits for piece in split.ranges)]
    planned = time.perf_counter() - start
    with (
        commit.working_directory(directory.with_name("output"), overwrite=False) as workdir,
        open_session(engine, workers=workers) as session,
    ):
        start = time.perf_counter()
        parts = session.run_job(Job(10, Rules(), bits_for(splits), str(workdir)), splits, lambda *_: None)
        seconds = time.perf_counter() - start
    return Measured(len(splits), planned, seconds, _opened.pop(str(directory)), add_up(parts).digest)


def measure(setting: Setting) -> Outcome:
    """Run the job over small and over large files."""
    sys.addaudithook(_count)  # which stays, and counts nothing after the experiment
    small, large = (120, 3) if setting.quick else (10_000, 10)
    nbytes = {files: write(setting.directory / str(files), small, files) for files in (small, large)}
    ways = {
        f"{large:,} large files": (large, True),
        f"{small:,} small files, packed": (small, True),
        f"{small:,} small files, a task each": (small, False),
    }
    done: dict[tuple[str, str], Measured] = {}
    for name, (files, packed) in ways.items():
        for engine, workers in (("serial", 0), ("asyncio", setting.workers)):
            setting.say(f"{name}, {engine}")
            done[name, engine] = run(setting.directory / str(files), engine, workers, packed=packed)
    serial = {name: done[name, "serial"] for name in ways}
    few, packed_, many = serial.values()
    return Outcome(
        data=f"{small:,} synthetic pages ({nbytes[large] / 1e6:.0f} MB as JSON lines)",
        head=("", "map tasks", "files opened", "planning, s", "one thread, s", "asyncio, s", "NameNode, kB (calculated)"),
        rows=[
            (name, one.tasks, one.opened, one.planned, one.seconds, done[name, "asyncio"].seconds, 2 * files * _OBJECT // 1000)
            for (name, one), (files, _) in zip(serial.items(), ways.values(), strict=True)
        ],
        bars={name: one.seconds for name, one in serial.items()},
        unit="s on one thread",
        finding=(
            f"With a task for each of {small:,} files, the job had {many.tasks:,} map tasks and took {many.seconds:.0f} s on one "
            f"thread; with the files packed into {packed_.tasks} tasks, {packed_.seconds:.0f} s; from {large} large files, "
            f"{few.seconds:.0f} s."
        ),
        holds=len({one.digest for one in done.values()}) == 1 and many.tasks == small and packed_.tasks < small / 10,
        counts={
            **{f"tasks, {name}": one.tasks for name, one in serial.items()},
            **{f"opened, {name}": one.opened for name, one in serial.items()},
        },
    )
