"""What reading and parsing alone take."""

import subprocess
import sys
from collections import Counter

import pytest

from bigdata_demos.bench.engines import floor, wordcount
from bigdata_demos.errors import JobFailed
from tests.support.paths import DATA

CRAWL = str(DATA / "site.warc.gz")


def test_each_stage_reads_every_page() -> None:
    """And the word count is that of the peer."""
    pages = list(wordcount.bodies(CRAWL))
    assert len(pages) == wordcount.count_file(CRAWL).pages > 50
    for stage in floor.STAGES.values():
        if stage.run:
            stage.run(*pages[0])
    floor.COUNTS.clear()
    floor.run_stage(floor.COUNT, [CRAWL])
    assert wordcount.count_file(CRAWL).counts == floor.COUNTS != Counter()


def test_table() -> None:
    """A line for each stage, with CPU seconds and the ratio to the word count, which is 1 for itself."""
    _, *rows = [row.split() for row in floor.compare([CRAWL], 1).splitlines()]
    assert [row[0] for row in rows] == list(floor.STAGES)
    assert all(float(row[1]) > 0 and float(row[3]) > 0 for row in rows)
    assert rows[list(floor.STAGES).index(floor.COUNT)][3] == "1.00"


def test_failure_of_a_stage_is_not_measured() -> None:
    """It ends the comparison."""
    with pytest.raises(JobFailed, match="ends with 1: no such page"):
        floor.cpu_seconds([sys.executable, "-c", "raise SystemExit('no such page')"])
    line = [sys.executable, "-m", "bigdata_demos.bench.engines.floor", str(DATA / "site")]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "only local WARC files can be read here" in done.stderr
