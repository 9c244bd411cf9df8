"""Small files make many tasks, unless they are packed; they are opened all the same."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Tasks and opened files; the equal digests are part of what ``holds``."""
    counts = measure("small-files").counts
    assert counts["tasks, 120 small files, a task each"] == 120
    assert counts["tasks, 120 small files, packed"] < 10
    for name in ("packed", "a task each"):
        assert counts[f"opened, 120 small files, {name}"] == 240
    assert counts["opened, 3 large files"] < 20
