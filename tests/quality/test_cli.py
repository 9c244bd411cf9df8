"""The command ``bigdata-demos quality``, and gold standards that it makes."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.quality.cli import main
from bigdata_demos.quality.make_gold import make_gold
from tests.support.paths import SITE


def page(keywords: str, text: str = "some text") -> str:
    return f'<meta name="keywords" content="{keywords}"><title>A page</title><p>{text}'


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundled pages that declare keywords, as a gold standard."""
    path = str(tmp_path_factory.mktemp("gold") / "bundled.jsonl")
    assert main(["make-gold", str(SITE), "-o", path]) == 0
    return path


def test_make_gold_of_declared_keywords(tmp_path: Path) -> None:
    """Lists within the bounds, that no other page has (in any order); the markup is the page's, decoded."""
    for name, keywords in (
        ("own", "a, b, c"), ("few", "a, b"), ("many", "a,b,c,d,e,f"), ("site-1", "x, y, z"), ("site-2", "z, y, x"), ("none", ""),
    ):  # fmt: skip
        (tmp_path / f"{name}.html").write_text(page(keywords))
    (tmp_path / "latin.html").write_bytes(page("é, f, g").replace("<meta", "<meta charset=iso-8859-1><meta", 1).encode("latin-1"))
    (tmp_path / "empty.html").write_text("")
    rows, counts = make_gold([str(tmp_path)], least=3, most=5)
    assert {(row["id"], tuple(row["gold"])) for row in rows} == {("own.html", ("a", "b", "c")), ("latin.html", ("é", "f", "g"))}
    assert rows[1]["html"] == page("a, b, c")
    assert rows[1]["language"] == "en"
    assert counts == (8, 2, 2)


def test_make_gold_writes_lines(gold: str, tmp_path: Path, capfdbinary: Any) -> None:
    """To a file, or to standard output; a crawl without declared keywords is an error, and leaves nothing."""
    lines = Path(gold).read_bytes()
    assert main(["make-gold", str(SITE)]) == 0
    out, err = capfdbinary.readouterr()
    assert out == lines
    assert err.splitlines()[-1].startswith(b"pages=66 examples=")
    (tmp_path / "a.html").write_text(page(""))
    assert main(["make-gold", str(tmp_path / "a.html"), "-o", str(tmp_path / "gold.jsonl")]) == 1
    assert b"error: none of the 1 pages declares 3 to 25 keywords of its own" in capfdbinary.readouterr()[1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def rows_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--format", "jsonl", "--quiet"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_rows_have_figures_and_differences(gold: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each extractor; the difference to the first lies within its interval, and is that of the means."""
    ours, fast, tfidf = rows_of(capsys, gold, "--extractors", "ours,ours-fast,tfidf")
    assert [row["extractor"] for row in (ours, fast, tfidf)] == ["ours", "ours-fast", "tfidf"]
    assert "difference" not in ours
    for row in (fast, tfidf):
        difference = row["difference"]
        assert difference["low"] <= difference["f1_at_10"] <= difference["high"]
        assert difference["f1_at_10"] == pytest.approx(row["f1_at_10"] - ours["f1_at_10"], abs=0.002)
    for row in (ours, fast, tfidf):
        assert row["gold"] == "bundled"
        assert 0 < row["f1_at_5"] < 100
        assert 0 < row["precision_at_10"] < row["recall_at_10"] < 100  # fewer gold keywords than ten
        assert row["cpu_ms"] > 0


def test_perfect_and_useless_extractors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Documents of one word have that keyword: F1 is 100 where it is gold, 0 where it is not, 50 on both."""
    rows = [{"id": 1, "text": "mapreduce", "gold": ["MapReduce"]}, {"id": 2, "text": "avro", "gold": ["parquet"]}]
    path = tmp_path / "two.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (row,) = rows_of(capsys, str(path))
    assert (row["precision_at_10"], row["recall_at_10"], row["f1_at_10"], row["documents"]) == (50, 50, 50, 2)


def test_table_and_plot(gold: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a row for each gold standard and their mean, and the documents where two extractors differ most."""
    drawing = tmp_path / "plot.svg"
    assert main([gold, gold, "--extractors", "ours,rake", "--differences", "2", "--plot", str(drawing)]) == 0
    out = capsys.readouterr().out
    table, *differences = out.split("\n\n")
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [
        ["bundled", "ours"], ["bundled", "rake"], ["bundled", "ours"], ["bundled", "rake"], ["mean", "ours"], ["mean", "rake"],
    ]  # fmt: skip
    assert len(differences) == 2
    assert differences[0].count("gold (stems):") == 2
    assert "bundled: where ours and rake differ most" in differences[0]
    tree = ET.parse(drawing)
    texts = [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours", "rake", "mean F1@10 in percent"} <= set(texts)
    points = [element.attrib["id"] for element in tree.iter() if element.attrib.get("id", "").startswith("point-")]
    assert sorted(points) == ["point-0", "point-1"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["missing.jsonl"], 1, "error: missing.jsonl: No such file or directory"),
        ([], 2, "error: the following arguments are required: GOLD"),
        (["x", "--extractors", "nobody"], 2, "error: --extractors nobody: must be some of ours"),
        (["make-gold", "missing.warc"], 1, "missing.warc"),
    ],
)
def test_errors(arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and the exit statuses of all commands."""
    assert main(arguments) == status
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
