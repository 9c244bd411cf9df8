"""A worker is killed in the last phase of the job, and what had been computed before has to be computed again, or not.

The job maps its splits, scores them, and writes the buckets of the index. In the middle of this last phase, the process of a
worker gets SIGKILL, as from the kernel when the memory is full. What is lost depends on where an engine keeps results:

- One thread: the run is lost, and all of it runs again.
- asyncio with a process pool keeps results in files that the other workers see. Only the tasks that were running are lost.
- Dask keeps what tasks return in the memory of the workers, and runs those again whose results are lost and still needed. This
  job's tasks on Dask exchange their data by files, and return only where these are, so little is lost.
- Spark keeps the results of a shuffle's map side in files of the executor. If they are lost, the lost partitions are computed
  again from their lineage. (An external shuffle service, as YARN can have, keeps these files if only the executor dies.) Here
  the files are deleted, as if the machine were lost: on one machine, another executor might still find them.

The result is the same in all cases, because a task gives the same result whenever it runs.
"""

import multiprocessing
import os
import shutil
import signal
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from ..cluster.standalone import spark_cluster
from ..corpus import synthetic
from ..corpus.writers import open_output
from ..crawl import plan
from ..crawl.model import Split
from ..keywords import open_session
from ..keywords.analysis.frequencies import Table
from ..keywords.analysis.languages import Rules
from ..keywords.job import Job
from ..keywords.model import Mapped, Part, Scored
from ..keywords.output import commit
from ..keywords.output.digest import add_up
from . import Outcome, Setting

WATCH = (
    "the tasks that ran, phase by phase. asyncio and Dask repeat only tasks of the last phase. Spark repeats score, whose output "
    "was in the files of the killed executor."
)
PAGES = (
    "Spark's page of the job: a stage with the suffix (retry 1), and on the page of executors one that is dead. Dask's "
    "dashboard: tasks of the last phase turn from memory to waiting, and run again."
)
LARGER = (
    "less is lost with one worker: as a calculation, a hundredth of the results. But workers die more often: if a machine fails "
    "once in three years, one of 100 fails every 11 days, and preemptible machines within hours. A run on one machine that "
    "starts from the beginning after each failure never ends if it takes longer than the time between two."
)
PHASES: Final = ("map", "score", "index")
_BITS, _VICTIM = 3, 4  # there are 2**3 buckets; a worker is killed while it writes number 4


@dataclass(frozen=True, slots=True)
class CountedJob(Job):
    """The job, which leaves a file in ``tries`` for each attempt at a task, and in which a worker is killed once."""

    tries: str = ""

    def count(self, phase: str) -> None:
        """Count an attempt."""
        Path(self.tries, f"{phase}-{uuid.uuid4().hex}").touch()

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        """Map a split."""
        self.count("map")
        return Job.map_split(self, split, runs_again=runs_again)

    def score_split(self, split: Split, kept: bytes, table: Table) -> Scored:
        """Score a split."""
        self.count("score")
        return Job.score_split(self, split, kept, table)

    def write_bucket(self, bucket: int, packed: Iterable[bytes]) -> Part:
        """Write a bucket of the index, and be killed in the middle, once."""
        self.count("index")
        if bucket == _VICTIM:
            with suppress(FileExistsError):
                Path(self.tries, "killed").touch(exist_ok=False)
                kill_worker()
        return Job.write_bucket(self, bucket, packed)


def kill_worker() -> None:
    """Kill the worker that runs this task: this process, and on Spark the executor, a Java process above it, with its files."""
    for directory in filter(None, os.environ.get("SPARK_EXECUTOR_DIRS", "").split(os.pathsep)):
        shutil.rmtree(directory)
    for process in psutil.Process().parents():
        if "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
            process.kill()
    os.kill(os.getpid(), signal.SIGKILL)


def run(engine: str, workers: int, tries: Path, splits: Sequence[Split], cluster: str = "") -> str:
    """Run the job on an engine; return the digest."""
    with (
        commit.working_directory(tries.with_name("output"), overwrite=False) as workdir,
        open_session(engine, workers=workers, cluster=cluster) as session,
    ):
        parts = session.run_job(CountedJob(10, Rules(), _BITS, str(workdir), tries=str(tries)), splits, lambda *_: None)
        return add_up(parts).digest


def measure(setting: Setting) -> Outcome:
    """Kill a worker on each engine, and count the tasks that ran."""
    path = setting.directory / "pages.jsonl"
    with open_output(str(path)) as output:
        for page in synthetic.pages(120 if setting.quick else 800, seed=1):
            output.write(page)
    pieces, _ = plan.plan([str(path)], split_bytes=path.stat().st_size // 12)
    tasks = dict(zip(PHASES, (len(pieces), len(pieces), 1 << _BITS), strict=True))
    ran, digests = dict[str, Counter[str]](), set[str]()
    for engine in ("serial", "asyncio", "dask", "spark"):
        setting.say(engine)
        tries = setting.directory / engine
        tries.mkdir()
        with ExitStack() as stack:
            if engine == "serial":  # in a process of its own, which does not survive
                victim = multiprocessing.get_context("spawn").Process(target=run, args=(engine, 1, tries, pieces))
                victim.start()
                victim.join()
            cluster = stack.enter_context(spark_cluster(2)).url if engine == "spark" else ""
            digests.add(run(engine, 1 if engine == "serial" else 2, tries, pieces, cluster))
        ran[engine] = Counter(path.name.partition("-")[0] for path in tries.iterdir())
    splits, total = tasks["map"], sum(tasks.values())
    again = {engine: sum(counts[phase] for phase in PHASES) - total for engine, counts in ran.items()}
    rows: list[tuple[str | float, ...]] = [("without a failure", *tasks.values(), 0)]
    rows += [(engine, *(counts[phase] for phase in PHASES), again[engine]) for engine, counts in ran.items()]
    return Outcome(
        data=f"{output.pages:,} synthetic pages in {splits} splits, with 2 workers, of which one is killed in index",
        head=("tasks that ran", *PHASES, "repeated"),
        rows=rows,
        bars=again,
        unit=f"tasks that ran again, of {total}",
        finding=f"After a worker was killed in the last phase, one thread ran {again['serial']} of {total} tasks again, Dask "
        f"{again['dask']}, Spark {again['spark']} and asyncio {again['asyncio']}; the digests are the same.",
        holds=len(digests) == 1
        and all(counts["killed"] == 1 for counts in ran.values())
        and all(ran[engine][phase] == splits for engine in ("asyncio", "dask") for phase in ("map", "score"))
        and splits < ran["spark"]["score"],
        counts={f"{phase}, {engine}": counts[phase] for engine, counts in ran.items() for phase in PHASES} | tasks,
    )
