"""The sheets: complete, of the right length, with a source for each fact, and held to the code and to the tools' own defaults."""

import re
import xml.etree.ElementTree as ET
import zipfile
from functools import cache
from pathlib import Path

import msgspec
import pytest

from bigdata_demos.bench import environment
from bigdata_demos.cluster.hadoop import jars
from bigdata_demos.experiments import EXPERIMENTS
from bigdata_demos.experiments.records import Record
from bigdata_demos.interview import ran, sheets, terminal
from bigdata_demos.keywords.cli import parser
from tests.support.paths import ROOT
from tests.support.requirements import require

SHEETS = [sheets.load(name) for name in sheets.QUESTIONS]
SOURCE = ROOT / "src" / "bigdata_demos"
FILES = SOURCE / "interview" / "questions"


def texts(sheet: sheets.Sheet) -> list[str]:
    """All texts of a sheet."""
    answers = (one.answer for one in sheet.follow_ups)
    return [*sheet.points, sheet.thirty_seconds, sheet.two_minutes, sheet.tools, sheet.project, *answers, sheet.mistake]


def test_each_file_is_a_question() -> None:
    """None is forgotten."""
    assert {path.stem for path in FILES.glob("*.md")} == {*sheets.QUESTIONS, "sources"}


@pytest.mark.parametrize("sheet", SHEETS, ids=sheets.QUESTIONS)
def test_sheet_is_complete_and_can_be_said(sheet: sheets.Sheet) -> None:
    """Every section in its order, five follow-up questions, and no more words than are said in the time."""
    text = (FILES / f"{sheet.name}.md").read_text("utf-8")
    assert tuple(re.findall("^## (.+)$", text, re.MULTILINE)) == sheets.SECTIONS
    assert len(sheet.follow_ups) == 5
    assert len(sheet.points) >= 5
    assert all(texts(sheet))
    assert 50 <= len(sheet.thirty_seconds.split()) <= sheets.WORDS["Thirty seconds"]
    assert 200 <= len(sheet.two_minutes.split()) <= sheets.WORDS["Two minutes"]
    assert re.search(r"\bI\b", sheet.two_minutes), "it is said by the reader"
    assert sheet.question.endswith("?")
    assert all(one.question.endswith(("?", "?", ".")) for one in sheet.follow_ups)


def test_facts_have_sources() -> None:
    """Each paragraph on the tools names one, with its version or year; each source is used, and there is none without an address."""
    used = set[str]()
    for sheet in SHEETS:
        for paragraph in re.split(r"\n\n|\n(?=- )", sheet.tools):
            named = any(f"[{label}]" in " ".join(paragraph.split()) for label in sheets.sources())
            assert named or "A sample is the oldest" in paragraph or "`explain(" in paragraph, paragraph
        every = {
            " ".join(label.split()) for text in texts(sheet) for label in re.findall(r"\[([^\]`]+)\](?!\()", text) if " " in label
        }
        assert every <= sheets.sources().keys()
        assert set(sheet.sources()) == every
        used |= every
    assert used == sheets.sources().keys()
    assert all(re.search(r" \d+(\.\d+)?\b", label) or label == "Common Crawl" for label in used)


@cache
def defined_names() -> set[str]:
    """The names of all functions and classes of the package."""
    found = set[str]()
    for path in SOURCE.rglob("*.py"):
        found |= set(re.findall(r"^\s*(?:async )?(?:def|class) (\w+)", path.read_text("utf-8"), re.MULTILINE))
    return found


@pytest.mark.parametrize("sheet", SHEETS, ids=sheets.QUESTIONS)
def test_what_is_said_of_this_project_is_there(sheet: sheets.Sheet) -> None:
    """Paths, functions, options and experiments that are named exist."""
    assert set(sheet.experiments) <= EXPERIMENTS.keys()
    options = {option for action in parser()._actions for option in action.option_strings}
    for span in re.findall("`([^`]+)`", sheet.project):
        code = " ".join(span.split())
        if code.startswith("--"):
            assert code.split()[0] in options, code
        elif code.startswith(("bigdata-demos experiments run ", "bigdata-demos interview ")) and not code.rpartition(" ")[
            2
        ].startswith("-"):
            assert code.split()[-1] in {*EXPERIMENTS, *sheets.QUESTIONS, "engines"}, code
        elif re.fullmatch(r"[\w/.]*(/|\.py|\.md)", code):
            assert (SOURCE / code).exists() or (ROOT / code).exists(), code
        elif re.fullmatch(r"[a-z]+_[a-z_]+|merge", code):
            assert code in defined_names(), code
    for target in re.findall(r"\]\((\.\.[^)]+)\)", "\n".join(texts(sheet))):
        assert (FILES / target).resolve().exists(), target


