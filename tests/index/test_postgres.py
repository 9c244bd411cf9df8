"""PostgreSQL: the same hits as SQLite, exactly once, and one line for what goes wrong."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bigdata_demos.bench.search import indexes
from bigdata_demos.errors import InputError, OutputError, UsageError
from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import drop, load
from bigdata_demos.index.postgres import vectors, without_password
from bigdata_demos.keywords import run
from bigdata_demos.keywords.output.reading import read_manifest
from bigdata_demos.search.searcher import Searcher, open_searcher
from bigdata_demos.storage.places import at
from tests.support.paths import SITE
from tests.support.postgres import postgres_server

TABLES = ("runs", "pages", "texts", "keywords", "words", "postings", "rejections", "body")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as address:
        yield address


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the bundled site, with text."""
    path = tmp_path_factory.mktemp("index") / "out"
    run([SITE], engine="serial", output=path, keep_text=True)
    return path


def counts(address: str) -> dict[str, int]:
    """The rows of each table."""
    with open_database(address) as database:
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def test_same_hits_as_sqlite(server: str, output: Path, tmp_path: Path) -> None:
    """Words, phrases, prefixes and conditions of random pages: the same pages in the same order, with the same scores."""
    with open_database(server, write=True) as database:
        load(database, output, workers=2)
    with open_database(tmp_path / "a.db", write=True) as database:
        load(database, output)
    with open_searcher(server) as one, open_searcher(tmp_path / "a.db") as other:
        texts = [text for (text,) in other.database.execute("SELECT text FROM texts ORDER BY page")]
        checked = 0
        for query in queries(texts):
            answers: list[Any] = [searcher.search(query, 100) for searcher in (one, other)]
            assert answers[0] == answers[1], query
            assert one.advice(query) == other.advice(query)
            checked += bool(answers[0].hits)
        assert checked > 80
        assert one.related("gil.html") == other.related("gil.html") != []
        assert one.top(language="en", limit=50) == other.top(language="en", limit=50) != []
        assert one.suggestions("ma", 50) == other.suggestions("ma", 50) != []


def queries(texts: list[str]) -> Iterator[str]:
    """Queries of each kind, of the words of random pages."""
    for seed in range(150):
        chance = random.Random(seed)
        line = chance.choice(chance.choice(texts).split("\n")).replace('"', " ").split() or ["x"]
        start = chance.randrange(len(line))
        some = line[start : start + 1 + seed % 4]
        yield {
            0: f'"{" ".join(some)}" z',
            1: " ".join(some) + " z",
            2: f"{some[0][:3]}a* shuffle -{some[-1]}z",
            3: f"keyword:{some[0]} spark",
            4: f'spark -"{" ".join(some)}" lang:en',
        }[seed % 5].removesuffix(" z")


def test_exactly_once(server: str, output: Path) -> None:
    """A load that is repeated changes nothing; one whose connection is lost leaves nothing; a run can be dropped."""
    with open_database(server, write=True) as database:
        load(database, output)
    before = counts(server)

    def cut(phase: str, done: int, total: int) -> None:
        if phase == "merge":
            database.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(OutputError, match="terminating connection"), open_database(server, write=True) as database:
        load(database, output, cut)
    assert counts(server) == before
    with open_database(server, write=True) as database:
        load(database, output)
        assert counts(server) == before
        with (
            open_database(server, write=True) as second,
            pytest.raises(OutputError, match="another process writes"),
            database.transaction(),
        ):
            load(second, output)
        manifest = read_manifest(at(str(output)))
        assert drop(database, manifest.digest[:20]) == manifest.pages
    assert set(counts(server).values()) == {0}


def test_errors(server: str, output: Path) -> None:
    """One line each, without the password."""
    with (
        pytest.raises(InputError, match="password authentication failed") as raised,
        open_database(server.replace("fish", "dish")),
    ):
        pass
    assert "sworddish" not in str(raised.value)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        connection.execute("CREATE DATABASE other")
    empty, other = (server.replace("/postgres", f"/{name}") for name in ("empty", "other"))
    with pytest.raises(InputError, match="no index: load one"), open_database(empty.replace("postgresql:", "postgres:")):
        pass
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bigdata_demos")
        connection.execute("CREATE TABLE bigdata_demos.runs ()")
    with pytest.raises(InputError, match="is not an index"), open_database(other, write=True):
        pass
    with open_database(empty, write=True) as database:
        load(database, output)
        database.execute("COMMENT ON SCHEMA bigdata_demos IS 'bigdata-demos index 99'")
    with pytest.raises(InputError, match="version 99"), open_database(empty):
        pass


def test_a_slow_lookup_is_given_up(server: str, output: Path) -> None:
    """A statement is aborted in time, and the next one is answered."""
    with open_database(server, write=True) as database:
        load(database, output)
        with pytest.raises(TimeoutError), database.deadline(0.1):
            database.execute("SELECT pg_sleep(10)")
        assert Searcher(database).search("spark").total > 1


def test_vectors_find_phrases_across() -> None:
    """Each window of 64 tokens is within one row, and no row has more positions of a token than PostgreSQL keeps."""
    body = [f"t{number}" for number in range(1000)]
    rows = [{item.partition(":")[0] for item in row.split()} for row in vectors(body)]
    assert all(any(set(body[start : start + 64]) <= row for row in rows) for start in range(1000 - 63))
    assert max(map(len, rows)) <= 255
    assert without_password("postgresql://me:secret@host/db") == "postgresql://me@host/db"
    assert without_password("postgresql://host/db?user=me&password=secret") == "postgresql://host/db?user=me&password=…"


def test_benchmark_with_sqlite(server: str, output: Path) -> None:
    """Both are measured, and what was loaded for it is removed; a database with runs is refused."""
    with open_database(server, write=True) as database:
        if database.has_tables and counts(server)["runs"]:
            drop(database, "sha256:")
    lines = list(indexes.run([str(SITE)], server, 1, 20, 1, lambda _: None))
    assert [sum(name in line for line in lines) for name in ("load into SQLite", "load into PostgreSQL", "20 to PostgreSQL")] == [
        1
    ] * 3
    assert set(counts(server).values()) == {0}
    with open_database(server, write=True) as database:
        load(database, output)
    with pytest.raises(UsageError, match="name an empty database"):
        list(indexes.run([str(SITE)], server, 1, 1, 1, lambda _: None))
    assert counts(server)["runs"] == 1
