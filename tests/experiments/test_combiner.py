"""A combiner sends less through the shuffle."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Fewer pairs, and fewer bytes."""
    counts = measure("combiner").counts
    assert counts["pairs with a combiner"] < counts["pairs without a combiner"] / 2
    assert counts["reduceByKey"] < counts["partitionBy, then count"] / 1.5
