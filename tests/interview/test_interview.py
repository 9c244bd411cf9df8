"""The answer to an interviewer: the code shown is the code that runs, and no figure is shown that is not this machine's."""

import importlib
import inspect
import json
import os
import pty
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bigdata_demos import command as command_shell
from bigdata_demos.bench import results
from bigdata_demos.errors import InputError
from bigdata_demos.interview import answers, cli, code, figures, page, sheets, terminal
from bigdata_demos.keywords import run as run_job
from bigdata_demos.keywords.engines import ENGINES
from tests.support.paths import SITE
from tests.support.requirements import require

WRAPPED = terminal.WRAPPED.strip()
LISTINGS = {engine: code.listing(engine) for engine in code.SIDE_BY_SIDE}
NOTHING = figures.Selection(None, [])


def module_of(engine: str) -> types.ModuleType:
    """The module of an engine, imported; the test is skipped where it cannot run."""
    require(engine)
    return importlib.import_module(f"bigdata_demos.keywords.engines.{ENGINES[engine].module}")


def functions(made: types.CodeType) -> Iterator[types.CodeType]:
    """The code of all functions in some code."""
    for one in made.co_consts:
        if isinstance(one, types.CodeType):
            yield one
            yield from functions(one)


# The code


@pytest.mark.parametrize("engine", LISTINGS)
def test_code_shown_is_in_the_source_byte_for_byte(engine: str) -> None:
    """The listing stands in the engine's file, at the line that is named; its blocks put together are the listing."""
    shown = LISTINGS[engine]
    file = Path(answers.__file__).parents[1] / shown.file
    lines = file.read_bytes().decode().split("\n")
    assert lines[shown.line - 1 :][: shown.source.count("\n")] == shown.source.removesuffix("\n").split("\n")
    assert "\n".join("\n".join(block.lines) for block in shown.blocks) + "\n" == shown.source
    assert shown.source.encode() in file.read_bytes()


@pytest.mark.parametrize("engine", LISTINGS)
def test_code_shown_is_the_code_of_the_function(engine: str) -> None:
    """What is shown compiles to the same code, to the last constant and line number, as the function that is imported.

    What stands before it is compiled with it: CPython calls functions of modules otherwise where it has seen the import.
    """
    shown = LISTINGS[engine]
    function = inspect.unwrap(getattr(module_of(engine), shown.function))
    assert inspect.getsource(function) == shown.source
    before = Path(inspect.getfile(function)).read_text("utf-8").split("\n")[: shown.line - 1]
    compiled = compile("\n".join([*before, shown.source]), shown.file, "exec", dont_inherit=True)
    assert function.__code__ in list(functions(compiled))


class Reached(BaseException):
    """The function was called: the rest of the job is not needed."""


