"""Loading: exactly once, whatever happens; what is in the tables; databases that are none."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bigdata_demos.errors import InputError, OutputError
from bigdata_demos.index import postings
from bigdata_demos.index.database import VERSION, open_database
from bigdata_demos.index.load import drop, load
from bigdata_demos.index.pages import site_of
from bigdata_demos.keywords import run
from bigdata_demos.keywords.output import reading
from bigdata_demos.storage.places import at
from tests.support.paths import SITE

TABLES = ("runs", "pages", "texts", "keywords", "words", "postings", "rejections", "body")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the bundled site, with text."""
    path = tmp_path_factory.mktemp("index") / "out"
    run([SITE], engine="serial", output=path, keep_text=True)
    return path


def pages_output(path: Path, texts: dict[str, str], *, keep_text: bool = True) -> Path:
    """The output of some pages."""
    source = path.with_suffix(".in")
    source.mkdir()
    for name, text in texts.items():
        (source / f"{name}.html").write_text(f"<!doctype html><title>{name}</title><p>{text}")
    run([source], engine="serial", output=path, keep_text=keep_text, max_rejected=100)
    return path


def rows(path: Path) -> dict[str, list[Any]]:
    """All rows of a database, with tokens instead of numbers of words, which depend on the order of loads."""
    with closing(sqlite3.connect(path)) as database:
        found = {name: sorted(database.execute(f"SELECT * FROM {name}"), key=repr) for name in TABLES}
        postings = "SELECT token, url, impact FROM postings JOIN words ON words.id = word JOIN pages ON pages.id = page"
        return {**found, "postings": sorted(database.execute(postings)), "words": []}


