"""A copy of the slow task is started and wins; the result has each row once, and a file that the tasks append to does not."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Eight tasks of 20 rows; the slow task's two attempts write at most 40 lines."""
    counts = measure("straggler").counts
    assert counts["attempts without speculation"] == 8
    assert counts["attempts"] == 8 + counts["copies"]
    assert counts["copies"] >= counts["copies that won"] >= 1
    assert counts["rows"] == counts["lines without speculation"] == 160
    assert counts["lines"] > 160
