"""The file: what is in it, that nothing of a page runs, and what the command says."""

import json
import re
from pathlib import Path

import pytest

from bigdata_demos.report import file
from bigdata_demos.report.cli import main
from bigdata_demos.search.searcher import open_searcher
from tests.support.crawls import PAGES, SCRIPT, make_index


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the pages."""
    directory = tmp_path_factory.mktemp("report")
    make_index(directory, directory / "a.db")
    return directory / "a.db"


def test_report(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keywords, languages, sites, rejected pages and runs; the pages as data; nothing of it runs or is loaded."""
    path = tmp_path / "report.html"
    assert main([str(index), "-o", str(path)]) == 0
    assert f"pages={len(PAGES)} searchable={len(PAGES)} bytes={path.stat().st_size}" in capsys.readouterr().err
    html = path.read_text()
    for said in (">a.db<", f"{len(PAGES)} pages with", "a.example", "bad-record", "https://a.example/empty", "sha256:"):
        assert said in html
    assert SCRIPT not in html
    assert html.count("<script") == html.count("</script>") == 2
    assert 'href="javascript:' not in html
    assert not re.search(r'(?:src|href)="(?!https://|#|data:,)', html)
    data = re.search(r'<script type="application/json" id="pages">(.*?)</script>', html)
    assert data
    pages = json.loads(data[1])
    assert [page[0] for page in pages] == sorted(page["url"] for page in PAGES)
    assert {page[0]: page[1] for page in pages}[PAGES[3]["url"]] == SCRIPT
    assert all(page[3] for page in pages)
    assert 'content="default-src &#39;none&#39;;' in html
    assert html.count("sha256-") == 2


def test_large_crawls(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search knows so many pages, and says so."""
    monkeypatch.setattr(file, "MOST", 2)
    with open_searcher(index) as searcher:
        html = file.report(searcher, "a crawl")
    assert f"of 2 of the {len(PAGES)} pages" in html
    assert "https://www.b.example/" not in html


def test_command(index: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Standard output; a file that is there already; a directory that is not."""
    assert main([str(index)]) == 0
    assert capsysbinary.readouterr().out.startswith(b"<!doctype html>")
    path = tmp_path / "report.html"
    path.write_text("mine")
    assert main([str(index), "-o", str(path)]) == 2
    assert b"exists already: name another file by --to, or set --overwrite" in capsysbinary.readouterr().err
    assert path.read_text() == "mine"
    assert main([str(index), "-o", str(path), "--overwrite"]) == 0
    assert main([str(index), "-o", str(tmp_path / "no" / "x.html")]) == 1
    assert main([str(tmp_path / "none.db")]) == 1
