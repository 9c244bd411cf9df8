"""Small batches cost messages and bytes."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """A message for each batch; the bytes of many messages are more."""
    counts = measure("batch-size").counts
    assert [counts[f"messages, {size}"] for size in ("1", "10", "100", "1,000", "3,000")] == [3_000, 300, 30, 3, 1]
    assert counts["bytes, 1"] > counts["bytes, 10"] > counts["bytes, 100"] > counts["bytes, 1,000"] > counts["bytes, 3,000"]
