"""The programs that Hadoop runs, without Hadoop: in a pipe, as their roles are taught."""

import json
import os
from pathlib import Path

import pytest

from bigdata_demos.crawl.model import Page, Rejected
from bigdata_demos.keywords import Result, run
from bigdata_demos.keywords.streaming import programs
from tests.support.inputs import Input
from tests.support.paths import DATA, SITE
from tests.support.pipe import piped, shell

WITHOUT_OPTIONS = ["directory", "bundled", "warc", "warc.gz", "jsonl.gz", "mixed-and-glob", "one-page"]


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_pipe_gives_the_answer_of_one_thread(name: str, inputs: dict[str, Input], tmp_path: Path) -> None:
    """``cat … | mapper | sort | reducer``, twice over."""
    given = inputs[name]
    assert not given.options
    assert given.stdin() is None
    (tmp_path / "pipe").mkdir()
    expected = run(given.paths, engine="serial", output=tmp_path / "serial", max_rejected=100)
    found = piped(given.paths, tmp_path / "pipe")
    assert (found.digest, found.pages, found.rejected, found.keywords) == totals(expected)


def totals(result: Result) -> tuple[str, int, int, int]:
    """What a pipe and a run have in common."""
    return result.digest, result.pages, result.rejected, result.keywords


@pytest.mark.parametrize(
    "between",
    [
        "sort | $job merge --partial try | sort",
        "sort | $job merge --partial try | sort | $job merge --partial try",
        "sort -r",
        "shuf --random-source=/dev/zero | sort -s -k1,1",
    ],
    ids=["combiner", "combiner-twice", "backwards", "shuffled"],
)
def test_what_is_between(between: str, tmp_path: Path) -> None:
    """A combiner may run any number of times, and values come in any order."""
    files = [str(path) for path in sorted(SITE.rglob("*.html"))]
    assert len(files) > 20
    (tmp_path / "pipe").mkdir()
    small = [str(DATA / "site.warc.gz"), *files]
    expected = run(small, engine="serial", output=tmp_path / "serial", max_rejected=100)
    assert piped(small, tmp_path / "pipe", between).digest == expected.digest


def test_mapper_that_is_run_again(tmp_path: Path) -> None:
    """What a repeated mapper keeps is the same as before."""
    assert shell("$job plan try > splits; $job map try < splits > first", tmp_path).returncode == 0
    kept = {path.name: path.read_bytes() for path in (tmp_path / "try" / "kept").iterdir()}
    assert shell("$job map try < splits > second", tmp_path).returncode == 0
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert {path.name: path.read_bytes() for path in (tmp_path / "try" / "kept").iterdir()} == kept


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("mkdir try; $job plan try", 2, "exists already: name another one"),
        ("$job plan try missing.warc.gz", 1, "missing.warc.gz: no such file or directory"),
        ("$job map try < /dev/null", 2, "run the program plan first"),
        ("$job plan try > splits; $job score try < splits", 1, "there is no frequencies in"),
    ],
)
def test_errors(line: str, status: int, said: str, tmp_path: Path) -> None:
    """One line, with what to do."""
    done = shell(line, tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, 1), done.stderr
    assert said in done.stderr


def test_reader_that_has_read_enough(tmp_path: Path) -> None:
    """A pipe that is closed at its end is no error to tell of."""
    done = shell("$job plan try > splits; $job map try < splits | head -c 10 > /dev/null", tmp_path)
    assert "Traceback" not in done.stderr


def test_help_and_its_example(tmp_path: Path) -> None:
    """What ``--help`` shows works as it stands."""
    said = shell("$job --help", tmp_path).stdout
    lines = [line.strip() for line in said.partition("example")[2].splitlines() if "$job" in line]
    assert len(lines) == 3
    done = shell("; ".join(lines).replace("crawl.warc.gz", str(DATA / "site.warc.gz")), tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "parts").read_bytes().count(b"\n") >= 9


def test_side_files_are_the_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They go where Hadoop says, by the address that works without native code."""
    monkeypatch.setenv("mapreduce_task_output_dir", "hdfs://nn:8020/user/x/pass-1/_temporary/1/_temporary/attempt_1")
    task = programs.Task(None, "webhdfs://me@nn:9870/user/x/pass-1")  # type: ignore[arg-type]
    assert programs.side_files(task) == "webhdfs://me@nn:9870/user/x/pass-1/_temporary/1/_temporary/attempt_1"


@pytest.mark.parametrize(
    ("attempt", "again"), [("attempt_1_0001_m_000000_0", False), ("attempt_1_0001_m_000000_10", True), ("", None)]
)
def test_whether_a_task_runs_again(attempt: str, again: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hadoop numbers the attempts at a task; elsewhere, nobody knows."""
    if attempt:
        monkeypatch.setenv("mapreduce_task_attempt_id", attempt)
    assert programs._runs_again() is again


def test_bytes_that_no_line_holds() -> None:
    """Tabs, line ends and NULs in what is packed do not matter."""
    packed = bytes(range(256)) + b"\t\r\n\0"
    lines = [programs.line_of(3, packed), programs.line_of(3, b""), programs.line_of(11, packed)]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert [(bucket, list(some)) for bucket, some in programs.groups(lines)] == [(3, [packed, b""]), (11, [packed])]
    assert os.linesep == "\n"


def test_pages_as_lines(tmp_path: Path) -> None:
    """A mapper whose lines are pages, decoded or with a character for each byte, with the tab that Hadoop leaves at their end."""
    markup = "<title>Größe</title><p>grüße der straßenbahn".encode()
    as_bytes = json.dumps({"url": "u", "html": markup.decode("latin-1")}, ensure_ascii=False) + "\t\n"
    as_text = json.dumps({"url": "u", "html": markup.decode(), "text": None}) + "\n"
    for lines, kind, content in ((as_bytes, "bytes", markup), (as_text, "string", markup.decode())):
        page = programs.page_of(lines.encode(), kind)
        assert isinstance(page, Page)
        assert page.content == content
    for line in (b"{broken", b"[]", b'{"url": "u"}', '{"url": "u", "html": "\u0394"}'.encode()):
        rejected = programs.page_of(line, "bytes")
        assert isinstance(rejected, Rejected)
        assert rejected.reason == "bad-record"
    (tmp_path / "lines").write_text(as_bytes + as_bytes.replace('"u"', '"v"'))
    pipe = "$job plan try > splits; cat lines | $job map --pages bytes try | sort | $job merge try > try/frequencies"
    done = shell(f"{pipe}; ls try/kept; wc -l < try/frequencies", tmp_path)
    assert done.returncode == 0, done.stderr
    kept, buckets = done.stdout.split()
    assert kept == "0.kept"
    assert int(buckets) > 1
