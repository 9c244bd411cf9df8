"""The simulation of docs/scaling.md: simple cases by hand, failures, and the tables in the document."""

import random
from pathlib import Path

import pytest

from bigdata_demos.bench import results
from tests.support.paths import ROOT
from tests.support.scripts import load_script

SCRIPT = load_script("simulate_scaling")
DOCUMENT = (ROOT / "docs" / "scaling.md").read_text("utf-8").splitlines()


def stage(*seconds: float, keeps_output: bool = False) -> object:
    """A stage."""
    return SCRIPT.Stage(list(seconds), keeps_output)


def test_cases_by_hand() -> None:
    """Tasks of one second: one after another, two at once, and one stage after the other; the driver starts them one by one."""
    chance = random.Random(1)
    assert SCRIPT.simulate([stage(1, 1, 1, 1)], 1, 1, chance, 0).seconds == 4
    assert SCRIPT.simulate([stage(1, 1, 1, 1)], 1, 2, chance, 0).seconds == 2
    assert SCRIPT.simulate([stage(1, 1, 1), stage(2)], 2, 1, chance, 0).seconds == 4
    assert SCRIPT.simulate([stage(1, 1, 1, 1)], 4, 1, chance, 0.5).seconds == 3


def test_failures_repeat_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task is done in the end; more of them run again where outputs stay on the machines."""
    monkeypatch.setattr(SCRIPT, "FAILURES", 1 / 2000)
    kept, sent = (
        SCRIPT.simulate([stage(*[10.0] * 1000, keeps_output=keeps)], 10, 2, random.Random(1), 0) for keeps in (True, False)
    )
    assert kept.again > sent.again > 0
    assert kept.tasks == 1000 + kept.again
    assert kept.seconds > sent.seconds > 500


def test_tables_are_those_that_it_prints() -> None:
    """The check against the benchmark, and the first two rows of the prediction."""
    loaded = results.load(Path(ROOT) / "docs" / "benchmark" / "results.json")
    for row in (*SCRIPT.check(loaded), SCRIPT.predict(loaded, 1), SCRIPT.predict(loaded, 10)):
        assert row in DOCUMENT
