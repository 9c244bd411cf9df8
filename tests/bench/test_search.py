"""The benchmark of indexes, with SQLite; tests/index/test_postgres.py has the one with PostgreSQL."""

from pathlib import Path

import pytest

from bigdata_demos.bench.cli import main
from bigdata_demos.bench.search import indexes
from bigdata_demos.errors import JobFailed
from tests.support.paths import SITE


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    """The job, the load and the queries, with figures that are possible; the steps are told while they run."""
    assert main(["search", str(SITE), "--runs", "1", "--queries", "40", "--workers", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("63 pages; ")
    rows = {line[:28].strip(): line[28:].split() for line in out.splitlines() if line}
    assert float(rows["job"][0]) > float(rows["load into SQLite"][0]) > 0
    assert rows["job"][-1] == "1.00"
    median, p95, p99, slowest, hits = map(float, rows["40 to SQLite"])
    assert 0 < median <= p95 <= p99 <= slowest < 10_000
    assert hits >= 1
    for view in ("50 × overview", "40 × search", "40 × page", "50 × rejected", "50 × runs"):
        median, p95, p99, slowest = map(float, rows[view])
        assert 0 < median <= p95 <= p99 <= slowest < 10_000
    assert "loading into SQLite, run 1" in err


def test_step_that_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own last line says why."""
    with pytest.raises(JobFailed, match=r"job, run 1 failed: .*not-there"):
        list(indexes.run([str(tmp_path / "not-there")], "", 1, 1, 0, lambda _: None))
    assert main(["search", str(tmp_path / "not-there")]) == 1
    assert capsys.readouterr().err.count("error:") == 1