def known(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows without the numbers of pages, which a load gives anew, and without what a run says of its engine."""
    urls = {row[0]: row[1] for row in found["pages"]}
    named = {name: sorted((urls[row[0]], *row[1:]) for row in found[name]) for name in ("texts", "keywords")}
    return {**named, "pages": sorted(row[1:] for row in found["pages"]), "body": sorted(found["body"])}


def test_what_is_in_the_tables(output: Path, tmp_path: Path) -> None:
    """Pages, keywords and rejected pages of the output, and the postings of their words."""
    with open_database(tmp_path / "a.db", write=True) as database:
        manifest = load(database, output)
    found = rows(tmp_path / "a.db")
    assert manifest == reading.read_manifest(at(str(output)))
    assert len(found["pages"]) == manifest.pages == len(found["body"])
    assert [row[1:-1] for row in found["runs"]] == [(manifest.digest, "serial", manifest.pages, manifest.rejected, 1)]
    assert len(found["rejections"]) == manifest.rejected
    urls = {row[0]: row[1] for row in found["pages"]}
    texts = {urls[page]: text for page, text in found["texts"]}
    assert "global interpreter lock" in texts["gil.html"]
    assert ("shuffl", "shuffle.html") in {(token, url) for token, url, _ in found["postings"]}
    assert all(0 < impact <= 1024 for _, _, impact in found["postings"])


def test_impact_by_hand(tmp_path: Path) -> None:
    """In the title once, in the text twice, in the URL, and in keywords; eight tokens with those between the three lines."""
    output = pages_output(tmp_path / "out", {"zebra": "Zebra crossing. A zebra"})
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, output)
        keywords = [stems for (stems,) in database.execute("SELECT stems FROM keywords")]
        (impact,) = database.execute(
            "SELECT impact FROM postings JOIN words ON id = word WHERE token = 'zebra' AND pages = 1"
        ).fetchone()
        (body,) = database.execute("SELECT tokens FROM body").fetchone()
    assert body == "zebra zz zebra cross a zebra zz zebra"
    count = 16 + 3 * 4 + 8 * sum("zebra" in stems.split() for stems in keywords)
    assert impact == 1024 * 1000 * count // (1000 * count + 5 * (500 + 8))


def test_loading_again_changes_nothing(output: Path, tmp_path: Path) -> None:
    """A load that is repeated, and one of a run that was repeated on another engine."""
    again = tmp_path / "again"
    run([SITE], engine="asyncio", workers=2, output=again, keep_text=True, split_bytes=20_000)
    for number, outputs_ in enumerate(([output], [output, output], [output, again], [again, output])):
        with open_database(tmp_path / f"{number}.db", write=True) as database:
            for one in outputs_:
                load(database, one)
    first, second, third, fourth = (rows(tmp_path / f"{number}.db") for number in range(4))
    assert known(first) == known(second) == known(third)
    assert [row[1] for row in third["runs"]] == [row[1] for row in first["runs"]] == [row[1] for row in fourth["runs"]]
    assert known(fourth) == known(first)
    assert first["postings"] == second["postings"] == third["postings"] == fourth["postings"]
    assert len(third["pages"]) == len(third["texts"]) == len(first["pages"])
    assert len(fourth["pages"]) == len(first["pages"])


def test_many_runs_and_ranges(output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the runs are that workers write, and the ranges that are merged at once, the postings are the same."""
    for name, run_size, range_size in (("a.db", 4_000_000, 1_000_000), ("b.db", 500, 200), ("c.db", 1, 1)):
        monkeypatch.setattr(postings, "_RUN", run_size)
        monkeypatch.setattr(postings, "_RANGE", range_size)
        with open_database(tmp_path / name, write=True) as database:
            load(database, output)
    assert rows(tmp_path / "a.db") == rows(tmp_path / "b.db") == rows(tmp_path / "c.db")
    with closing(sqlite3.connect(tmp_path / "c.db")) as database:
        for word, pages in database.execute("SELECT id, pages FROM words").fetchall():
            assert database.execute("SELECT count(*) FROM postings WHERE word = ?", (word,)).fetchone() == (pages,)


def test_a_naive_reducer_doubles_its_rows(output: Path, tmp_path: Path) -> None:
    """What a load is for: a reducer that inserts as it goes, and is tried again, leaves rows twice."""
    postings = [
        (row["stems"], row["url"])
        for row in reading.records(at(str(output)), reading.read_manifest(at(str(output))).parts["index"], "index")
    ]
    with closing(sqlite3.connect(tmp_path / "naive.db")) as database:
        database.execute("CREATE TABLE posting (stems TEXT, url TEXT)")
        for attempt in (postings[: len(postings) // 2], postings):  # the first attempt is killed half-way
            database.executemany("INSERT INTO posting VALUES (?, ?)", attempt)
            database.commit()
        (count,) = database.execute("SELECT count(*) FROM posting").fetchone()
    assert count == len(postings) + len(postings) // 2
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, output)
        (once,) = database.execute("SELECT count(*) FROM keywords").fetchone()
        load(database, output)
        assert database.execute("SELECT count(*) FROM keywords").fetchone() == (once,) == (len(postings),)


def test_a_load_that_is_killed(output: Path, tmp_path: Path) -> None:
    """Killed by SIGKILL after some pages were inserted: nothing is there, and the next load is as the first."""
    script = (
        "import sys, time\n"
        "from bigdata_demos.index import database, load\n"
        "from bigdata_demos.index.sqlite import Sqlite\n"
        "Sqlite.merge_body = 'SELECT wait()'\n"
        "def wait():\n"
        "    print('half-way', flush=True)\n"
        "    time.sleep(60)\n"
        "with database.open_database(sys.argv[2], write=True) as opened:\n"
        "    opened.connection.create_function('wait', 0, wait)\n"
        "    load.load(opened, sys.argv[1])\n"
    )
    path = tmp_path / "a.db"
    command: list[str | Path] = [sys.executable, "-c", script, output, path]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == "half-way\n"
        with pytest.raises(OutputError, match="another process writes to it"), open_database(path, write=True) as other:
            other.execute("PRAGMA busy_timeout = 100")
            load(other, output)
        process.send_signal(signal.SIGKILL)
    with pytest.raises(InputError, match="empty database"), open_database(path):
        pass
    for name in ("a.db", "b.db"):
        with open_database(tmp_path / name, write=True) as database:
            load(database, output)
    assert rows(path) == rows(tmp_path / "b.db")


def test_pages_are_replaced_and_dropped(tmp_path: Path) -> None:
    """A page that comes again, with other words, has only these; dropping a run removes its pages."""
    first = pages_output(tmp_path / "1", {"a": "zebra crossing", "b": "apples"})
    second = pages_output(tmp_path / "2", {"a": "pears and plums", "c": "zebra"})
    only = pages_output(tmp_path / "3", {"a": "pears and plums", "c": "zebra", "b": "apples"})
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, first)
        load(database, second)
    with open_database(tmp_path / "b.db", write=True) as database:
        load(database, only)
    found = rows(tmp_path / "a.db")
    assert [(token, url) for token, url, _ in found["postings"]] == [
        (token, url) for token, url, _ in rows(tmp_path / "b.db")["postings"]
    ]
    with open_database(tmp_path / "a.db", write=True) as database:
        digest = reading.read_manifest(at(str(second))).digest
        assert drop(database, digest[:20]) == 2
        with pytest.raises(InputError, match="no run has"):
            drop(database, digest)
        with pytest.raises(InputError, match="no run has"):
            drop(database, "%")
    left = rows(tmp_path / "a.db")
    assert [row[1] for row in left["pages"]] == ["b.html"]
    assert {url for _, url, _ in left["postings"]} == {"b.html"}
    assert len(left["runs"]) == len(left["body"]) == 1


def test_an_output_without_text(tmp_path: Path) -> None:
    """Its titles and keywords are searched; when its text comes, that, too."""
    plain = pages_output(tmp_path / "1", {"a": "zebra crossing, and then some other words that follow"}, keep_text=False)
    with open_database(tmp_path / "a.db", write=True) as database:
        assert not load(database, plain).parts["text"]
    tokens = {token for token, _, _ in rows(tmp_path / "a.db")["postings"]}
    assert {"zebra", "cross"} <= tokens
    assert "follow" not in tokens


@pytest.fixture
def broken(output: Path, tmp_path: Path) -> Path:
    """A copy of the output."""
    return shutil.copytree(output, tmp_path / "broken")


def test_outputs_that_have_changed(broken: Path, tmp_path: Path) -> None:
    """A part with another checksum, one that is gone, and no manifest: one line, and an empty index stays so."""
    with open_database(tmp_path / "a.db", write=True) as database:
        part = next((broken / "text").iterdir())
        data = part.read_bytes()
        part.write_bytes(data[:-1] + b"x")
        with pytest.raises(InputError, match="SHA-256 differs"):
            load(database, broken)
        part.unlink()
        with pytest.raises(InputError, match="cannot read"):
            load(database, broken)
        (broken / "manifest.json").unlink()
        with pytest.raises(InputError, match="not an output"):
            load(database, broken)
        assert not database.has_tables
    assert not (tmp_path / "a.db").exists()


def test_databases_that_are_none(output: Path, tmp_path: Path) -> None:
    """Missing, damaged, another program's, of another version, not writable: one line that says what to do."""
    with pytest.raises(InputError, match="no such index: make it by"), open_database(tmp_path / "none.db"):
        pass
    (tmp_path / "text.db").write_text("no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(InputError, match="not a database"), open_database(tmp_path / "text.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE t (x)")
    with pytest.raises(InputError, match="not an index of bigdata-demos"), open_database(tmp_path / "other.db", write=True):
        pass
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, output)
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="version 99"), open_database(tmp_path / "a.db"):
        pass
    with pytest.raises(OutputError, match="unable to open"), open_database(tmp_path / "no" / "a.db", write=True):
        pass
    data = bytearray((tmp_path / "a.db").read_bytes())
    data[60:64] = VERSION.to_bytes(4, "big")
    (tmp_path / "damaged.db").write_bytes(data[:5000] + os.urandom(20_000) + data[25_000:])
    with pytest.raises(InputError, match="malformed"), open_database(tmp_path / "damaged.db") as database:
        for name in TABLES:
            database.execute(f"SELECT * FROM {name}").fetchall()


def test_sites() -> None:
    """Host names, without www."""
    assert site_of("https://www.Example.org:8080/x") == "example.org"
    assert site_of("docs/index.html") == site_of("http://[bad") == ""
