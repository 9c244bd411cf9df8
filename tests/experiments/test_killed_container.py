"""What runs again after a container was killed on Hadoop."""

from pathlib import Path

from bigdata_demos.experiments import Setting, killed_container


def test_effect(address: str, tmp_path: Path) -> None:
    """Of four mappers in each pass and two reducers, one reducer runs twice."""
    outcome = killed_container.measure(Setting(tmp_path, quick=True, workers=2, cluster=address, say=print))
    assert outcome.holds, outcome
    assert outcome.counts == {"map": 4, "score": 4, "index": 3}
