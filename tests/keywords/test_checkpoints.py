"""Runs that go on where an earlier one has ended: killed or failed, on any engine, with the same answer, and only for the same job."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.corpus.cli import main as corpus
from bigdata_demos.errors import JobFailed, UsageError
from bigdata_demos.keywords import checkpoints, run
from bigdata_demos.keywords.engines import ENGINES
from bigdata_demos.keywords.job import Job
from tests.support.paths import SITE
from tests.support.requirements import require

OPTIONS: dict[str, Any] = {"split_bytes": 40_000, "keep_text": True, "resume": True}


def fail_after(number: int, phase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a method of the job fail after some calls."""
    left, whole = number, getattr(Job, phase)

    def method(*arguments: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise JobFailed("on purpose")
        return whole(*arguments, **more)

    monkeypatch.setattr(Job, phase, method)


@pytest.fixture(scope="module")
def digest() -> str:
    """The digest of a run that nothing disturbs."""
    return run([SITE], engine="serial").digest


@pytest.mark.parametrize("engine", [name for name, one in ENGINES.items() if one.resumes])
def test_any_engine_goes_on(engine: str, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread fails in the second pass; an engine goes on, and takes what is there; nothing but the output is left."""
    require(engine)
    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        fail_after(3, "score_split", patch)
        with pytest.raises(JobFailed):
            run([SITE], engine="serial", output=output, **OPTIONS)
    kept = checkpoints.directory_for(output)
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    assert len(list(kept.glob("*.scored"))) == 3
    mapped = {path: path.stat().st_mtime_ns for path in kept.glob("*.mapped")}
    assert len(mapped) > 5
    if engine == "serial":
        fail_after(0, "map_split", monkeypatch)  # it is not called
    result = run([SITE], engine=engine, workers=0 if engine == "serial" else 2, output=output, **OPTIONS)
    assert result.digest == digest
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len(list(result.read_text())) == result.pages


def test_failure_in_the_first_pass(
    digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is mapped is not mapped again, and the number of results that are there is told."""
    output = tmp_path / "out"
    with monkeypatch.context() as patch:
        fail_after(2, "map_split", patch)
        with pytest.raises(JobFailed):
            run([SITE], engine="serial", output=output, **OPTIONS)
    with caplog.at_level(logging.WARNING):
        assert run([SITE], engine="serial", output=output, **OPTIONS).digest == digest
    assert "2 of the " in caplog.text


def test_killed_driver(tmp_path: Path) -> None:
    """SIGKILL in the middle of a run with a process pool; the same command goes on, with the digest of a run that was not killed."""
    crawl, output = tmp_path / "crawl.warc.gz", tmp_path / "out"
    assert corpus(["synthetic", "--pages", "1000", "--output", str(crawl), "-q"]) == 0
    line = [sys.executable, "-m", "bigdata_demos.keywords", str(crawl), "--workers", "2", "--output", str(output), "--resume"]
    line += ["--split-bytes", "80000"]
    kept = checkpoints.directory_for(output)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(list(kept.glob("*.mapped"))) < 4:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert not output.exists()
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "results of map tasks are there from an earlier run" in done.stderr
    assert f"digest={run([crawl], engine='serial').digest}" in done.stderr
    assert not kept.exists()


def test_only_the_same_job_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another option, or changed input: one line that says what to do. A run without it removes what is left when it succeeds."""
    page, output = tmp_path / "page.html", tmp_path / "out"
    page.write_text("<p>word count in parallel</p>")
    with monkeypatch.context() as patch:
        fail_after(0, "score_split", patch)
        with pytest.raises(JobFailed):
            run([page], engine="serial", output=output, resume=True)
    with pytest.raises(UsageError, match=r"resume=True: .* is of a run with other input, options or versions"):
        run([page], engine="serial", output=output, resume=True, top=3)
    with pytest.raises(UsageError, match=r"is of a run with other input, options"):
        run([page], engine="asyncio", output=output, resume=True, page_seconds=5)
    page.write_text("<p>something else entirely</p>")
    with pytest.raises(UsageError, match=r"is of a run with other input"):
        run([page], engine="serial", output=output, resume=True)
    run([page], engine="serial", output=output)
    assert not checkpoints.directory_for(output).exists()


def test_what_cannot_go_on() -> None:
    """Refused before anything starts."""
    for arguments, said in (
        ({"inputs": [SITE]}, "needs an output"),
        ({"inputs": [SITE], "output": "hdfs://localhost:1/x"}, "needs an output"),
        ({"inputs": ["-"], "output": "x", "stdin": []}, "not standard input"),
        (
            {"inputs": [SITE], "output": "x", "engine": "hadoop"},
            "does not work with engine hadoop: use one of serial, asyncio, dask, spark",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            run(resume=True, **{"engine": "serial", **arguments})  # type: ignore[arg-type]
