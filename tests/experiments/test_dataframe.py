"""Built-in functions send no row to Python; a function in Python takes each page; an RDD also what is behind the shuffle."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Rows that cross, of 80 pages, and the nodes of the plans."""
    outcome = measure("dataframe")
    assert outcome.counts["DataFrame, built-in functions"] == 0
    assert outcome.counts["DataFrame, Python function"] == 80
    assert outcome.counts["RDD"] > 1000
    assert [row[2] for row in outcome.rows] == ["(no plan)", "ArrowEvalPython", "none"]
