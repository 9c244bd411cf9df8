"""Two runs compared: what came, went and changed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import run_pages
from bigdata_demos.search.cli import main as search
from bigdata_demos.search.compare import Change, compare

MONDAY = {"a": "Spark shuffle spills.", "b": "The name node of HDFS.", "c": "The name node of HDFS again."}
TUESDAY = {"a": "Spark shuffle spills.", "c": "The data node of HDFS.", "d": "Avro schema resolution."}


def output_of(pages: dict[str, str], place: Path) -> Path:
    run_pages(({"url": url, "text": text, "title": f"Page {url}"} for url, text in pages.items()), engine="serial", output=place)
    return place


def database_of(pages: dict[str, str], place: Path) -> Path:
    path = place.with_suffix(".db")
    with open_database(path, write=True) as database:
        load(database, output_of(pages, place))
    return path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("diff")
    return database_of(MONDAY, directory / "monday"), database_of(TUESDAY, directory / "tuesday")


def test_pages_and_keywords(two: Sequence[Path]) -> None:
    """Counted by hand."""
    with open_database(two[0]) as before, open_database(two[1]) as after:
        shown, numbers = compare(before, after, 100)
        same = compare(before, before, 100)
    assert [change for change in shown if change.kind == "page"] == [
        Change("page", "went", "b", "Page b", ""),
        Change("page", "changed", "c", "Page c", "Page c"),
        Change("page", "came", "d", "", "Page d"),
    ]
    keywords = {change.name: change for change in shown if change.kind == "keyword"}
    assert keywords["name node"] == Change("keyword", "went", "name node", "2", "0")
    assert keywords["Avro schema resolution"] == Change("keyword", "came", "Avro schema resolution", "0", "1")
    assert numbers["page", "came"] == numbers["page", "went"] == numbers["page", "changed"] == 1
    assert sum(number for (kind, _), number in numbers.items() if kind == "keyword") == len(keywords)
    assert same == ([], Counter())


def test_limit_is_for_each_sort(two: Sequence[Path]) -> None:
    """The largest differences of keywords first; all are counted."""
    with open_database(two[0]) as before, open_database(two[1]) as after:
        shown, numbers = compare(before, after, 1)
    assert [change.kind for change in shown] == ["page", "page", "page", "keyword"]
    assert shown[-1] == Change("keyword", "went", "name node", "2", "0")
    assert sum(numbers.values()) > 4


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 2)),
)
def test_join_of_ordered_rows(before: dict[str, int], after: dict[str, int]) -> None:
    """All that is in one or the other, once."""
    from bigdata_demos.search import compare as module

    class Rows:
        def __init__(self, rows: dict[str, int]) -> None:
            self.rows = sorted(rows.items())

        def execute(self, _: str) -> list[tuple[str, int]]:
            return self.rows

    joined = list(module._joined(Rows(before), Rows(after), ""))  # type: ignore[arg-type]
    assert [name for name, _, _ in joined] == sorted({*before, *after})
    assert {name: old[0] for name, old, _ in joined if old} == before
    assert {name: new[0] for name, _, new in joined if new} == after


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two outputs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outputs = [str(output_of(pages, tmp_path / name)) for pages, name in ((MONDAY, "monday"), (TUESDAY, "tuesday"))]
    assert search([outputs[0], "--diff", outputs[1], "--output-format", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[:3] == ["kind,change,name,before,after", "page,went,b,Page b,", "page,changed,c,Page c,Page c"]
    assert "pages: came=1 went=1 changed=1" in shown.err
    assert search([outputs[0], "--diff", outputs[1], "--top"]) == 2
    assert "or --diff" in capsys.readouterr().err
