"""The shell of all commands: exit statuses, signals, standard output, help, suggestions and completion, the same for each."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bigdata_demos import __main__ as top
from bigdata_demos import command
from bigdata_demos.errors import InputError, OutputError, UsageError

LINE = [sys.executable, "-m", "bigdata_demos"]
PAGES = ["corpus", "synthetic", "--pages", "1000000", "--bytes", "512"]  # takes a while, and writes to standard output


def bigdata_demos(*arguments: str, **more: object) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run([*LINE, *arguments], capture_output=True, text=True, timeout=120, check=False, **more)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("name", top.COMMANDS)
def test_version_and_help(name: str) -> None:
    """``--version``, ``--help`` and ``help`` work for each command, in every way to start it, and show one name."""
    import bigdata_demos as package

    assert bigdata_demos(name, "--version").stdout == f"bigdata-demos {package.__version__}\n"
    shown = bigdata_demos(name, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"usage: bigdata-demos {name} ")
    assert "examples:" in shown.stdout
    assert f"python -m bigdata_demos.{name}" not in shown.stdout
    assert bigdata_demos("help", name).stdout == shown.stdout
    other = [sys.executable, "-m", f"bigdata_demos.{name}", "--help"]
    assert subprocess.run(other, capture_output=True, text=True, check=True).stdout == shown.stdout


COMPLETE = {
    "avro": ("count", "x.avro"),
    "corpus": ("pydoc",),
    "quality": ("x",),
    "rpc": ("serve", "x"),
    "cluster": ("up",),
    "experiments": ("list",),
}
"""What commands need to be complete."""


@pytest.mark.parametrize("name", top.COMMANDS)
def test_wrong_usage_is_one_line_with_a_suggestion(name: str) -> None:
    """Exit status 2, nothing on standard output, and the option that was probably meant."""
    done = bigdata_demos(name, *COMPLETE.get(name, ()), "--verbos")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "did you mean --verbose?" in line


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("keyword",), "keywords"),
        (("keywords", "--engine", "sparc"), "spark"),
        (("avro", "recod"), "recode"),
        (("rpc", "sreve"), "serve"),
    ],
)
def test_did_you_mean(arguments: tuple[str, ...], meant: str) -> None:
    """Names of commands and values are suggested, too."""
    done = bigdata_demos(*arguments)
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr


def test_no_command_shows_the_help() -> None:
    """All commands are listed."""
    done = bigdata_demos()
    assert done.returncode == 0
    assert all(f"\n    {name} " in done.stdout for name in top.COMMANDS)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(shell: str, tmp_path: Path) -> None:
    """The script knows all commands and their options; bash reads it."""
    script = bigdata_demos("completion", shell)
    assert (script.returncode, script.stderr) == (0, "")
    for word in (*top.COMMANDS, "--max-rejected", "--seed", "completion"):
        assert word in script.stdout
    if shell == "bash":
        (tmp_path / "script").write_text(script.stdout)
        subprocess.run(["bash", "-n", str(tmp_path / "script")], check=True)


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 143, "terminated")],
)
def test_signals(number: signal.Signals, status: int, word: str) -> None:
    """One line, and the exit status that shells give to these signals."""
    with subprocess.Popen([*LINE, *PAGES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (status, f"error: {word}\n")


def test_nohup() -> None:
    """A command that was started to survive its terminal does."""
    with subprocess.Popen(["nohup", *LINE, *PAGES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        process.stdout.close()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    """``… | head -1`` under ``pipefail``."""
    line = f"set -o pipefail; {sys.executable} -m bigdata_demos {' '.join(PAGES)} | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
@pytest.mark.parametrize("arguments", [PAGES, ["interview"], ["keywords", "--engine", "serial", "-q"], ["completion", "bash"]])
def test_standard_output_that_is_full_or_closed(arguments: list[str]) -> None:
    """Exit status 1, and one line that says so."""
    for redirection in (">/dev/full", ">&-"):
        line = f"{sys.executable} -m bigdata_demos {' '.join(arguments)} {redirection}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1, redirection
        (said,) = done.stderr.splitlines()
        assert said.startswith("error: ")


def outcome(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit status and the message of a command that raises an error."""

    def fail(_: argparse.Namespace) -> None:
        raise error

    made = command.Parser("bigdata-demos test")
    made.add_argument("--max-rejected", dest="max_rejected")
    made.add_argument("--overwrite", action="store_true")
    made.add_argument("--engine-option", dest="engine_options", action="append")
    return command.run(made, fail, []), capsys.readouterr().err


def test_errors_name_options(capsys: pytest.CaptureFixture[str]) -> None:
    """Parameters of the Python interface are spelled as the options of the command, in the command only."""
    error = UsageError("`max_rejected` must be up to 100; `engine_options[memory]=1g`; set `overwrite=True`")
    assert outcome(error, capsys) == (2, "error: --max-rejected must be up to 100; --engine-option memory=1g; set --overwrite\n")
    assert str(error) == "max_rejected must be up to 100; engine_options[memory]=1g; set overwrite=True"


def test_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    """Of errors, and of the system's refusals."""
    assert outcome(InputError("x: not there"), capsys) == (1, "error: x: not there\n")
    assert outcome(OutputError("x: full"), capsys) == (1, "error: x: full\n")
    assert outcome(KeyboardInterrupt("nothing was written"), capsys) == (130, "error: interrupted: nothing was written\n")
    assert outcome(FileNotFoundError(2, "No such file or directory", "x"), capsys) == (1, "error: x: No such file or directory\n")
    assert outcome(MemoryError(), capsys) == (1, "error: out of memory\n")
    with pytest.raises(ZeroDivisionError):
        outcome(ZeroDivisionError(), capsys)


def test_interrupt_inside_exec(tmp_path: Path) -> None:
    """As while a named tuple is defined, in the import of a module: the exit status is that of any interrupt."""
    (tmp_path / "interrupted.py").write_text(
        "import sys; from bigdata_demos import command\n"
        "def execute(_): exec('raise KeyboardInterrupt')\n"
        "sys.exit(command.run(command.Parser('x'), execute, []))"
    )
    line = [sys.executable, "-m", "interrupted"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def test_error_that_an_interrupt_caused(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library raises while it handles Ctrl-C is not shown as a bug."""
    caused = AttributeError("half made")
    caused.__context__ = KeyboardInterrupt("nothing was written")
    assert outcome(caused, capsys) == (130, "error: interrupted: nothing was written\n")


def test_progress_is_a_line_in_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every ten seconds, and nothing if it is to be quiet."""
    now = iter((0.0, 5.0, 11.0, 11.0, 0.0, 20.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with command.Progress("task") as progress:
        progress("map", 1, 9)
        progress("map", 4, 9)
    with command.Progress("task", quiet=True) as progress:
        progress("map", 1, 9)
    assert capsys.readouterr().err == "map: 4 of 9 tasks\n"


def test_tables_are_aligned_and_plain_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """The first column to the left, the others to the right."""
    command.print_table(["engine", "s"], [["serial", "1.5"], ["dask", "10"]])
    assert capsys.readouterr().out == "engine    s\nserial  1.5\ndask     10\n"


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours are for terminals, unless NO_COLOR is set to something."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for value, coloured in (("", True), ("1", False)):
        monkeypatch.setitem(os.environ, "NO_COLOR", value)
        assert command.coloured() == coloured
