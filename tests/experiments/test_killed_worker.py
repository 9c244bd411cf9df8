"""What runs again after a worker was killed in the last phase."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """One thread runs everything again, asyncio and Dask nothing of earlier phases, Spark what was in the executor's files."""
    counts = measure("killed-worker").counts
    splits = counts["map"]
    assert counts["map, serial"] == counts["score, serial"] == 2 * splits
    for engine in ("asyncio", "dask"):
        assert counts[f"map, {engine}"] == counts[f"score, {engine}"] == splits
        assert counts[f"index, {engine}"] > counts["index"]
    assert counts["map, spark"] == splits < counts["score, spark"]
