"""Flipped bits go unnoticed where no checksum is."""

from collections.abc import Callable

from bigdata_demos.experiments import Outcome


def test_effect(measure: Callable[[str], Outcome]) -> None:
    """Most flips without compression, many with deflate, none with a checksum; a repaired file loses a block at most."""
    counts = measure("damage").counts
    assert counts["unnoticed, null"] > counts["unnoticed, deflate"] > 0
    for codec in ("bzip2", "xz", "zstandard", "snappy"):
        assert counts[f"unnoticed, {codec}"] == 0
        assert counts[f"survived, {codec}"] > 0.8 * counts["records"]