@pytest.mark.parametrize("engine", LISTINGS)
def test_code_shown_is_the_code_that_runs(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """When the engine runs the job, that function is called. There the run is ended; other tests run the whole job."""
    cluster = request.getfixturevalue("address") if engine == "hadoop" else ""
    function = inspect.unwrap(getattr(module_of(engine), LISTINGS[engine].function))

    def profile(frame: types.FrameType, _event: str, _argument: object) -> None:
        if frame.f_code is function.__code__:
            raise Reached

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with pytest.raises(Reached):
            run_job([str(SITE / "mapreduce.html")], engine=engine, workers=1, cluster=cluster, output=str(tmp_path / "out"))
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("engine", LISTINGS)
def test_every_step_is_found(engine: str) -> None:
    """Each engine's code has map, shuffle and reduce, twice, in this order."""
    shown = LISTINGS[engine].blocks
    assert [step for block in shown for step in range(block.first, block.last + 1)] == list(range(len(code.STEPS)))
    for block in shown[1:]:
        for step in range(block.first, block.last + 1):
            assert code.STEPS[step].partition(": ")[2] in block.lines[0]


def test_code_is_shown_where_no_engine_is_installed() -> None:
    """Neither pyspark nor dask is imported, and numpy, fastavro and the like neither."""
    line = (
        "import sys; sys.modules.update(dict.fromkeys(('pyspark', 'dask', 'distributed', 'numpy', 'fastavro', 'fsspec')))\n"
        "from bigdata_demos.interview.cli import main; sys.exit(main(['--width', '150']))"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    for shown in LISTINGS.values():
        assert shown.source in done.stdout


def test_all_code_is_in_the_columns() -> None:
    """Side by side, each column is the engine's code, and each step begins on the same row in all of them."""
    shown = list(LISTINGS.values())
    for width in (302, 320, 420):
        _, _, _, *rows = terminal.listings(shown, width, terminal.plain)
        assert max(len(row) for row in rows) <= width
        columns = [list(column) for column in zip(*(row_of(row, len(shown), width) for row in rows), strict=True)]
        for one, column in zip(shown, columns, strict=True):
            assert unwrapped(column) == [line.rstrip() for line in one.source.split("\n") if line.strip()]
        for step in code.STEPS[1:]:
            number, verb = step.split(": ")
            found = [
                [index for index, line in enumerate(column) if (match := code.MARK.match(line)) and verb == match["verbs"]]
                for column in columns
            ]
            first_or_second = int(number[-1]) - 1
            assert len({one[first_or_second] for one in found if one}) == 1, step


def row_of(row: str, columns: int, width: int) -> list[str]:
    """The cells of a row."""
    between = len(terminal.BETWEEN)
    column = (width - between * (columns - 1)) // columns
    padded = row.ljust(width + columns)
    return [padded[index * (column + between) :][:column].rstrip() for index in range(columns)]


def unwrapped(lines: list[str]) -> list[str]:
    """Lines as they were before they were wrapped, without those that are empty."""
    made: list[str] = []
    for line in lines:
        before, mark, rest = line.partition(WRAPPED)
        if mark and not before.strip():
            made[-1] += rest.removeprefix(" ") if rest.startswith(" .") else rest
        elif line.strip():
            made.append(line)
    return made


def test_narrow_terminals_show_one_engine_below_the_other() -> None:
    """No line is wider than the terminal, but the listings are whole."""
    text = "\n".join(terminal.listings(list(LISTINGS.values()), 80, terminal.plain))
    assert max(len(line) for line in text.split("\n")) <= 80
    found = unwrapped(text.split("\n"))
    for shown in LISTINGS.values():
        lines = [line.rstrip() for line in shown.source.split("\n") if line.strip()]
        start = found.index(lines[0])
        assert found[start : start + len(lines)] == lines


def test_marks_that_go_back_begin_no_step() -> None:
    """A step that is done again, or a comment that only begins like a mark, stays where it is; so does what comes before."""
    source = (
        "# reduce\n# Pass 1: map\na\n  # shuffled\n # shuffle, reduce (at once)\n# shuffle\nb\n# Pass 2: map, shuffle\n# reduce\n"
    )
    shown = code.Listing("made", "made.py", "made", 1, source)
    assert [(block.first, block.last, block.start, len(block.lines)) for block in shown.blocks] == [
        (0, 0, 0, 1), (1, 1, 1, 3), (2, 3, 4, 3), (4, 5, 7, 1), (6, 6, 8, 1),
    ]  # fmt: skip
    assert code.rows([shown], [[1, 3, 3, 1, 1]]) == [0, 1, 4, 4, 7, 7, 8, 9]


def test_an_engine_without_marks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told which file lacks which comment, or which is not there."""
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(InputError, match="is missing"):
        code.listing("dask")
    file = tmp_path / "keywords" / "engines" / "dask_bag.py"
    file.parent.mkdir(parents=True)
    file.write_text("def run_bag(): ...\n")
    with pytest.raises(InputError, match=r"dask_bag.py has no function with the comment '# Pass 1: map'"):
        code.listing("dask")
    file.write_text("def outer():\n    @decorated\n    def inner():\n        # Pass 1: map\n        pass\n    return inner\n")
    found = code.listing("dask")
    assert (found.function, found.line) == ("inner", 2)
    assert found.source == "    @decorated\n    def inner():\n        # Pass 1: map\n        pass\n"
    assert [len(line) for line in code.kinds(found.source)] == [14, 16, 21, 12]


def test_colours_are_of_the_right_characters() -> None:
    """Kinds have the length of their lines, over strings of several lines and f-strings, too."""
    source = 'def f(x):  # so\n    """Two\n    lines."""\n    return f"{x} é" + 1\n'
    made = code.kinds(source)
    assert [len(line) for line in made] == [len(line) for line in source.split("\n")[:-1]]
    assert made[0] == "kkk d      cccc"
    assert made[1:3] == ["    ssssss", "s" * 13]
    assert made[3].startswith("    kkkkkk s")
    assert made[3].endswith("s   n")


# What is said


def test_text_is_about_the_engines_that_there_are() -> None:
    """Each engine is described, and no other. (Fails when an engine is added.)"""
    described = {name.lower() for name in answers.TOPICS[0].engines}
    assert all(set(topic.engines) == set(answers.TOPICS[0].engines) for topic in answers.TOPICS)
    assert described == set(ENGINES)
    assert set(code.SIDE_BY_SIDE) == set(ENGINES)
    for engine in ENGINES:
        assert engine in answers.HERE.lower()


def test_commands_and_options_named_exist() -> None:
    """Each command that the text, the page and the help name can be run, and has the options that are named with it."""
    shown = (sheets.load(name) for name in sheets.QUESTIONS)
    written = [text for one in shown for text in (one.project, one.two_minutes, *(more.answer for more in one.follow_ups))]
    text = "\n".join(
        [*terminal.engines(500, terminal.plain), *terminal.measured(NOTHING, 500, terminal.plain), cli.EPILOG, *written]
    )
    named = re.findall(r"(?:bigdata-demos|python -m bigdata_demos\.)\s?(\w+)([^`\n]*)(?=[`\n])", text)
    assert {"avro", "bench", "interview", "keywords", "experiments", "quality"} <= {command for command, _ in named}
    for name, rest in set(named):
        parser = importlib.import_module(f"bigdata_demos.{name}.cli").parser()
        choices = [set(map(str, action.choices)) for action in command_shell._actions(parser) if isinstance(action.choices, dict)]
        if choices and re.match(" [a-z]+$", rest):
            assert rest.strip() in choices[0], (name, rest)
        options = {option for action in command_shell._actions(parser) for option in action.option_strings}
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", rest)) <= options, (name, rest)


def test_code_shown_has_no_remarks_for_tools() -> None:
    """What is shown is for readers."""
    for shown in LISTINGS.values():
        assert "noqa" not in shown.source
        assert "type: ignore" not in shown.source


def test_engines_are_one_screen() -> None:
    """How they differ fits a screen, with all that was asked about, and the papers."""
    for width, height in ((80, 48), (120, 38)):
        lines = "\n".join(terminal.engines(width, terminal.plain)).split("\n")
        assert len(lines) <= height
        assert max(len(line) for line in lines) <= width
        text = "\n".join(lines)
        for topic in ("History", "Execution model", "Shuffle", "Fault tolerance", "Memory", "one thread is better", "COST"):
            assert topic in text
        for source in ("OSDI 2004", "NSDI 2012", "HotOS 2015", "SciPy 2015", "Hadoop (2006)", "Avro (2009)"):
            assert source in text


# Figures


def a_run(contestant: str, workers: int, number: int, seconds: float, **more: Any) -> results.Run:
    """A run as a benchmark leaves it; the first round is cold."""
    made = results.Run(
        contestant=contestant, kind="engine", workers=workers, cluster="", size=1, round=number, cold=number == 0,
        seconds=seconds, startup=0.5, work=seconds - 0.5, phases={"map": seconds}, cpu_seconds=1.0, peak_memory_bytes=1,
        shuffle=None, pages=10, digest="sha256:0", error=None, started="2026-01-02T03:04:05+00:00",
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def result(runs: list[results.Run] | None = None, **more: Any) -> results.Results:
    """A benchmark of this machine: serial takes 20 s, asyncio 10, spark 13 (with 3 of start-up)."""
    runs = runs or [
        *(a_run("serial", 1, number, seconds) for number, seconds in enumerate((31.5, 20.0, 22.0, 19.0))),
        *(a_run("asyncio", 2, number, seconds) for number, seconds in enumerate((17.25, 10.0, 11.0, 9.0))),
        *(a_run("spark", 2, number, seconds, startup=3.0) for number, seconds in enumerate((18.75, 13.0, 29.0, 12.0))),
        *(a_run("dask", 2, number, 7.77, error="the workers\x1b[31m died") for number in range(4)),
    ]
    made = results.Results(
        format=results.FORMAT, created="2026-01-02T03:04:05+00:00", command=["python", "-m", "bigdata_demos.bench", "a crawl.warc.gz"],
        machine=results.Machine(results.machine_id(), "here", "a processor", 2, None, "Linux", None),
        versions={}, commit=None, inputs=["a crawl.warc.gz"], rounds=3, seed=1,
        jobs=[results.Job(size, 10 * size, 4_000_000 * size, "sha256:0") for size in sorted({one.size for one in runs})],
        runs=runs, absent={"ray": "it is not installed"}, notes={"polars": "counts words only"},
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def saved(made: results.Results, directory: Path) -> Path:
    """The file that a result was written to."""
    directory.mkdir(parents=True)
    path = directory / results.FILE
    results.save(made, path)
    return path


def command(*arguments: str | Path, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    line = [sys.executable, "-m", "bigdata_demos.interview", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, **more)


def test_figures_are_the_runs() -> None:
    """Median and range of the runs that count, the ratio by rounds, start-up and the cold run apart, failures in the table."""
    (table,) = figures.measured("somewhere", result()).tables
    rows = {row[0]: row[1:] for row in map(figures.cells, table.figures)}
    assert rows == {
        "serial": ("20.0", "19.0–22.0", "3", "1.00", "0.50", "31.5"),
        "asyncio × 2": ("10.0", "9.00–11.0", "3", "0.50", "0.50", "17.2"),
        "spark × 2": ("13.0", "12.0–29.0!", "3", "0.65", "3.00", "18.8"),
        "dask × 2": ("–", "–", "0", "–", "–", "–"),
    }
    assert [figures.failure(one) for one in table.figures] == ["", "", "failed 4 of 4: the workers\\x1b[31m died", ""]
    assert figures.title(table) == "1 × the input, 10 pages, 4.0 MB"


def test_figures_said_are_of_the_largest_job_that_has_them() -> None:
    """One thread, and the engines with the number of workers that most of them had; nothing where there is nothing to say."""
    assert figures.sentence(figures.measured("", result())) == (
        "For 10 pages (4.0 MB) here, one thread took 20 seconds; with 2 workers, asyncio 10 and Spark 13."
    )
    many = [
        a_run("serial", 1, 1, 200.0, size=10),
        a_run("asyncio", 1, 1, 210.0, size=10),
        a_run("spark", 4, 1, 90.0, size=10),
        a_run("spark", 4, 1, 80.0, size=10, cluster="spark://localhost:7077"),
        a_run("serial", 1, 1, 5000.0, size=100, error="killed"),
        a_run("spark", 4, 1, 900.0, size=100),
        a_run("polars", 4, 1, 2.0, size=10, kind="peer"),
    ]
    assert figures.sentence(figures.measured("", result(many))) == (
        "For 100 pages (40 MB) here, one thread took 200 seconds; with 4 workers, Spark 80."
    )
    assert figures.sentence(figures.measured("", result([a_run("serial", 1, 1, 30.0)]))) == ""
    small = [a_run("serial", 1, 1, 4.9), a_run("asyncio", 2, 1, 9.0)]
    assert figures.sentence(figures.measured("", result(small))) == ""
    assert figures.sentence(None) == ""


def test_newest_of_this_machine_is_shown_with_date_and_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default from out/bench*; in text and page, with its place."""
    saved(result(created="2025-01-02T03:04:05+00:00", command=["an older one"]), tmp_path / "out" / "bench-2")
    saved(result(), tmp_path / "out" / "bench" / "deep")
    saved(result(created="2027-01-02T03:04:05+00:00", command=["not", "there"]), tmp_path / "out" / "other")
    monkeypatch.chdir(tmp_path)
    assert (found := figures.find().here)
    assert found.path == str(Path("out/bench/deep") / results.FILE)
    text = command("--section", "figures", "--width", "120", cwd=tmp_path).stdout
    for wanted in (
        "2026-01-02 03:04 UTC", "$ python -m bigdata_demos.bench 'a crawl.warc.gz'\n", "out/bench/deep/results.json",
        "ray did not run: it is not installed", "polars: counts words only", "failed 4 of 4: the workers", "12.0–29.0!",
    ):  # fmt: skip
        assert wanted in text
    assert "an older one" not in text
    assert "\x1b" not in text
    said = " ".join(command("--section", "questions", "--width", "110", cwd=tmp_path).stdout.split())
    assert said.count("one thread took 20 seconds") == 2
    html = command("--html", "-", cwd=tmp_path).stdout
    assert "2026-01-02 03:04 UTC" in html
    assert "<kbd>python -m bigdata_demos.bench &#39;a crawl.warc.gz&#39;</kbd>" in html
    assert "<td>12.0–29.0!</td>" in html
    assert "not there" in command("--section", "figures", "--results", "out/other", cwd=tmp_path).stdout


def test_without_figures_the_command_that_makes_them_is_named(tmp_path: Path) -> None:
    """And what is said has no figures."""
    text = command("--section", "figures", cwd=tmp_path).stdout
    assert "There are none yet. This makes them: bigdata-demos bench\n" in text
    assert importlib.util.find_spec("bigdata_demos.bench") is not None
    assert "one thread took" not in " ".join(command("--section", "questions", cwd=tmp_path).stdout.split())
    assert "<kbd>bigdata-demos bench</kbd>" in command("--html", "-", cwd=tmp_path).stdout


def test_figures_of_elsewhere_are_not_shown_as_the_readers(tmp_path: Path) -> None:
    """Only who measured them and when is told, by default and if they are asked for by name; broken files are named."""
    elsewhere = msgspec.structs.replace(result().machine, id="0" * 16, host="far\x1baway")
    path = saved(result(machine=elsewhere, created="2030-01-01T00:00:00+00:00"), tmp_path / "out" / "bench-far")
    (tmp_path / "out" / "bench").mkdir()
    (tmp_path / "out" / "bench" / results.FILE).write_text("{}")
    places: tuple[list[str | Path], ...] = ([], ["--results", path], ["--results", path.parent])
    for arguments in places:
        for form in (["--section", "figures"], ["--section", "questions"], ["--html", "-"]):
            done = command(*form, *arguments, cwd=tmp_path)
            assert done.returncode == 0
            assert not re.search(r"\d\.\d\d|took \d|\b(20|10|13|31|17|18)\.\d", figures_of(done.stdout)), done.stdout
            if form != ["--section", "questions"]:
                unwrapped_text = " ".join(done.stdout.split())
                assert "results.json was measured elsewhere, on far\\x1baway (2030-01-01 00:00 UTC)" in unwrapped_text
                assert ("bench/results.json is not a benchmark" in unwrapped_text) == (not arguments)


def figures_of(text: str) -> str:
    """The part of a page, or of a text, that has figures."""
    return text.rpartition("<h2>Figures")[2] + "".join(re.findall("<blockquote>.*</blockquote>", text))


def test_what_is_asked_for_by_name_must_be_a_result(tmp_path: Path) -> None:
    """One line, exit status 1; a directory without results is no error."""
    (tmp_path / "broken.json").write_text(json.dumps({"format": 3}))
    for place, reason in (("./broken.json", "its format is 3"), ("absent", "--results absent does not exist")):
        one_error(command("--results", place, cwd=tmp_path), 1, reason)
    assert "There are none yet" in command("--section", "figures", "--results", ".", cwd=tmp_path).stdout


# The command and the page


def one_error(done: "subprocess.CompletedProcess[str]", status: int, reason: str) -> None:
    """The command failed with one line, and wrote nothing."""
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert reason in line


def test_sections_put_together_are_the_whole(tmp_path: Path) -> None:
    """Each by itself, in this order; text in a pipe has no colour and is 80 columns wide."""
    whole = command(cwd=tmp_path)
    assert whole.stderr == ""
    assert whole.stdout == "\n\n".join(command("--section", section, cwd=tmp_path).stdout for section in cli.SECTIONS)
    assert "\x1b" not in whole.stdout
    assert max(len(line) for line in whole.stdout.split("\n")) <= 80


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_has_colour_unless_it_wants_none(no_color: str, coloured: bool) -> None:
    """NO_COLOR counts if it is not empty."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "bigdata_demos.interview", "--section", "engines"]
    with subprocess.Popen(line, stdout=theirs, env={**os.environ, "NO_COLOR": no_color}) as process:
        os.close(theirs)
        read = bytearray()
        try:
            while more := os.read(ours, 65536):
                read += more
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    assert (b"\x1b[1mHow the engines differ\x1b[0m" in read) == coloured


def test_usage_errors() -> None:
    """Exit status 2, one line."""
    one_error(command("--width", "10"), 2, "too narrow")
    one_error(command("--html", "-", "--section", "code"), 2, "leave out questions, --section")
    assert command("--section", "nothing").returncode == 2


def test_help_needs_nothing_heavy() -> None:
    """The help, with examples, comes before anything but the standard library is imported."""
    line = "import sys\nfrom bigdata_demos.interview.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.removesuffix("\n").rpartition("\n")
    assert "examples:" in text
    assert not {"numpy", "fsspec", "fastavro", "asyncio", "bigdata_demos.bench.results"} & set(modules.split())


def test_reader_that_has_read_enough_is_no_error() -> None:
    """As in ``… | head -1``."""
    line = f"{sys.executable} -m bigdata_demos.interview | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "The questions, in 30 seconds each\n", "")


def test_page_is_whole_or_not_there(tmp_path: Path) -> None:
    """Its directory is made; where it cannot be written, one line says so, and nothing is left behind."""
    done = command("--html", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "wrote out/interview.html\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["interview.html"]
    assert (tmp_path / "out" / "interview.html").read_text("utf-8") == command("--html", "-", cwd=tmp_path).stdout
    one_error(command("--html", "out", cwd=tmp_path), 1, "cannot write out: it is a directory")
    one_error(command("--html", "out/interview.html/page", cwd=tmp_path), 1, "cannot write out/interview.html/page")
    one_error(command("--html", "/proc/nothing/page", cwd=tmp_path), 1, "cannot write /proc/nothing/page")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "interview.html"]


class Read(HTMLParser):
    """What a page has: the code of each engine, the grid rows of its blocks, and all attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.code: dict[str, str] = {}
        self.rows: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str, str | None]] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.engine = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.tags.append(tag)
        if tag not in ("meta", "wbr"):
            self.open.append(tag)
        if tag == "pre" and "article" in self.open:
            self.rows.setdefault(self.engine, []).append(dict(attrs)["style"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["h3"] and "article" in self.open:
            self.engine = data.strip()
        elif "pre" in self.open and "article" in self.open:
            self.code[self.engine] = self.code.get(self.engine, "") + data


def test_page_has_the_code_and_loads_nothing() -> None:
    """The text of each column is the engine's code; no script, nothing from the network; every element is closed."""
    html = page.page(list(LISTINGS.values()), NOTHING, {})
    read = Read(html)
    assert read.open == []
    assert read.code == {engine: shown.source for engine, shown in LISTINGS.items()}
    for engine, shown in LISTINGS.items():
        spans = [f"grid-row: {block.first + 2} / {block.last + 3}" for block in shown.blocks]
        assert read.rows[engine] == spans
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(read.tags)
    assert {name for _, name, value in read.attributes if "//" in (value or "")} == {"href"}
    assert {tag for tag, name, _ in read.attributes if name == "href"} == {"a"}
    assert not [name for _, name, _ in read.attributes if name.startswith("on") or name == "src"]
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert not re.search(r"url\(|@import|//", style)
    assert "prefers-color-scheme: dark" in style


def test_what_is_in_results_is_text_in_the_page() -> None:
    """Names, errors and commands are escaped."""
    runs = [a_run("<script>", 2, 0, 1.0, error="<b>&"), a_run("serial", 1, 1, 1.0)]
    made = result(runs, command=["<i>"], notes={"<u>": "<u>"}, absent={})
    html = page.page([], figures.Selection(figures.measured("<em>", made), ["<del>"]), {})
    assert not {"script", "b", "i", "u", "em", "del"} & set(Read(html).tags)
