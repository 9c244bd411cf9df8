"""One suite for all engines: each gives the answer of one thread, and that is the reference's."""

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import reference
from bigdata_demos.errors import InputError, JobFailed
from bigdata_demos.keywords import Result, Session, open_session, run, sinks, sources, stopwords
from bigdata_demos.keywords.job import Job
from bigdata_demos.keywords.model import Document, Mapped, Page, Split
from bigdata_demos.keywords.text import Unreadable, extract
from conftest import SITE, Input, require

NAMES = [
    "directory", "directory-many-splits", "bundled", "warc", "warc.gz", "warc.gz-many-splits", "avro-many-splits",
    "jsonl-many-splits", "jsonl.gz", "mixed-and-glob", "stdin", "none", "one-page", "uneven", "unicode", "bad",
]  # fmt: skip


def go(given: Input, output: Path, engine: str | Session, **more: Any) -> Result:
    """Run the job on an input."""
    return run(given.paths, engine=engine, output=output, stdin=given.stdin(), **{"max_rejected": 90, **given.options, **more})


@pytest.fixture(scope="session")
def serial(inputs: dict[str, Input], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What one thread makes of each input."""
    root = tmp_path_factory.mktemp("serial")
    return {name: go(given, root / name, "serial") for name, given in inputs.items()}


def test_names_are_complete(inputs: dict[str, Input]) -> None:
    """No input is forgotten below."""
    assert list(inputs) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_same_answer_as_one_thread(
    session: Session, name: str, inputs: dict[str, Input], serial: dict[str, Result], tmp_path: Path
) -> None:
    """Digest, counts and reasons are those of one thread, and the parts hold what they are said to hold."""
    result = go(inputs[name], tmp_path / "out", session)
    expected = serial[name]
    assert (result.digest, result.pages, result.rejected, result.skipped, result.keywords, result.reasons) == (
        expected.digest, expected.pages, expected.rejected, expected.skipped, expected.keywords, expected.reasons,
    )  # fmt: skip
    assert sum(1 for _ in result.read_keywords()) == result.pages
    assert sum(1 for _ in result.read_rejected()) == result.rejected
    assert len({row["stems"] for row in result.read_index()}) == result.keywords
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def documents(given: Input) -> list[Document]:
    """The pages of an input after extraction, read in one thread."""
    splits, _ = sources.plan(given.paths)
    found = []
    for split in splits:
        for page in sources.read(split):
            if isinstance(page, Page):
                try:
                    found.append(extract(page))
                except Unreadable:
                    continue
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("bundled", "stdin")])
def test_one_thread_gives_the_references_answer(name: str, inputs: dict[str, Input], serial: dict[str, Result]) -> None:
    """Keywords and index are those of the plain reference implementation."""
    given = inputs[name]
    words = stopwords.load(given.options.get("stopword_list", "en"))
    pages = [(d.url, d.title, d.text, d.declared) for d in documents(given)]
    results = reference.keywords(pages, words, given.options.get("top", 10))
    fields = ("phrase", "stems", "score", "tf", "df")
    found = sorted(
        (page["url"], [tuple(k[f] for f in fields) for k in page["keywords"]]) for page in serial[name].read_keywords()
    )
    assert found == sorted((page[0], best) for page, best in zip(pages, results, strict=True))
    fields = ("stems", "phrase", "rank", "score", "url")
    rows = sorted(tuple(row[f] for f in fields) for row in serial[name].read_index())
    assert rows == sorted(reference.index(pages, results))


def test_bad_pages_are_rejected_with_reasons(serial: dict[str, Result]) -> None:
    """Each bad page is there, with the reason that was counted by hand."""
    assert serial["directory"].reasons == {"empty": 1, "not-html": 1, "too-deep": 1}
    assert serial["directory"].skipped == 3  # two images and a style sheet
    letters = {(letter["url"], letter["reason"]) for letter in serial["directory"].read_rejected()}
    assert letters == {("bad/empty.html", "empty"), ("bad/not-html.html", "not-html"), ("bad/deep.html", "too-deep")}
    reasons = serial["bad"].reasons
    # bad.jsonl: four broken records, one empty page; cut.avro: its last block; cut.warc.gz: its last record
    assert reasons["truncated"] == 1
    assert reasons["bad-record"] == 5
    assert reasons["empty"] >= 2


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
    splits, _ = sources.plan([str(SITE)], split_bytes=40_000)
    assert len(splits) > 5
    return kind(10, stopwords.load("en"), 3, str(workdir)), splits


@pytest.fixture
def by_value() -> None:
    """Send this module's classes to workers that cannot import it."""
    import sys

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    if not _missing("spark"):
        import pyspark.cloudpickle

        pyspark.cloudpickle.register_pickle_by_value(sys.modules[__name__])


def _missing(engine: str) -> bool:
    from conftest import missing

    return bool(missing(engine))


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize("engine", ["dask", "spark"])
def test_a_killed_worker_changes_nothing(engine: str, serial: dict[str, Result], tmp_path: Path) -> None:
    """Dask and Spark run the tasks of a worker that dies again; the digest stays what it is."""
    require(engine)
    with open_session(engine, workers=2) as session, sinks.working_directory(tmp_path / "out", overwrite=False) as workdir:
        job, splits = job_of(DyingJob, workdir)
        parts = session.run_job(job, splits, lambda *_: None)
        assert (workdir / "died").exists()
        assert sinks.add_up(parts).digest == serial["directory"].digest


def test_a_killed_worker_of_asyncio_is_told(tmp_path: Path) -> None:
    """asyncio's pool does not run tasks again: it says what happened, and leaves nothing."""
    before = multiprocessing.active_children()  # of a session that other tests go on with
    with (
        pytest.raises(JobFailed, match="worker process died"),
        open_session("asyncio", workers=2) as session,
        sinks.working_directory(tmp_path / "out", overwrite=False) as workdir,
    ):
        job, splits = job_of(DyingJob, workdir)
        session.run_job(job, splits, lambda *_: None)
    assert list(tmp_path.iterdir()) == []
    assert set(multiprocessing.active_children()) <= set(before)


@pytest.mark.usefixtures("by_value")
@pytest.mark.parametrize("engine", ["serial", "asyncio", "dask", "spark"])
def test_a_failing_task_is_told_in_its_own_words(engine: str, tmp_path: Path) -> None:
    """What a task raises reaches the caller, from every engine."""
    require(engine)
    with (
        pytest.raises((InputError, JobFailed), match="the disk is on fire"),
        open_session(engine, workers=1) as session,
        sinks.working_directory(tmp_path / "out", overwrite=False) as workdir,
    ):
        job, splits = job_of(FailingJob, workdir)
        session.run_job(job, splits, lambda *_: None)
    assert list(tmp_path.iterdir()) == []
