"""Faults that happen to real processes, and what each engine makes of them."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import cloudpickle
import psutil
import pytest

from bigdata_demos.cluster.standalone import dask_cluster, spark_cluster
from bigdata_demos.crawl import plan
from bigdata_demos.crawl.model import Split
from bigdata_demos.errors import EngineError, InputError, JobFailed
from bigdata_demos.keywords import open_session, run
from bigdata_demos.keywords.analysis.frequencies import Table
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.engines import why_not
from bigdata_demos.keywords.job import Job
from bigdata_demos.keywords.model import Mapped, Part, Scored
from bigdata_demos.keywords.output import commit
from bigdata_demos.keywords.output.digest import add_up
from tests.support.paths import ROOT, SITE
from tests.support.requirements import require
from tests.support.scripts import load_script


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest that one thread has for the site."""
    return run([SITE], engine="serial", output=tmp_path_factory.mktemp("serial") / "out").digest


PHASES = ("map", "merge", "score", "index")


@dataclass(frozen=True, slots=True)
class DyingJob(Job):
    """A job of which tasks kill the process that they run in, as the system does to one that takes too much memory.

    It dies ``times`` times in each of the phases of ``dies_in``.
    """

    dies_in: tuple[str, ...] = ("map",)
    times: int = 1

    def die(self, phase: str) -> None:
        """Die, if it has not died often enough in this phase."""
        for number in range(self.times if phase in self.dies_in else 0):
            try:
                (Path(self.workdir) / f"died-{phase}-{number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        if split.number == 1:
            self.die("map")
        return Job.map_split(self, split, runs_again=runs_again)

    def merge(self, bucket: int, tables: Iterable[bytes]) -> bytes:
        self.die("merge")
        return Job.merge(self, bucket, tables)

    def score_split(self, split: Split, kept: bytes, table: Table) -> Scored:
        if split.number == 2:
            self.die("score")
        return Job.score_split(self, split, kept, table)

    def write_bucket(self, bucket: int, packed: Iterable[bytes]) -> Part:
        self.die("index")
        return Job.write_bucket(self, bucket, packed)


@dataclass(frozen=True, slots=True)
class FailingJob(Job):
    """A job with a task that fails each time."""

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        """Fail on one split."""
        if split.number == 1:
            raise InputError("the disk is on fire")
        return Job.map_split(self, split, runs_again=runs_again)


def job_of(kind: type[Job], workdir: Path) -> tuple[Job, list[Split]]:
    """A job of a kind over the bundled site, in more than ten splits."""
    splits, _ = plan.plan([str(SITE)], split_bytes=40_000)
    assert len(splits) > 5
    return kind(10, Rules(), 3, str(workdir)), splits


@pytest.fixture
def by_value() -> None:
    """Send this module's classes to workers that cannot import it."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    if not why_not("spark"):
        import pyspark.cloudpickle

        pyspark.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize("engine", ["asyncio", "dask", "spark"])
def test_a_killed_worker_changes_nothing(engine: str, digest: str, tmp_path: Path) -> None:
    """The tasks of a worker that dies in each of the four phases of one run are run again; the digest stays what it is."""
    require(engine)
    with open_session(engine, workers=2) as session, commit.working_directory(tmp_path / "out", overwrite=False) as workdir:
        plain, splits = job_of(DyingJob, workdir)
        job = replace(plain, dies_in=PHASES)  # type: ignore[call-arg]
        parts = session.run_job(job, splits, lambda *_: None)
        assert {path.name for path in workdir.glob("died-*")} == {f"died-{phase}-0" for phase in PHASES}
        assert add_up(parts).digest == digest


@dataclass(frozen=True, slots=True)
class WaitingJob(Job):
    """A job that scores nothing before a file ``go`` exists."""

    def score_split(self, split: Split, kept: bytes, table: Table) -> Scored:
        """Wait."""
        while not (Path(self.workdir) / "go").exists():
            time.sleep(0.05)
        return Job.score_split(self, split, kept, table)


@pytest.mark.usefixtures("by_value")
def test_dask_survives_the_loss_of_all_workers(digest: str, tmp_path: Path) -> None:
    """All workers die before any split is scored: others go on from the files of pass 1."""
    from distributed import get_client

    killed = list[int]()

    def kill_all(phase: str, _done: int, _total: int) -> None:
        if phase == "score" and not killed:
            killed.extend(get_client().run(os.getpid).values())
            for process in killed:
                os.kill(process, signal.SIGKILL)
            (workdir / "go").touch()

    with open_session("dask", workers=2) as session, commit.working_directory(tmp_path / "out", overwrite=False) as workdir:
        job, splits = job_of(WaitingJob, workdir)
        parts = session.run_job(job, splits, kill_all)
    assert len(killed) == 2
    assert add_up(parts).digest == digest


def test_the_table_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/reliability.md says of the engines that start fast."""
    load_script("measure_faults").main(["serial", "asyncio"])
    measured = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    documented = [
        line for line in (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    ]
    assert len(measured) == 8
    assert measured == ["|".join(line.split("|")[:4]) + "|" for line in documented[:8]]


@pytest.mark.parametrize("phase", PHASES)
def test_asyncio_tries_a_task_four_times(phase: str, digest: str, tmp_path: Path) -> None:
    """Three deaths in a phase are survived."""
    with open_session("asyncio", workers=2) as session, commit.working_directory(tmp_path / "out", overwrite=False) as workdir:
        plain, splits = job_of(DyingJob, workdir)
        job = replace(plain, dies_in=(phase,), times=3)  # type: ignore[call-arg]
        assert add_up(session.run_job(job, splits, lambda *_: None)).digest == digest


def test_asyncio_survives_a_worker_that_dies_between_tasks(digest: str, tmp_path: Path) -> None:
    """A pool that is known to be broken before a phase submits its first task is replaced as one that breaks during a task."""
    phases = []

    def kill_between(phase: str, done: int, _total: int) -> None:
        if done == 0 and phase not in phases:
            phases.append(phase)
            workers = set(multiprocessing.active_children()) - before
            assert len(workers) == 2
            workers.pop().kill()
            time.sleep(0.5)  # until the pool has noticed

    before = set(multiprocessing.active_children())  # of a session that other tests go on with
    with open_session("asyncio", workers=2) as session, commit.working_directory(tmp_path / "out", overwrite=False) as workdir:
        job, splits = job_of(Job, workdir)
        assert add_up(session.run_job(job, splits, kill_between)).digest == digest
    assert phases == list(PHASES)


def test_a_killed_worker_of_asyncio_is_told(tmp_path: Path) -> None:
    """A task whose worker dies each time ends the run, which says what happened and leaves nothing."""
    before = multiprocessing.active_children()  # of a session that other tests go on with
    with (
        pytest.raises(JobFailed, match="worker process died"),
        open_session("asyncio", workers=2) as session,
        commit.working_directory(tmp_path / "out", overwrite=False) as workdir,
    ):
        plain, splits = job_of(DyingJob, workdir)
        job = replace(plain, times=99)  # type: ignore[call-arg]
        session.run_job(job, splits, lambda *_: None)
    assert list(tmp_path.iterdir()) == []
    for _ in range(50):  # two threads join them: who comes second believes for a moment that they live
        if set(multiprocessing.active_children()) <= set(before):
            return
        time.sleep(0.1)
    raise AssertionError(multiprocessing.active_children())


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize("engine", ["serial", "asyncio", "dask", "spark"])
def test_a_failing_task_is_told_in_its_own_words(engine: str, tmp_path: Path) -> None:
    """What a task raises reaches the caller, from every engine."""
    require(engine)
    with (
        pytest.raises((InputError, JobFailed), match="the disk is on fire"),
        open_session(engine, workers=1) as session,
        commit.working_directory(tmp_path / "out", overwrite=False) as workdir,
    ):
        job, splits = job_of(FailingJob, workdir)
        session.run_job(job, splits, lambda *_: None)
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True, slots=True)
class SlowJob(Job):
    """A job whose map tasks take a minute."""

    def map_split(self, split: Split, *, runs_again: bool | None = None) -> Mapped:
        """Sleep."""
        time.sleep(60)
        return Job.map_split(self, split, runs_again=runs_again)


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize(
    ("engine", "victims", "said"),
    [("dask", slice(0, 1), "connection to Dask's scheduler is lost"), ("spark", slice(1, None), "has had no worker for 5 s")],
)
def test_a_cluster_that_goes_away_is_told(
    engine: str, victims: slice, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler, or all workers, killed in the middle of the job: an error within half a minute, not a wait for ever."""
    require(engine)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # Dask sends this module's classes by name
    if engine == "spark":
        monkeypatch.setattr("bigdata_demos.cluster.spark.WORKERLESS", 5.0)
    with ExitStack() as stack:
        cluster = stack.enter_context(spark_cluster(1) if engine == "spark" else dask_cluster(1))
        workdir = stack.enter_context(commit.working_directory(tmp_path / "out", overwrite=False))

        def kill() -> None:
            for process in cluster.processes[victims]:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()

        with pytest.raises(EngineError, match=said):  # noqa: SIM117 (the session is part of what raises)
            with open_session(engine, workers=1, cluster=cluster.url) as session:
                job, splits = job_of(SlowJob, workdir)
                killer = threading.Timer(3, kill)
                killer.start()
                started = time.monotonic()
                try:
                    session.run_job(job, splits, lambda *_: None)
                finally:
                    assert time.monotonic() - started < 55  # less than one task takes
    assert list(tmp_path.iterdir()) == []
