"""Salt spreads the rows of a key over several tasks, and a combiner leaves few rows."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Of 80,000 rows, one task gets half and its share of the others without salt, about an eighth with it."""
    counts = measure("hot-key").counts
    assert counts["no salt"] > 39_000
    assert 10_000 <= counts["salt, first step"] < 15_000
    assert counts["combiner"] <= 8 * 1000