def defaults(start: str) -> dict[str, str]:
    """The default values that the sheets name: ``spark.x.y`` (default z)."""
    found = re.findall(
        r"`([a-zA-Z.-]+\.[\w.-]+)`\s+\(default\s+([^)\s]+)[^)]*\)", "\n".join(text for one in SHEETS for text in texts(one))
    )
    return {name: value for name, value in found if name.startswith(start)}


def test_defaults_of_spark_are_those_of_the_version_installed() -> None:
    """Spark itself is asked; and every setting that is named exists."""
    require("spark")
    from bigdata_demos.cluster.spark import connect

    named = set(re.findall(r"`(spark\.[\w.]+)`", "\n".join(text for one in SHEETS for text in texts(one))))
    with connect("", 1, {}, "bigdata_demos.interview.sheets") as (context, _):
        java = context._jvm
        assert java is not None
        java.org.apache.spark.sql.internal.SQLConf.get()  # so that its settings are known
        entries = {name: java.org.apache.spark.internal.config.ConfigEntry.findEntry(name) for name in named}
        real = {name: entry.defaultValueString() for name, entry in entries.items() if entry is not None}
    assert real.keys() == named
    said = defaults("spark.")
    assert len(said) >= 15
    assert {name: real[name] for name in said} == said


def test_defaults_of_hadoop_are_those_of_the_version_used() -> None:
    """They are in the files *-default.xml of its jars."""
    require("hadoop")
    real = dict[str, str | None]()
    for path in jars.install(print).glob("*.jar"):
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if name.endswith("-default.xml"):
                    real |= {
                        one.findtext("name", ""): one.findtext("value") for one in ET.fromstring(jar.read(name)).iter("property")
                    }
    said = defaults("mapreduce.") | defaults("dfs.")
    assert len(said) >= 8
    assert {name: real[name] for name in said} == said


def a_record(**more: object) -> Record:
    """The record of an experiment on this machine."""
    made = Record(
        name="combiner", created="2026-01-02T03:04:05+00:00", command="bigdata-demos experiments run combiner", quick=False,
        seconds=1.0, machine=environment.machine(), versions={}, data="three words", head=("",), rows=[], bars={}, unit="",
        finding="It sent 3 MB.", holds=True, counts={},
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def test_what_was_run_is_quoted_with_its_place_and_what_was_not_with_its_command() -> None:
    """A finding, or the command that makes it."""
    sheet = sheets.load("shuffle")
    machine = environment.machine()
    first, *others = ran.of_sheet(sheet, {"combiner": a_record()}, None)
    assert first == ran.Ran(
        "It sent 3 MB.",
        f"three words; 2026-01-02 03:04 UTC, {machine.cores} cores, {machine.cpu}",
        "bigdata-demos experiments run combiner",
    )
    assert [(one.where, one.command) for one in others] == [
        ("", f"bigdata-demos experiments run {name}") for name in sheet.experiments[1:]
    ]
    [absent, *_] = ran.of_sheet(sheet, {"combiner": a_record(holds=False)}, None)
    assert absent.finding == "The effect did not show here. It sent 3 MB."


def test_markdown_in_a_terminal() -> None:
    """Links to files are their names, sources are named, and no line is too wide."""
    for sheet in SHEETS:
        lines = "\n".join(terminal.markdown(text, 80) for text in texts(sheet)).split("\n")
        assert max(map(len, lines)) <= 80
        assert "](" not in "\n".join(lines)
        assert "**" not in "\n".join(lines)


def test_paths_of_sheets_are_packaged() -> None:
    """They are read as package data, so that they must be inside of the package."""
    assert Path(sheets.__file__).parent / "questions" == FILES
