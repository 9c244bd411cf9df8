"""The part of ``bench hadoop`` that needs no Hadoop: the same records as JSON lines and as Avro. The rest is run by hand."""

import json
from pathlib import Path

from bigdata_demos.bench.hadoop import ways
from bigdata_demos.keywords import run
from tests.support.paths import DATA


def test_forms_of_the_same_records(tmp_path: Path) -> None:
    """Each form gives the same records back; JSON lines are compared with themselves."""
    result = run([str(DATA / "site.warc.gz")], engine="serial", output=tmp_path / "result")
    lines = b"".join(json.dumps(page).encode() + b"\n" for page in result.read_keywords())
    head, *rows = ways.converting(lines)
    assert head.split() == ["form", "bytes", "of", "JSON", "records/s", "of", "JSON", "range"]
    assert [row[:18].rstrip() for row in rows] == list(ways.forms(lines))
    assert rows[0][18:].split()[:2] == [str(len(lines)), "1.00"]
    assert rows[0].endswith("1.00  1.00–1.00")
    assert all(0 < int(row[18:].split()[0]) < len(lines) for row in rows[1:])
