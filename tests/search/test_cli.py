"""The commands ``index`` and ``search``, as a user runs them."""

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from bigdata_demos.errors import OutputError
from bigdata_demos.index.cli import main as index
from bigdata_demos.keywords import run
from bigdata_demos.keywords.cli import main as keywords
from bigdata_demos.search.cli import main as search
from tests.support.paths import SITE


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the bundled site, with text."""
    path = tmp_path_factory.mktemp("search") / "out"
    run([SITE], engine="serial", output=path, keep_text=True)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_index_and_search(output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From an output to hits, in each format."""
    database = str(tmp_path / "site.db")
    assert index([str(output), "--db", database]) == 0
    assert "text=yes" in capsys.readouterr().err
    assert search([database, "spark", "shuffle", "--limit", "2"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("1. ")
    assert "*spark*" in shown.out.lower()
    assert "shown=2" in shown.err
    assert search([database, "spark shuffle", "--output-format", "jsonl"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert search([database, "spark shuffle", "--output-format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [line["url"] for line in lines] == [row["url"] for row in rows]
    assert len(lines) == 10
    assert lines[0].keys() == rows[0].keys() == {"url", "title", "language", "score", "snippet", "keywords", "copies"}
    assert search([database, "--related", "gil.html", "--output-format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0]).keys() == {"url", "title", "keywords"}
    assert search([database, "--top", "--limit", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    digest = json.loads((output / "manifest.json").read_text())["digest"]
    assert index(["--db", database, "--drop", digest[:30]]) == 0
    assert search([database, "spark"]) == 1
    assert "spark: 0 pages" in capsys.readouterr().err


def test_an_output_is_indexed_once(output: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output is searched through an index in the cache."""
    assert search([str(output), "gil"]) == 0
    first = capsys.readouterr()
    assert f"into {cache}" in first.err
    assert search([str(output), "gil"]) == 0
    second = capsys.readouterr()
    assert "indexing" not in second.err
    assert first.out == second.out


def test_errors(output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, with what to do."""
    for arguments, status, message in (
        ([str(tmp_path / "none.db"), "x"], 1, "no such index: make it by `bigdata-demos index"),
        ([str(tmp_path), "x"], 1, "is not an output of the keyword job"),
        ([str(output)], 2, "give a query, or --related, or --top"),
        ([str(output), "x", "--top"], 2, "give a query"),
        ([str(output), "---", "--limit", "0"], 2, "must be from 1 to 10000"),
        ([str(output), "!!"], 2, "QUERY has no word to look for"),
        ([str(output), "shufle"], 1, "did you mean shuffle?"),
    ):
        assert search(arguments) == status, arguments
        error = capsys.readouterr().err.splitlines()[-1]
        assert message in error, arguments
    assert index(["--db", str(tmp_path / "a.db")]) == 2
    assert "name an output" in capsys.readouterr().err
    for arguments in ([str(tmp_path)], ["--drop", "sha256:1"]):
        assert index([*arguments, "--db", str(tmp_path / "a.db")]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert not (tmp_path / "a.db").exists(), arguments


def test_keywords_and_index_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`keywords --index` makes what `keywords --keep-text` and `index` make; the keywords are printed all the same."""
    assert keywords([str(SITE), "--engine", "serial", "--index", str(tmp_path / "site.db")]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 63
    assert "text=yes" in shown.err
    assert search([str(tmp_path / "site.db"), '"broadcast variables"']) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["site.db"]


def test_an_index_that_cannot_be_written_is_found_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the job runs; nothing is written."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE precious (thing TEXT)")
    for path, message in ((other, "not an index of bigdata-demos"), (tmp_path / "no" / "x.db", "unable to open")):
        assert keywords([str(SITE), "--engine", "serial", "--index", str(path), "--output", str(tmp_path / "out")]) == 1
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n")) == ("", 1)
        assert message in shown.err
    assert [path.name for path in tmp_path.iterdir()] == ["other.db"]


def test_a_job_that_fails_leaves_no_index(tmp_path: Path) -> None:
    """Neither an empty file, nor anything else."""
    assert keywords([str(tmp_path / "not-there"), "--engine", "serial", "--index", str(tmp_path / "x.db")]) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_load_that_fails_after_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output is there, and the message says how to go on from it."""

    def fail(*_: object, **__: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("bigdata_demos.index.cli.load", fail)
    line = [str(SITE), "--engine", "serial", "--index", str(tmp_path / "x.db"), "--output", str(tmp_path / "out"), "--quiet"]
    assert keywords(line) == 1
    error = capsys.readouterr().err
    assert error == (
        f"error: the disk is full; {tmp_path}/out is complete: bigdata-demos index {tmp_path}/out --db {tmp_path}/x.db\n"
    )
    assert (tmp_path / "out" / "manifest.json").exists()
