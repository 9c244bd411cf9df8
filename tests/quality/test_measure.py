"""Figures and gold standards, counted by hand."""

import gzip
import json
from pathlib import Path

import pytest

from bigdata_demos.errors import InputError
from bigdata_demos.quality import gold
from bigdata_demos.quality.measure import Figures, figures, normalized


def forms(*phrases: str) -> list[frozenset[str]]:
    return [frozenset([normalized(phrase)]) for phrase in phrases]


def test_normalized() -> None:
    """Lower case, letters and digits only, Porter stems; no stemming of what is stemmed already."""
    assert normalized("Map-Reduce jobs") == "map reduc job"
    assert normalized("map_reduce") == "map reduc"
    assert normalized("Straßen, Größe!") == "straßen größe"
    assert normalized("--") == ""
    assert normalized("studi caus", stemmed=True) == "studi caus"


def test_figures_by_hand() -> None:
    """Three of the first four are right, of six in gold: precision 3/4, recall 3/6, F1 2 · 3 / (4 + 6)."""
    wanted = forms("a1", "b1", "c1", "d1", "e1", "f1")
    assert figures(["a1", "x", "b1", "c1", "d1"], wanted, 4) == Figures(3 / 4, 3 / 6, 6 / 10)
    assert figures(["a1", "x", "b1", "c1", "d1"], wanted, 5) == Figures(4 / 5, 4 / 6, 8 / 11)
    assert figures(["nothing"], wanted, 5) == Figures(0, 0, 0)
    assert figures([], wanted, 5) == Figures(0, 0, 0)
    assert figures(["a1"], [], 5) == Figures(0, 0, 0)


def test_equal_keywords_count_once() -> None:
    """Inflections of a keyword use no place, and no second one is right; forms of a gold keyword are one."""
    assert figures(["jobs", "Job", "task"], forms("job", "task"), 2) == Figures(1, 1, 1)
    variants = [frozenset({"hdf", "hadoop file system"}), frozenset({"yarn"})]
    assert figures(["HDFS", "Hadoop file systems"], variants, 5) == Figures(1 / 2, 1 / 2, 2 / 4)


def test_keys_of_gold(tmp_path: Path) -> None:
    """Text, HTML and files of HTML; variants, stems; documents without gold are left out, and equal gold counts once."""
    (tmp_path / "page.html.gz").write_bytes(gzip.compress(b"<p>page"))
    rows = [
        {"id": 1, "title": "T", "text": "a text", "gold": ["Big data", "big-data", "  "]},
        {"id": "two", "html": "<p>markup", "gold_variants": [["HDFS", "file system"], ["file systems"]]},
        {"id": 3, "html_file": "page.html.gz", "gold": ["studi"], "gold_stemmed": True},
        {"id": 4, "text": "no gold", "gold": []},
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / gold.GOLD_FILE).write_text(lines)
    (tmp_path / "set.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    examples = gold.read(str(tmp_path))
    assert examples == gold.read(str(tmp_path / "set.jsonl.gz"))
    assert [(one.id, one.title, one.text, one.html) for one in examples] == [
        ("1", "T", "a text", None), ("two", "", "", "<p>markup"), ("3", "", "", b"<p>page"),
    ]  # fmt: skip
    assert [one.gold for one in examples] == [[{"big data"}], [{"hdf", "file system"}], [{"studi"}]]
    assert gold.name_of(str(tmp_path / "set.jsonl.gz")) == "set"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": 1, "text": "a", "gold": ["a"]}\n{"id": 2', "line 2 is no document with gold keywords"),
        (b'{"id": 1, "gold": ["a"]}', "line 1 is no document with gold keywords: no 'text'"),
        (b'{"id": 1, "text": "a"}', "no 'gold'"),
        (b"[1]", "line 1 is no document"),
        (b'{"id": 1, "text": "a", "gold": []}', "no document has gold keywords"),
        (b"", "no document has gold keywords"),
        (b"\xff", "a gold standard is JSON lines in UTF-8"),
        (b'{"id": 1, "html_file": "missing.html", "gold": ["a"]}', "missing.html: No such file"),
    ],
)
def test_bad_gold(content: bytes, message: str, tmp_path: Path) -> None:
    """One line says which file, and what is wrong."""
    (tmp_path / "gold.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        gold.read(str(tmp_path / "gold.jsonl"))
    assert "\n" not in str(raised.value)


def test_missing_gold(tmp_path: Path) -> None:
    """A file that does not exist, a directory without one, and gzip that is cut."""
    with pytest.raises(InputError, match="No such file"):
        gold.read(str(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="No such file"):
        gold.read(str(tmp_path))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1, "text": "a", "gold": ["a"]}\n' * 100)[:-12])
    with pytest.raises(InputError, match=r"cut\.jsonl\.gz"):
        gold.read(str(tmp_path / "cut.jsonl.gz"))
