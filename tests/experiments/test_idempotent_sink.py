"""What a task that runs twice leaves in three sinks."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Every attempt's rows stay with insert; a row for each page with a key, or with a commit."""
    counts = measure("idempotent-sink").counts
    pages, tasks, killed = counts["pages"], counts["tasks"], counts["killed"]
    assert killed >= 1
    for sink in ("insert", "upsert", "commit by the driver"):
        assert counts[f"attempts, {sink}"] >= tasks + killed
    rows = pages // tasks  # of a task
    assert rows * (tasks + killed) <= counts["insert"] <= rows * counts["attempts, insert"]
    assert counts["upsert"] == counts["commit by the driver"] == pages
