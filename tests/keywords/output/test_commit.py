"""The commit: nothing that others have put at the output is replaced, and readers always find an output."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.errors import OutputError
from bigdata_demos.keywords import run
from bigdata_demos.storage import atomic
from tests.support.paths import SITE


def go(output: Path, **options: Any) -> str:
    return run([SITE / "spark.html"], engine="serial", output=output, **options).digest


def during(action: Any) -> Any:
    """A function for progress that does something once, in the last phase."""
    done: list[None] = []

    def progress(phase: str, _done: int, _total: int) -> None:
        if phase == "index" and not done:
            done.append(None)
            action()

    return progress


def appear_directory(output: Path) -> None:
    output.mkdir()
    (output / "precious").write_text("mine")


def appear_file(output: Path) -> None:
    output.write_text("mine")


@pytest.mark.parametrize("supported", [True, False], ids=["renameat2", "without"])
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("appear", [appear_directory, appear_file, Path.mkdir])
def test_what_appears_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, appear: Any, overwrite: bool, supported: bool
) -> None:
    """A directory or a file that someone made during the run is kept; an empty directory may go, if the run may overwrite."""
    if not supported:
        monkeypatch.setattr(atomic, "_renameat2", lambda *_: False)
    output = tmp_path / "out"
    if appear == Path.mkdir and overwrite:
        go(output, overwrite=True, progress=during(lambda: appear(output)))
        assert (output / "manifest.json").exists()
        return
    with pytest.raises(OutputError, match="out"):
        go(output, overwrite=overwrite, progress=during(lambda: appear(output)))
    kept = {"appear_directory": ["out", "out/precious"], "appear_file": ["out"], "mkdir": ["out"]}[appear.__name__]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == kept


def test_two_runs_to_one_output(tmp_path: Path) -> None:
    """The second one to finish fails, and the first one's result stays."""
    output = tmp_path / "out"
    with pytest.raises(OutputError, match="has appeared while the run went on, and is kept"):
        go(output, top=3, progress=during(lambda: go(output, top=5)))
    assert '"top": 5' in (output / "manifest.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_readers_always_find_an_output(tmp_path: Path) -> None:
    """While runs overwrite an output, a reader that opens its manifest again and again finds one each time."""
    output, missing, end = tmp_path / "out", [], threading.Event()
    go(output)

    def watch() -> None:
        while not end.is_set():
            if not (output / "manifest.json").exists():
                missing.append(1)

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for top in range(1, 12):
            go(output, top=top, overwrite=True)
    finally:
        end.set()
        reader.join()
    assert not missing
    assert '"top": 11' in (output / "manifest.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """For the same output; what another process uses stays, as does what belongs to another output."""
    script = (
        "import sys, time; from pathlib import Path; from bigdata_demos.keywords.output import commit\n"
        "with commit.working_directory(Path(sys.argv[1]), overwrite=False) as made:\n"
        "    print(made, flush=True); time.sleep(60)\n"
    )
    line = [sys.executable, "-c", script]
    made = []
    with ExitStack() as stack:
        for name in ("out", "out", "out[1]"):
            process = stack.enter_context(subprocess.Popen([*line, str(tmp_path / name)], stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout
            made.append((process, Path(process.stdout.readline().strip())))
            os.utime(made[-1][1], (0, 0))
        made[0][0].kill()
        made[0][0].wait()
        go(tmp_path / "out")
        assert [path.exists() for _, path in made] == [False, True, True]
        made[2][0].kill()
        made[2][0].wait()
        go(tmp_path / "out[1]")
        assert [path.exists() for _, path in made] == [False, True, False]
