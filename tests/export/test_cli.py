"""Tables of an output, opened by the tools that they are for; by Spark in tests/avro/test_interop.py."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bigdata_demos.export.cli import main as export
from bigdata_demos.export.formats import FORMATS
from bigdata_demos.keywords import Result, run, run_pages
from bigdata_demos.keywords.output.tables import TABLES
from tests.support.paths import DATA


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The bundled crawl, with text and Parquet, of two processes."""
    place = tmp_path_factory.mktemp("tables") / "out"
    return run([DATA / "site.warc.gz"], engine="asyncio", output=place, keep_text=True, output_format="parquet", workers=2)


def expected(result: Result, table: str) -> list[dict[str, Any]]:
    """The rows of a table, made of the parts of Avro."""
    if table != "flat":
        return list(getattr(result, f"read_{table}")())
    return [
        {"url": page["url"], "title": page["title"], "language": page["language"], "rank": rank, **keyword}
        for page in result.read_keywords()
        for rank, keyword in enumerate(page["keywords"], 1)
    ]


@pytest.mark.parametrize("table", TABLES)
def test_arrow_parquet_and_duckdb_have_the_rows(result: Result, table: str, tmp_path: Path) -> None:
    """The same rows in the same order, as pyarrow, DuckDB, polars and pandas read them."""
    rows = expected(result, table)
    assert rows
    assert result.to_arrow(table).to_pylist() == rows
    assert len(result.to_pandas(table)) == len(rows)
    for name in ("x.parquet", "x.duckdb"):
        assert export([str(result.output), "--table", table, "--to", str(tmp_path / name), "--quiet"]) == 0
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as database:
        assert database.table(f'"{table}"').to_arrow_table().to_pylist() == rows
    assert pl.read_parquet(tmp_path / "x.parquet").to_dicts() == rows
    assert list(pd.read_parquet(tmp_path / "x.parquet")["url"]) == [row["url"] for row in rows]
    parts = duckdb.read_parquet(f"{result.output}/parquet/{table}/*.parquet").to_arrow_table().to_pylist()
    assert sorted(parts, key=str) == sorted(rows, key=str)


def test_manifest_has_the_files(result: Result) -> None:
    """With their rows, bytes and checksums, which `sha256sum` confirms."""
    import hashlib

    manifest = json.loads((result.output / "manifest.json").read_text())
    assert {file["path"].split("/")[1] for file in manifest["tables"]} == set(TABLES)
    for file in manifest["tables"]:
        data = (Path(str(result.output)) / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    records = {table: sum(file["records"] for file in manifest["tables"] if f"/{table}/" in file["path"]) for table in TABLES}
    assert records["keywords"] == records["text"] == result.pages
    assert records["rejected"] == result.rejected


def test_lines(result: Result, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """JSON lines go to standard output, CSV is flat, and lists in CSV are JSON."""
    assert export([str(result.output)]) == 0
    assert [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()] == expected(result, "keywords")
    assert export([str(result.output), "--to", str(tmp_path / "x.csv")]) == 0
    with (tmp_path / "x.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found == [{name: str(value) for name, value in row.items()} for row in expected(result, "flat")]
    assert export([str(result.output), "--table", "keywords", "--output-format", "csv"]) == 0
    row = next(csv.DictReader(capsysbinary.readouterr().out.decode().splitlines()))
    assert json.loads(row["keywords"]) == expected(result, "keywords")[0]["keywords"]


def test_duckdb_has_all_tables(result: Result, tmp_path: Path) -> None:
    """In one file; an earlier one is replaced on demand only."""
    path = str(tmp_path / "x.duckdb")
    assert export([str(result.output), "--to", path]) == 0
    assert export([str(result.output), "--to", path]) == 2
    assert export([str(result.output), "--to", path, "--overwrite"]) == 0
    with duckdb.connect(path, read_only=True) as database:
        assert {name for (name,) in database.sql("SHOW TABLES").fetchall()} == set(TABLES)


def test_errors(result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each; no file is left."""
    plain = run_pages([{"url": "a", "text": "Spark shuffle"}], engine="serial")
    before = set(tmp_path.iterdir())
    for arguments, status, message in (
        ([], 2, "name an output"),
        ([str(result.output), "--to", str(tmp_path / "x.xls")], 2, "does not end in .parquet, .csv, .jsonl, .duckdb"),
        ([str(result.output), "--output-format", "parquet"], 2, "name a file by --to"),
        ([str(tmp_path), "--to", str(tmp_path / "x.csv")], 1, "is not an output of the keyword job"),
        ([str(plain.output), "--table", "text", "--to", str(tmp_path / "x.csv")], 1, "--keep-text"),
        ([str(result.output), "--to", str(tmp_path / "no" / "x.csv")], 1, "No such file or directory"),
    ):
        assert export(arguments) == status, arguments
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1, error
    assert set(tmp_path.iterdir()) == before


def test_a_damaged_part_leaves_no_file(result: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In any format: its rows are read while the file is written."""
    import shutil

    shutil.copytree(str(result.output), tmp_path / "out")
    (part,) = (tmp_path / "out" / "keywords").glob("*.avro")
    part.write_bytes(part.read_bytes()[:-40])
    for name in FORMATS:
        assert export([str(tmp_path / "out"), "--table", "flat", "--to", str(tmp_path / f"x.{name}")]) == 1
        assert "has changed since the job wrote it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_no_pages_of_a_kind() -> None:
    """A table without rows has its columns."""
    result = run_pages([{"url": "a", "text": "Spark shuffle"}], engine="serial")
    assert result.to_arrow("rejected").num_rows == 0
    assert result.to_arrow("rejected").schema.field("fault").type == pa.string()
