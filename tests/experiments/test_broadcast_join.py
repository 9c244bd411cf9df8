"""A broadcast hash join sends only the aggregation's rows through the shuffle; adaptive execution is too late to save them."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """All pages and sites cross the shuffle, or only partial sums: 7 topics of at most 8 map tasks."""
    outcome = measure("broadcast-join")
    counts = outcome.counts
    assert counts["rows, no hint"] > 1_000_000 + 1000
    assert counts["rows, broadcast hint"] <= 7 * 8
    assert counts["rows, no hint, adaptive execution"] > 1_000_000
    assert (counts["shuffles, no hint"], counts["shuffles, broadcast hint"]) == (3, 1)
    assert [row[1] for row in outcome.rows] == ["SortMergeJoin", "BroadcastHashJoin", "BroadcastHashJoin"]
