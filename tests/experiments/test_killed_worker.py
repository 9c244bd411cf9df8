"""What runs again after a worker was killed in the last phase."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """One thread runs everything again, asyncio nothing that was done, Spark what was in files, Dask what was in memory."""
    counts = measure("killed-worker").counts
    splits = counts["map"]
    assert counts["map, serial"] == counts["score, serial"] == 2 * splits
    assert counts["map, asyncio"] == counts["score, asyncio"] == splits
    assert counts["index, asyncio"] > counts["index"]
    assert counts["map, dask"] > splits
    assert counts["map, spark"] == splits < counts["score, spark"]
