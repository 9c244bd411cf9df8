"""The command: what it lists, shows, prints, records and says of failures."""

import inspect
import subprocess
import sys
import types
from pathlib import Path
from typing import cast

import pytest

from bigdata_demos.errors import EngineNotInstalled, JobFailed
from bigdata_demos.experiments import EXPERIMENTS, Experiment, Outcome, Setting, cli, load, records

OUTCOME = Outcome(
    data="three words",
    head=("", "rows", "MB"),
    rows=[("with", 1234567, 0.01234), ("without", "–", 1234.5)],
    bars={"with": 1, "without": 4},
    unit="MB",
    finding="It took 4 MB without, and 1 MB with it.",
    holds=True,
    counts={"with": 1, "without": 4},
)


def fake(monkeypatch: pytest.MonkeyPatch, name: str, result: Outcome | Exception) -> None:
    """Add an experiment that has a known outcome, or fails."""

    def measure(setting: Setting) -> Outcome:
        setting.say("working")
        assert list(setting.directory.iterdir()) == []
        (setting.directory / "file").touch()
        if isinstance(result, Exception):
            raise result
        return result

    module = types.ModuleType(name, "What happens.\n\nAnd why.")
    vars(module).update(measure=measure, WATCH="the rows", PAGES="none", LARGER="more")
    monkeypatch.setitem(sys.modules, f"bigdata_demos.experiments.{name}", module)
    monkeypatch.setitem(cast("dict[str, Experiment]", EXPERIMENTS), name, Experiment(name, "a test"))


def test_what_a_run_prints_and_records(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The introduction, the table, the plot, the finding, the three texts; and a record that can be quoted."""
    monkeypatch.chdir(tmp_path)
    fake(monkeypatch, "known", OUTCOME)
    assert cli.main(["run", "known"]) == 0
    shown = capsys.readouterr()
    for part in (
        "known: a test",
        "What happens.\n\nAnd why.",
        "On three words:",
        "1,234,567",
        "0.0123",
        "1,234",
        "It took 4 MB",
    ):
        assert part in shown.out
    assert f"  with     {'█' * 10} 1\n  without  {'█' * 40} 4\n" in shown.out
    assert "Look at: the rows" in shown.out
    assert shown.err == "  working\n"
    assert cli.main(["report"]) == 0
    report = capsys.readouterr().out
    assert (
        "## known: a test\n\nWhat happens.\n\nAnd why.\n\nOn three words:\n\n|  | rows | MB |\n| --- | ---: | ---: |\n" in report
    )
    assert "| with | 1,234,567 | 0.0123 |" in report
    assert f"**{OUTCOME.finding}**" in report
    made = records.of_this_machine()["known"]
    assert (made.finding, made.counts, made.command) == (OUTCOME.finding, OUTCOME.counts, "bigdata-demos experiments run known")


def test_what_is_not_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quick runs; and an effect that did not show is told."""
    monkeypatch.chdir(tmp_path)
    fake(monkeypatch, "known", OUTCOME)
    assert cli.main(["run", "known", "--quick"]) == 0
    assert records.of_this_machine() == {}
    assert cli.main(["report", "elsewhere"]) == 1
    assert "elsewhere has no records of experiments" in capsys.readouterr().err
    fake(monkeypatch, "absent", Outcome(**{**vars(OUTCOME), "holds": False}))
    assert cli.main(["run", "absent"]) == 0
    assert "The effect did not show here." in capsys.readouterr().out


def test_failures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One experiment that fails ends the command; of several, the others run. What cannot run is named. Nothing is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fake(monkeypatch, "known", OUTCOME)
    fake(monkeypatch, "broken", JobFailed("no more"))
    fake(monkeypatch, "missing", EngineNotInstalled("no package: pip install it"))
    assert cli.main(["run", "broken"]) == 1
    assert capsys.readouterr().err.endswith("error: no more\n")
    assert cli.main(["run", "broken", "missing", "known"]) == 1
    shown = capsys.readouterr()
    assert "broken failed: no more" in shown.out
    assert "missing was left out: no package: pip install it" in shown.out
    assert shown.err.endswith("error: 1 of 3 experiments failed: broken\n")
    assert [path.name for path in tmp_path.rglob("*.json")] == ["known.json"]
    assert not list(tmp_path.glob("bigdata-demos-run-*"))


def test_list_and_show() -> None:
    """All are listed; what is shown is the source."""
    line = [sys.executable, "-m", "bigdata_demos.experiments"]
    listed = subprocess.run([*line, "list"], capture_output=True, text=True, check=True).stdout
    assert all(name in listed for name in EXPERIMENTS)
    name = next(iter(EXPERIMENTS))
    shown = subprocess.run([*line, "show", name], capture_output=True, text=True, check=True).stdout
    assert shown == Path(str(load(name).__file__)).read_text("utf-8")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_explains_itself(name: str) -> None:
    """Each has its introduction and its texts, and is short enough to be read."""
    module = load(name)
    assert all(len(text) > 40 for text in (inspect.cleandoc(module.__doc__ or ""), module.WATCH, module.PAGES, module.LARGER))
    assert len(Path(str(module.__file__)).read_text("utf-8").splitlines()) <= 150
