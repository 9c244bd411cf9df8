"""Of a file with columns, only the columns that are needed are read."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """One field of JSON lines and Avro costs the whole file, of Parquet less than a quarter; names cost space where repeated."""
    counts = measure("formats").counts
    for rows in ("JSON lines", "JSON lines, gzip", "Avro, deflate", "Avro, zstandard"):
        assert counts[f"{rows}, read"] == counts[f"{rows}, size"]
    assert counts["Parquet, zstd, read"] < counts["Parquet, zstd, size"] / 4
    assert counts["JSON lines, size"] > 2 * counts["Avro, deflate, size"]
