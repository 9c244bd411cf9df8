"""Faults that happen to real processes, and what each engine makes of them."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import psutil
import pytest

from bigdata_demos.cluster.standalone import dask_cluster, spark_cluster
from bigdata_demos.crawl import plan
from bigdata_demos.crawl.model import Split
from bigdata_demos.errors import EngineError, InputError, JobFailed
from bigdata_demos.keywords import open_session, run
from bigdata_demos.keywords.analysis.languages import Rules
from bigdata_demos.keywords.engines import why_not
from bigdata_demos.keywords.job import Job
from bigdata_demos.keywords.model import Mapped
from bigdata_demos.keywords.output import commit
from bigdata_demos.keywords.output.digest import add_up
from tests.support.paths import ROOT, SITE
from tests.support.requirements import require


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest that one thread has for the site."""
    return run([SITE], engine="serial", output=tmp_path_factory.mktemp("serial") / "out").digest


@dataclass(frozen=True, slots=True)
class DyingJob(Job):
    """A job whose first map task kills the process that it runs in, as the system does to one that takes too much memory."""

    def map_split(self, split: Split) -> Mapped:
        """Die once."""
        if split.number == 1:
            try:
                (Path(self.workdir) / "died").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return Job.map_split(self, split)


@dataclass(frozen=True, slots=True)
class FailingJob(Job):
    """A job with a task that fails each time."""

    def map_split(self, split: Split) -> Mapped:
        """Fail on one split."""
        if split.number == 1:
            raise InputError("the disk is on fire")
        return Job.map_split(self, split)


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
@pytest.mark.parametrize("engine", ["dask", "spark"])
def test_a_killed_worker_changes_nothing(engine: str, digest: str, tmp_path: Path) -> None:
    """Dask and Spark run the tasks of a worker that dies again; the digest stays what it is."""
    require(engine)
    with open_session(engine, workers=2) as session, commit.working_directory(tmp_path / "out", overwrite=False) as workdir:
        job, splits = job_of(DyingJob, workdir)
        parts = session.run_job(job, splits, lambda *_: None)
        assert (workdir / "died").exists()
        assert add_up(parts).digest == digest


def test_a_killed_worker_of_asyncio_is_told(tmp_path: Path) -> None:
    """asyncio's pool does not run tasks again: it says what happened, and leaves nothing."""
    before = multiprocessing.active_children()  # of a session that other tests go on with
    with (
        pytest.raises(JobFailed, match="worker process died"),
        open_session("asyncio", workers=2) as session,
        commit.working_directory(tmp_path / "out", overwrite=False) as workdir,
    ):
        job, splits = job_of(DyingJob, workdir)
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

    def map_split(self, split: Split) -> Mapped:
        """Sleep."""
        time.sleep(60)
        return Job.map_split(self, split)


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize(
    ("engine", "victims", "said"),
    [("dask", slice(0, 1), "connection to Dask's scheduler is lost"), ("spark", slice(1, None), "has had no worker for 20 s")],
)
def test_a_cluster_that_goes_away_is_told(
    engine: str, victims: slice, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler, or all workers, killed in the middle of the job: an error within half a minute, not a wait for ever."""
    require(engine)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # Dask sends this module's classes by name
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
