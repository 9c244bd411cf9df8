"""The map function runs once for each page if its results are kept, and otherwise once for each page and pass."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """80 pages; memory is used by persist() only, and files are written and read by the third way only."""
    outcome = measure("between-passes")
    assert outcome.counts == {"recomputed": 160, "persist()": 80, "files": 80}
    memory, written = ([row[column] for row in outcome.rows] for column in (3, 4))
    assert memory[0] == memory[2] == 0 < float(memory[1])
    assert written[0] == written[1] == 0 < float(written[2])
