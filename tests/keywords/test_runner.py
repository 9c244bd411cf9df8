"""The Python interface: pages in memory, and results without an output directory. (The job itself: test_job.py.)"""

import gc
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bigdata_demos.errors import InputError, UsageError
from bigdata_demos.keywords import open_session, run, run_pages
from tests.support.paths import SITE


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of this test's own."""
    path = tmp_path / "spool"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def test_result_without_an_output(spool: Path, tmp_path: Path) -> None:
    """It is that of a run with one, and its files live as long as it does."""
    expected = run([SITE], engine="serial", output=tmp_path / "out")
    result = run([SITE], engine="serial")
    assert result.digest == expected.digest
    assert list(result.read_keywords()) == list(expected.read_keywords())
    rows = result.read_index()
    assert next(rows)
    assert len(list(spool.iterdir())) == 1
    rows.close()  # type: ignore[attr-defined]
    del result, rows
    gc.collect()
    assert list(spool.iterdir()) == []


def test_run_that_fails_without_an_output(spool: Path, tmp_path: Path) -> None:
    """Nothing is left; a remote cluster's workers could not write there."""
    with pytest.raises(InputError, match="not-there"):
        run([tmp_path / "not-there"], engine="serial")
    with pytest.raises(UsageError, match="requires output: a directory that the workers see"):
        run([SITE], engine="spark", cluster="spark://example.org:7077")
    assert list(spool.iterdir()) == []


def test_pages_in_memory(spool: Path, tmp_path: Path) -> None:
    """As from a file of JSON lines; they are read once, and by any session."""
    pages = [{"url": str(number), "text": f"Spark shuffle {number}. The shuffle spills."} for number in range(20)]
    pages.append({"id": "html", "html": "<title>Avro</title><p>Schema resolution"})
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    expected = run([tmp_path / "pages.jsonl"], engine="serial")
    read = 0

    def once() -> Iterator[dict[str, str]]:
        nonlocal read
        for page in pages:
            read += 1
            yield page

    with open_session("asyncio", workers=2) as session:
        assert run_pages(once(), engine=session).digest == expected.digest
    assert read == len(pages)
    result = run_pages(pages, engine="serial", top=1)
    assert all(len(page["keywords"]) <= 1 for page in result.read_keywords())


def test_pages_that_are_not_json(spool: Path) -> None:
    """One line says so, and nothing is left."""
    for pages in ([{"url": "a", "text": b"bytes"}], [{"url": "a", "text": {1, 2}}], [["url", "a"]], [{("url",): "a"}]):
        with pytest.raises(UsageError, match="a page cannot be written as JSON"):
            run_pages(pages, engine="serial")  # type: ignore[arg-type]
    assert list(spool.iterdir()) == []


def test_output_format(tmp_path: Path) -> None:
    """One of two; without the tables, the output has none."""
    with pytest.raises(UsageError, match="output_format=orc is none of avro, parquet"):
        run([SITE], engine="serial", output=tmp_path / "out", output_format="orc")
    result = run([SITE], engine="serial", output=tmp_path / "out")
    assert not (tmp_path / "out" / "parquet").exists()
    with pytest.raises(UsageError, match="table=pages is none of keywords, flat"):
        result.to_arrow("pages")
