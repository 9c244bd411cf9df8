"""Arrow batches and packed elements are few; their bytes are not."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """160,000 pairs of 16 bytes in 8 partitions; Spark makes batches of 10,000 rows."""
    counts = measure("python-bridge").counts
    assert counts["RDD of tuples"] == 160_000
    assert counts["Arrow batches (mapInArrow)"] == 16
    assert counts["RDD of packed bytes"] == 8
    for way in ("Arrow batches (mapInArrow)", "RDD of packed bytes"):
        assert 16 * 160_000 <= counts[f"bytes, {way}"] < 1.1 * 16 * 160_000
