"""A fixture that runs experiments on little data."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bigdata_demos.experiments import EXPERIMENTS, Outcome, Setting, load
from tests.support.requirements import require


@pytest.fixture
def measure(tmp_path: Path) -> Callable[[str], Outcome]:
    """Runs an experiment quickly; its table, its plot and its counts must be filled, and its effect must be there."""

    def run(name: str) -> Outcome:
        for engine in ("spark", "dask", "hadoop"):
            if engine in EXPERIMENTS[name].requirements:
                require(engine)
        outcome = load(name).measure(Setting(tmp_path, quick=True, workers=2, cluster="", say=print))
        assert {len(row) for row in outcome.rows} == {len(outcome.head)}
        assert outcome.bars
        assert outcome.holds, outcome
        return outcome

    return run
